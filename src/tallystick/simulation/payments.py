"""What customers do on a day when nobody steals from them, and the columns in which payments are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.durations import DAY_US
from tallystick.simulation.population import Population
from tallystick.simulation.randomness import Purpose, generator

SECOND_US = 1_000_000
DAY_SECONDS = 86_400


class PaymentKind(IntEnum):
    """What a payment truly is."""

    GENUINE = 0
    TERMINAL_COMPROMISE = 1
    CARD_THEFT = 2
    CARD_TESTING = 3
    ACCOUNT_TAKEOVER = 4


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments as columns, each of shape (n,), not yet in order of time.

    Parameters
    ----------
    time : microseconds since 1970 UTC, whole seconds
    customer, terminal : positions in the population
    cents : amount in cents, >= 1
    kind : what the payment truly is, a ``PaymentKind``
    chance : uniform in [0, 1): decides whether a compromised terminal steals this payment
    silence : uniform in [0, 1): decides whether a fraud is never reported
    delay : standard normal: how late a report comes
    """

    time: NDArray[np.int64]
    customer: NDArray[np.int64]
    terminal: NDArray[np.int64]
    cents: NDArray[np.int64]
    kind: NDArray[np.int8]
    chance: NDArray[np.float64]
    silence: NDArray[np.float64]
    delay: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all payments of some parts, one part after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def taken(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return the payments at some rows."""
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))

    def marked(self, rows: NDArray[np.bool_], kind: PaymentKind) -> Self:
        """Return the payments, with some rows of another kind.

        Parameters
        ----------
        rows : shape (n,), which payments
        kind : what they truly are
        """
        return replace(self, kind=np.where(rows, np.int8(kind), self.kind))


def draw_payments(
    draws: np.random.Generator,
    *,
    seconds: NDArray[np.float64],
    customer: NDArray[np.int64],
    terminal: NDArray[np.int64],
    euros: NDArray[np.float64],
    kind: PaymentKind,
    midnight: int,
) -> Payments:
    """Return payments of one kind, with everything that will be decided about each drawn beside it.

    Parameters
    ----------
    draws : makes what will be decided; it is advanced by three draws per payment
    seconds : shape (n,), seconds after ``midnight``; rounded down to whole seconds
    customer, terminal : shape (n,), positions in the population
    euros : shape (n,); rounded to cents, one cent at least
    kind : what the payments truly are
    midnight : microseconds since 1970 UTC
    """
    n = len(customer)
    return Payments(
        time=midnight + np.floor(seconds).astype(np.int64) * SECOND_US,
        customer=customer,
        terminal=terminal,
        cents=np.maximum(np.rint(euros * 100), 1).astype(np.int64),
        kind=np.full(n, kind, dtype=np.int8),
        chance=draws.random(n),
        silence=draws.random(n),
        delay=draws.standard_normal(n),
    )


def genuine_payments(people: Population, *, start: int, day: int, seed: int) -> Payments:
    """Return the genuine payments of one day.

    A customer makes Poisson-many payments around the middle of its own day (hours beyond midnight wrap
    around), most often at the terminals nearest to home, with log-normal amounts.

    Parameters
    ----------
    people : who pays
    start : midnight of day 0, microseconds since 1970 UTC
    day : counted from 0
    seed : of the whole simulation
    """
    draws = generator(seed, Purpose.PAYMENTS, day)
    customer = np.repeat(np.arange(people.n_customers), draws.poisson(people.rate))
    n = len(customer)
    hours = people.hour[customer] + people.hour_spread[customer] * draws.standard_normal(n)
    # The square of a uniform favours the near terminals: the nearest tenth gets a third of the visits.
    rank = np.floor(np.square(draws.random(n)) * people.reach.shape[1]).astype(np.int64)
    return draw_payments(
        draws,
        seconds=np.mod(hours * 3_600, DAY_SECONDS),
        customer=customer,
        terminal=people.reach[customer, rank],
        euros=people.level[customer] * np.exp(people.spread[customer] * draws.standard_normal(n)),
        kind=PaymentKind.GENUINE,
        midnight=start + day * DAY_US,
    )
