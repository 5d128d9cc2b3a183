"""The card network keeps its promises: seeded, in order, late reports, a new fraud only from its day."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tallystick.definitions.durations import DAY_US
from tallystick.errors import SettingOutOfRange
from tallystick.simulation.cards import Network, midnight, simulate

START = date(2026, 1, 1)
NEW_FROM = date(2026, 3, 1)


def network(**changes: Any) -> Network:
    """Return a small network, 300 customers for 90 days unless told otherwise."""
    settings = {"customers": 300, "terminals": 600, "start": START, "days": 90, "seed": 7}
    return simulate(**settings | changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world() -> Network:
    """Return the small network with account takeovers in its last month."""
    return network(new_fraud_from=NEW_FROM)


@pytest.fixture(scope="module")
def calm() -> Network:
    """Return a larger network without the new kind of fraud, long enough to count what is rare."""
    return network(customers=1_000, terminals=2_000, days=150)


def instants(table: pa.Table, column: str) -> Any:
    """Return a column of instants in microseconds."""
    return table[column].cast(pa.int64()).to_numpy()


def payment_times_of(world: Network) -> tuple[Any, Any]:
    """Return when each reported payment was paid, and when it was reported."""
    rows = pc.index_in(world.chargebacks["payment_id"], world.payments["payment_id"])
    return instants(world.payments.take(rows), "paid_at"), instants(world.chargebacks, "reported_at")


def test_the_same_seed_gives_the_same_bytes(world: Network, tmp_path: Path) -> None:
    """Two simulations with the same arguments are written as the same files."""
    repeated = network(new_fraud_from=NEW_FROM)

    for name in ("payments", "chargebacks", "truth"):
        pq.write_table(getattr(world, name), tmp_path / "first.parquet")
        pq.write_table(getattr(repeated, name), tmp_path / "second.parquet")
        assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()


def test_another_seed_gives_another_world(world: Network) -> None:
    """The seed matters."""
    assert network(seed=8, new_fraud_from=NEW_FROM).payments != world.payments


def test_a_longer_simulation_repeats_the_shorter_one(world: Network) -> None:
    """The first 50 days of 90 are the 50 days simulated alone: payments, truth and every report of them."""
    short = network(days=50, new_fraud_from=NEW_FROM)

    first = world.until(midnight(START) + 50 * DAY_US)
    reports_of_first = world.chargebacks.filter(pc.is_in(world.chargebacks["payment_id"], first.payments["payment_id"]))

    assert first.payments == short.payments
    assert first.truth == short.truth
    assert reports_of_first == short.chargebacks


def test_the_new_fraud_leaves_no_trace_before_its_day(world: Network) -> None:
    """Up to its day the world is the one that never sees it; after it, account takeovers happen."""
    never = network()

    assert never.until(midnight(NEW_FROM)).payments == world.until(midnight(NEW_FROM)).payments
    assert never.until(midnight(NEW_FROM)).truth == world.until(midnight(NEW_FROM)).truth
    assert "account_takeover" not in never.truth["kind"].unique().to_pylist()
    assert "account_takeover" in world.between(midnight(NEW_FROM), 2**62).truth["kind"].to_pylist()


def test_all_four_kinds_of_fraud_happen(world: Network) -> None:
    """Truth names the kind of every payment, and a payment is a fraud where it is not genuine."""
    kinds = set(world.truth["kind"].unique().to_pylist())
    genuine = pc.equal(world.truth["kind"], "genuine")

    assert kinds == {"genuine", "terminal_compromise", "card_theft", "card_testing", "account_takeover"}
    assert pc.invert(genuine) == world.truth["is_fraud"]


def test_ids_are_unique_and_in_order_of_time(world: Network) -> None:
    """Payments are numbered in order of time; chargebacks are in order of time, one for a payment."""
    ids = world.payments["payment_id"].to_pylist()
    reports = world.chargebacks["report_id"].to_pylist()

    assert ids == sorted(set(ids))
    assert len(reports) == len(set(reports)) == len(set(world.chargebacks["payment_id"].to_pylist()))
    assert np.all(np.diff(instants(world.payments, "paid_at")) >= 0)
    assert np.all(np.diff(instants(world.chargebacks, "reported_at")) >= 0)
    assert world.truth["payment_id"] == world.payments["payment_id"]


def test_the_columns_are_those_of_a_project_file(world: Network) -> None:
    """Money is exact, instants are microseconds, ids are readable texts."""
    first = world.payments.slice(0, 1).to_pylist()[0]

    assert world.payments.schema.field("amount").type == pa.decimal128(12, 2)
    assert world.payments.schema.field("paid_at").type == pa.timestamp("us")
    assert first["payment_id"] == "P0000001"
    assert first["customer_id"][0] + first["terminal_id"][0] == "CT"
    assert pc.min(world.payments["amount"]).as_py() > 0
    assert world.chargebacks.column_names == ["report_id", "reported_at", "payment_id"]


def test_reports_come_after_their_payment_and_only_for_frauds(world: Network) -> None:
    """No report precedes its payment, none is about a genuine payment, a few frauds are never reported."""
    paid_at, reported_at = payment_times_of(world)
    frauds = world.truth.filter(world.truth["is_fraud"])["payment_id"]

    assert np.all(reported_at > paid_at)
    assert pc.all(pc.is_in(world.chargebacks["payment_id"], frauds)).as_py()
    assert 0.9 < world.chargebacks.num_rows / len(frauds) < 1.0


def test_the_median_report_comes_after_nine_days(calm: Network) -> None:
    """Delays are log-normal with median 9 days and sigma 0.8, within four standard errors."""
    paid_at, reported_at = payment_times_of(calm)

    logs = np.log((reported_at - paid_at) / DAY_US)

    assert abs(np.median(logs) - np.log(9)) < 4 * 1.2533 * 0.8 / np.sqrt(len(logs))
    assert abs(np.std(logs) - 0.8) < 4 * 0.8 / np.sqrt(2 * len(logs))


def test_days_cut_at_midnights_tile_the_network(world: Network) -> None:
    """A history and then day after day feed every payment and every report once, in the same order."""
    begin, end = midnight(START), 2**62
    cuts = [begin + 60 * DAY_US + day * DAY_US for day in range(40)]
    edges = [*zip([-(2**62), *cuts], [*cuts, end], strict=True)]

    days = [world.between(since, until) for since, until in edges]

    assert pa.concat_tables([day.payments for day in days]) == world.payments
    assert pa.concat_tables([day.chargebacks for day in days]) == world.chargebacks


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"terminals": -1}, {"days": 0}, {"seed": -1}])
def test_a_number_without_meaning_is_refused(wrong: dict[str, int]) -> None:
    """An empty network, or a negative seed, is refused by the name of the setting."""
    with pytest.raises(SettingOutOfRange, match=next(iter(wrong))):
        network(**wrong)


def test_a_tiny_network_is_possible() -> None:
    """One customer, one terminal, one day."""
    tiny = simulate(customers=1, terminals=1, start=START, days=1, seed=3)

    assert set(tiny.payments["terminal_id"].to_pylist()) <= {"T00000"}


def test_the_network_looks_like_the_published_one(calm: Network, shared_data: Path) -> None:
    """Amounts, payments a day, the share of frauds and the frauds of a victim have the same order."""
    ours = summary(calm.payments, calm.truth, days=150)
    folder = shared_data / "card_payments"
    payments, outcomes = (pq.read_table(folder / f"{name}.parquet") for name in ("payments", "outcomes"))

    theirs = summary(payments, outcomes, days=183)

    for name, within in {
        "amount": 1.3,
        "per_day": 1.3,
        "fraud_share": 2.0,
        "per_victim": 2.0,
        "dearer": 3.0,
    }.items():
        assert 1 / within < ours[name] / theirs[name] < within, (name, ours, theirs)


def summary(payments: pa.Table, truth: pa.Table, days: int) -> dict[str, float]:
    """Return what the two networks are compared by."""
    amount = payments["amount"].cast(pa.float64()).to_numpy()
    fraud = truth["is_fraud"].to_numpy().astype(bool)
    customer = payments["customer_id"].combine_chunks().dictionary_encode()
    per_customer = np.bincount(customer.indices.to_numpy()[fraud])
    return {
        "amount": float(amount.mean()),
        "per_day": len(amount) / days / len(customer.dictionary),
        "fraud_share": float(fraud.mean()),
        "per_victim": float(per_customer[per_customer > 0].mean()),
        "dearer": float(amount[fraud].mean() / amount[~fraud].mean()),
    }
