"""A simulated card network: payments, the chargebacks that come later, and the truth behind them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.definitions.durations import DAY_US
from tallystick.errors import SettingOutOfRange
from tallystick.simulation.frauds import FraudRates, account_takeovers, stolen_at_compromised, thefts_and_testings
from tallystick.simulation.payments import PaymentKind, Payments, genuine_payments
from tallystick.simulation.population import populate
from tallystick.simulation.tables import INSTANT, chargebacks_table, payments_table, truth_table

EARLIEST = -(2**62)


@dataclass(frozen=True, slots=True)
class Network:
    """What happened in a card network.

    Parameters
    ----------
    payments : payment_id, paid_at (UTC, naive), customer_id, terminal_id, amount (EUR, two decimals); in
        order of time, numbered in that order
    chargebacks : report_id, reported_at, payment_id; in order of time; of frauds only, one at most for each
        payment, and some are reported after the last payment of the network
    truth : payment_id, kind, is_fraud; one row for each payment, in the same order. ``kind`` is "genuine",
        "terminal_compromise", "card_theft", "card_testing" or "account_takeover"
    """

    payments: pa.Table
    chargebacks: pa.Table
    truth: pa.Table

    def until(self, instant: int) -> Self:
        """Return what was known just before an instant (microseconds since 1970 UTC).

        Payments and chargebacks at the instant itself are not among it, so midnights cut days cleanly.
        """
        return self.between(EARLIEST, instant)

    def between(self, since: int, until: int) -> Self:
        """Return what came in ``since <= time < until``: payments with their truth, and chargebacks.

        A chargeback comes when it is reported, so its payment may have been made before ``since``.

        Parameters
        ----------
        since : the first instant, microseconds since 1970 UTC
        until : the instant after the last
        """
        paid = _within(self.payments["paid_at"], since, until)
        charged_back = _within(self.chargebacks["reported_at"], since, until)
        return type(self)(self.payments.filter(paid), self.chargebacks.filter(charged_back), self.truth.filter(paid))


def simulate(
    *,
    customers: int = 1_000,
    terminals: int = 2_000,
    start: date,
    days: int,
    new_fraud_from: date | None = None,
    seed: int,
    rates: FraudRates | None = None,
) -> Network:
    """Return a card network with three kinds of fraud, and a fourth from a chosen day.

    The same arguments give the same bytes (with the same numpy: its distributions may change with its
    versions). A longer simulation repeats a shorter one: the first days are the same payments, with
    the same ids and reports. Until its day, the new kind of fraud leaves no trace.

    Parameters
    ----------
    customers, terminals : how many there are, 1 or more
    start : the first day, UTC
    days : how many days it lasts, 1 or more
    seed : 0 or more; another seed gives other people, places and payments
    new_fraud_from : the first day on which accounts are taken over; ``None`` for never
    rates : how often frauds begin; by default about 0.8 % of payments, as in the published card payments

    Raises
    ------
    SettingOutOfRange
        If a count is no positive number, or the seed is negative.

    References
    ----------
    Y.-A. Le Borgne, W. Siblini, B. Lebichot, G. Bontempi (2022), *Reproducible Machine Learning for Credit
    Card Fraud Detection - Practical Handbook*: the card payments that this network is calibrated on.

    Examples
    --------
    >>> network = simulate(customers=20, terminals=50, start=date(2026, 1, 1), days=3, seed=1)
    >>> network.payments.column_names
    ['payment_id', 'paid_at', 'customer_id', 'terminal_id', 'amount']
    >>> network.until(midnight(date(2026, 1, 2))).payments.num_rows < network.payments.num_rows
    True
    """
    _require_positive(customers=customers, terminals=terminals, days=days)
    if seed < 0:
        raise SettingOutOfRange(setting="seed", value=seed, allowed="a whole number, 0 or more")
    rates = rates or FraudRates()
    begin = midnight(start)
    people = populate(customers, terminals, seed=seed)
    parts = []
    for day in range(days):
        parts.append(genuine_payments(people, start=begin, day=day, seed=seed))
        parts.extend(thefts_and_testings(people, rates, start=begin, day=day, seed=seed))
        if new_fraud_from is not None and begin + day * DAY_US >= midnight(new_fraud_from):
            parts.append(account_takeovers(people, rates, start=begin, day=day, seed=seed))
    payments = _in_order(Payments.joined(parts), until=begin + days * DAY_US)
    stolen = stolen_at_compromised(payments, rates, terminals=terminals, start=begin, days=days, seed=seed)
    payments = payments.marked(stolen, PaymentKind.TERMINAL_COMPROMISE)
    return Network(payments_table(payments), chargebacks_table(payments), truth_table(payments))


def midnight(on: date) -> int:
    """Return the beginning of a day in UTC, in microseconds since 1970.

    >>> midnight(date(1970, 1, 2))
    86400000000
    """
    return int(datetime(on.year, on.month, on.day, tzinfo=UTC).timestamp()) * 1_000_000


def _require_positive(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise SettingOutOfRange(name, count, allowed="a whole number, 1 or more")


def _in_order(payments: Payments, until: int) -> Payments:
    kept = payments.taken(payments.time < until)
    # Ties are broken by content, not by where a payment was drawn: a longer simulation repeats the order.
    return kept.taken(np.lexsort((kept.kind, kept.cents, kept.terminal, kept.customer, kept.time)))


def _within(times: pa.ChunkedArray, since: int, until: int) -> pa.ChunkedArray:
    return pc.and_(pc.greater_equal(times, pa.scalar(since, INSTANT)), pc.less(times, pa.scalar(until, INSTANT)))
