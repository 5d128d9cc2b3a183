"""A small project, its plan and records, as every test of features uses them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import key, money
from tallystick.definitions.streams import Stream
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore

from . import spark_here

payments = Stream("payments", id="payment_id", time="paid_at", fields={"customer": key, "amount": money("EUR")})
reports = Stream("reports", id="report_id", time="reported_at", fields={"payment_id": key})
customer = payments.by("customer")
fraud = payments.flagged_by(reports, on="payment_id")


class Shopping(FeatureSet, spine=payments):
    """A feature of each kind."""

    amount = payments.amount
    night = payments.paid_at.hour() <= 6
    n = customer.count().over("1d", "7d")
    spend = customer.mean(payments.amount).over("1d", "7d")
    burst = customer.sum(payments.amount).over("1d") / customer.sum(payments.amount).over("7d")
    risk = customer.mean(fraud).over("7d", delay="1d")


def payment(name: str, days: float, cents: int, customer: str = "ann") -> Record:
    """Return a payment some days after 1970."""
    return Record("payments", name, int(days * DAY_US), {"customer": customer}, {"amount": cents})


def report(name: str, days: float, of: str) -> Record:
    """Return a report of a payment."""
    return Record("reports", name, int(days * DAY_US), {"payment_id": of})


@pytest.fixture
def plan() -> Plan:
    """Return the plan of the small project."""
    return Plan(Shopping.definition, (payments.definition, reports.definition))


@pytest.fixture
def arrivals() -> list[tuple[int, Record]]:
    """Return five payments, one of them late, and a report."""
    records = [
        payment("p1", 10, 1_000),
        payment("p2", 11, 2_000),
        report("r1", 11.5, "p1"),
        payment("p3", 12.25, 500),
        payment("p4", 10.5, 300),
        payment("p5", 12.5, 100, customer="bob"),
    ]
    return list(enumerate(records, 1))


@pytest.fixture
def dataset(arrivals: list[tuple[int, Record]]) -> Dataset:
    """Return the records as columns."""
    sources = (payments.definition, reports.definition)
    found = {s.name: from_parsed(s, [pair for pair in arrivals if pair[1].stream == s.name]) for s in sources}
    return Dataset(found, "", arrivals[-1][0])


@pytest.fixture
def online(plan: Plan, tmp_path: Path) -> Iterator[Online]:
    """Open an online executor over an empty state."""
    opened = Online(plan, LmdbStore(tmp_path / "state"))
    yield opened
    opened.close()


class Make:
    """What tests make more records of."""

    payment = staticmethod(payment)
    report = staticmethod(report)
    stream = payments
    reports = reports


@pytest.fixture
def make() -> type[Make]:
    """Return the makers of records."""
    return Make


@pytest.fixture(scope="session", autouse=True)
def _spark_ends() -> Iterator[None]:
    """End the Spark that tests of several files share, where any of them started it."""
    yield
    spark_here.end()
