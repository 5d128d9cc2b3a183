"""How thieves steal: three kinds of fraud from the first day, and a new one from a chosen day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.durations import DAY_US
from tallystick.simulation.payments import DAY_SECONDS, PaymentKind, Payments, draw_payments
from tallystick.simulation.population import Population
from tallystick.simulation.randomness import Purpose, generator

LONGEST_COMPROMISE_DAYS = 35


@dataclass(frozen=True, slots=True)
class FraudRates:
    """How often episodes of each kind of fraud begin.

    Parameters
    ----------
    terminal_compromises : per day and 1,000 terminals
    card_thefts, card_testings, account_takeovers : per day and 1,000 customers
    stolen_at_compromised : share of the payments at a compromised terminal that are stolen, in [0, 1]
    """

    terminal_compromises: float = 0.15
    card_thefts: float = 0.7
    card_testings: float = 0.6
    account_takeovers: float = 1.2
    stolen_at_compromised: float = 0.95


def thefts_and_testings(people: Population, rates: FraudRates, *, start: int, day: int, seed: int) -> list[Payments]:
    """Return the payments of the thefts and card testings that begin on a day, later payments included.

    Parameters
    ----------
    people : whose cards are stolen or tried
    rates : how many episodes begin per day
    start : midnight of day 0, microseconds since 1970 UTC
    day : the day they begin on, counted from 0
    seed : of the whole simulation
    """
    midnight = start + day * DAY_US
    thefts = _thefts(people, rates, generator(seed, Purpose.CARD_THEFT, day), midnight)
    return [thefts, _testings(people, rates, generator(seed, Purpose.CARD_TESTING, day), midnight)]


def account_takeovers(people: Population, rates: FraudRates, *, start: int, day: int, seed: int) -> Payments:
    """Return the payments of the account takeovers that begin on a day: the new kind of fraud.

    For five to ten days somebody pays once or twice a night with the customer's usual amounts, at terminals
    anywhere. No amount, no burst and no known terminal gives it away; the hour does, to a model that has
    seen it.

    Parameters
    ----------
    people : whose accounts are taken over
    rates : how many episodes begin per day
    start : midnight of day 0, microseconds since 1970 UTC
    day : the day they begin on, counted from 0
    seed : of the whole simulation
    """
    draws = generator(seed, Purpose.ACCOUNT_TAKEOVER, day)
    victims = _victims(people, rates.account_takeovers, draws)
    nights = draws.integers(5, 11, size=len(victims))
    a_night = draws.poisson(1.6, size=int(nights.sum()))
    customer, night = np.repeat(np.repeat(victims, nights), a_night), np.repeat(_counted(nights), a_night)
    n = len(customer)
    return draw_payments(
        draws,
        seconds=night * DAY_SECONDS + draws.uniform(1.0, 5.5, size=n) * 3_600,
        customer=customer,
        terminal=draws.integers(people.n_terminals, size=n),
        euros=people.level[customer] * np.exp(people.spread[customer] * draws.standard_normal(n)),
        kind=PaymentKind.ACCOUNT_TAKEOVER,
        midnight=start + day * DAY_US,
    )


def stolen_at_compromised(
    payments: Payments, rates: FraudRates, *, terminals: int, start: int, days: int, seed: int
) -> NDArray[np.bool_]:
    """Return which genuine payments are stolen because their terminal is compromised.

    A compromise lasts three to five weeks, and ``rates.stolen_at_compromised`` of its payments are stolen.
    Compromises also began before the first day, so the network starts as it goes on.

    Parameters
    ----------
    payments : all payments of the network; of these only genuine ones are stolen
    rates : how many compromises begin per day, and what share of payments they steal
    terminals : how many there are
    start : midnight of day 0, microseconds since 1970 UTC
    days : how many days the network lasts
    seed : of the whole simulation
    """
    held = np.zeros((days, terminals), dtype=bool)
    for day in range(-LONGEST_COMPROMISE_DAYS, days):
        draws = generator(seed, Purpose.TERMINAL_COMPROMISE, day + LONGEST_COMPROMISE_DAYS)
        n = draws.poisson(rates.terminal_compromises * terminals / 1_000)
        taken, until = draws.integers(terminals, size=n), day + draws.integers(21, LONGEST_COMPROMISE_DAYS + 1, size=n)
        for terminal, last in zip(taken.tolist(), until.tolist(), strict=True):
            held[max(day, 0) : max(last, 0), terminal] = True
    at_held = held[(payments.time - start) // DAY_US, payments.terminal]
    genuine = payments.kind == PaymentKind.GENUINE
    stolen: NDArray[np.bool_] = genuine & at_held & (payments.chance < rates.stolen_at_compromised)
    return stolen


def _thefts(people: Population, rates: FraudRates, draws: np.random.Generator, midnight: int) -> Payments:
    """Return payments with stolen cards: many within days, near home, four to seven times the usual amount."""
    victims = _victims(people, rates.card_thefts, draws)
    sizes = draws.integers(3, 11, size=len(victims))
    customer = np.repeat(victims, sizes)
    n = len(customer)
    lasts = np.repeat(draws.uniform(1.0, 4.0, size=len(victims)), sizes)
    return draw_payments(
        draws,
        seconds=8 * 3_600 + draws.random(n) * lasts * DAY_SECONDS,
        customer=customer,
        terminal=people.reach[customer, draws.integers(people.reach.shape[1], size=n)],
        euros=people.level[customer] * draws.uniform(4.0, 7.0, size=n),
        kind=PaymentKind.CARD_THEFT,
        midnight=midnight,
    )


def _testings(people: Population, rates: FraudRates, draws: np.random.Generator, midnight: int) -> Payments:
    """Return payments that try stolen numbers: a burst of 1 to 4 EUR each, in one hour of a night."""
    victims = _victims(people, rates.card_testings, draws)
    sizes = draws.integers(5, 13, size=len(victims))
    customer = np.repeat(victims, sizes)
    n = len(customer)
    begins = np.repeat(draws.uniform(0.0, 5.0, size=len(victims)), sizes)
    return draw_payments(
        draws,
        seconds=(begins + draws.random(n)) * 3_600,
        customer=customer,
        terminal=draws.integers(people.n_terminals, size=n),
        euros=draws.uniform(1.0, 4.0, size=n),
        kind=PaymentKind.CARD_TESTING,
        midnight=midnight,
    )


def _victims(people: Population, per_thousand: float, draws: np.random.Generator) -> NDArray[np.int64]:
    n = draws.poisson(per_thousand * people.n_customers / 1_000)
    return draws.integers(people.n_customers, size=n)


def _counted(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0 .. size - 1 for every size, one after the other."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
