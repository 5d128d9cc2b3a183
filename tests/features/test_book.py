"""The book's fifteen features on the published payments, against a computation of another kind."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tallystick.data.read import read
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import flag, key, money
from tallystick.definitions.streams import Stream, Table
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.features.table import FeatureTable

payments = Stream(
    "payments", id="payment_id", time="paid_at", source="payments.parquet",
    fields={"customer_id": key, "terminal_id": key, "amount": money("EUR", minimum=0)},
)  # fmt: skip
outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag}, source="outcomes.parquet")
fraud = payments.flagged_by(outcomes.is_fraud, known_after="7d")
customer, terminal = payments.by("customer_id"), payments.by("terminal_id")
LENGTHS = (1, 7, 30)
Floats = NDArray[np.float64]


class Book(FeatureSet, spine=payments):
    """Le Borgne et al. (2022), chapter 3."""

    amount = payments.amount
    weekend = payments.paid_at.weekday() >= 5
    night = payments.paid_at.hour() <= 6
    n = customer.count().over("1d", "7d", "30d")
    spend = customer.mean(payments.amount).over("1d", "7d", "30d")
    seen = terminal.count().over("1d", "7d", "30d", delay="7d")
    risk = terminal.mean(fraud).over("1d", "7d", "30d", delay="7d")


@pytest.fixture(scope="module")
def quarter(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the payments and outcomes of the first three months."""
    folder, source = tmp_path_factory.mktemp("quarter"), shared_data / "card_payments"
    paid = pq.read_table(source / "payments.parquet")
    paid = paid.filter(pc.less(paid["paid_at"], pa.scalar(np.datetime64("2018-07-01", "us"))))
    pq.write_table(paid, folder / "payments.parquet")
    pq.write_table(pq.read_table(source / "outcomes.parquet").slice(0, len(paid)), folder / "outcomes.parquet")
    return folder


@pytest.fixture(scope="module")
def matrix(quarter: Path) -> FeatureTable:
    """Return the batch's features."""
    sources = (payments.definition, outcomes.definition)
    dataset = read(sources, [fraud], quarter, now=10**16).dataset
    return compute(Plan(Book.definition, sources), dataset)


def test_features_of_the_record(quarter: Path, matrix: FeatureTable) -> None:
    """Amount, weekend and night of every payment are those that the calendar of Arrow gives."""
    paid = pq.read_table(quarter / "payments.parquet")
    found = dict(zip(matrix.names, matrix.values.T, strict=True))

    assert (found["amount"] == paid["amount"].to_numpy()).all()
    assert (found["weekend"] == (pc.day_of_week(paid["paid_at"]).to_numpy() >= 5)).all()
    assert (found["night"] == (pc.hour(paid["paid_at"]).to_numpy() <= 6)).all()


def test_customers(quarter: Path, matrix: FeatureTable) -> None:
    """Counts and means of every customer without two payments in a second are bit for bit those of searched sums."""
    paid = pq.read_table(quarter / "payments.parquet")
    cents = np.rint(paid["amount"].to_numpy() * 100).astype(np.int64)
    found = dict(zip(matrix.names, matrix.values.T, strict=True))
    n_rows = 0
    for rows, times in lone(paid["customer_id"].to_numpy(), matrix.time):
        totals = np.concatenate([[0], np.cumsum(cents[rows])])
        until = np.searchsorted(times, times, side="right")
        for days in LENGTHS:
            after = np.searchsorted(times, times - days * DAY_US, side="right")
            n, s = until - after, totals[until] - totals[after]
            assert (found[f"n_{days}d"][rows] == n).all()
            assert (found[f"spend_{days}d"][rows] == s / n / 100).all()
        n_rows += len(rows)
    assert n_rows > 0.98 * len(matrix)


def test_terminals(quarter: Path, matrix: FeatureTable) -> None:
    """Counts and fraud rates ending seven days before, of every terminal without two payments in a second.

    An outcome arrives after the payments of its own second: seven days later to the second it is not seen yet.
    """
    paid, judged = (pq.read_table(quarter / f"{name}.parquet") for name in ("payments", "outcomes"))
    is_fraud = judged["is_fraud"].to_numpy().astype(np.int64)
    found = dict(zip(matrix.names, matrix.values.T, strict=True))
    n_rows = 0
    for rows, times in lone(paid["terminal_id"].to_numpy(), matrix.time):
        totals = np.concatenate([[0], np.cumsum(is_fraud[rows])])
        until = np.searchsorted(times, times - 7 * DAY_US, side="right")
        known = np.searchsorted(times, times - 7 * DAY_US, side="left")
        for days in LENGTHS:
            after = np.searchsorted(times, times - (7 + days) * DAY_US, side="right")
            n, s = until - after, totals[np.maximum(known, after)] - totals[after]
            assert (found[f"seen_{days}d"][rows] == n).all()
            assert same(found[f"risk_{days}d"][rows], np.where(n > 0, s / np.maximum(n, 1), np.nan))
        n_rows += len(rows)
    assert n_rows > 0.98 * len(matrix)


def lone(entities: NDArray[np.int64], times: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return rows and times of each entity whose payments are at different seconds."""
    order = np.argsort(entities, kind="stable")
    starts = np.flatnonzero(np.diff(entities[order])) + 1
    found = [(rows, times[rows]) for rows in np.split(order, starts)]
    return [(rows, at) for rows, at in found if len(np.unique(at)) == len(at)]


def same(left: Floats, right: Floats) -> bool:
    """Return whether doubles are equal, missing ones included."""
    return bool(np.array_equal(left, right, equal_nan=True))
