"""Batch computes what the contract says, for any rows, tells its progress, and names what overflows."""

from typing import Any

import numpy as np
import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.errors import FeatureOverflow
from tallystick.features import batch, oracle
from tallystick.features.oracle_input import from_dataset
from tallystick.features.plan import Plan


def test_a_row_by_hand(plan: Plan, dataset: Dataset) -> None:
    """The late payment sees what had arrived by then, and no report, which is of later."""
    matrix = batch.compute(plan, dataset, rows=np.array([3]))

    named = dict(zip(matrix.names, matrix.values[0], strict=True))
    assert matrix.ids.to_pylist() == ["p4"]
    assert named["n_1d"] == named["n_7d"] == 2.0
    assert named["spend_7d"] == 1300 / 2 / 100
    assert np.isnan(named["risk"])


def test_rows_in_any_order(plan: Plan, dataset: Dataset) -> None:
    """Rows come in the order asked for, repeated if asked twice."""
    everything = batch.compute(plan, dataset)
    some = batch.compute(plan, dataset, rows=np.array([4, 0, 0, 2]))

    assert some.values.tobytes() == everything.values[[4, 0, 0, 2]].tobytes()
    assert some.ids.to_pylist() == ["p5", "p1", "p1", "p3"]
    assert some.seq.tolist() == everything.seq[[4, 0, 0, 2]].tolist()


def test_no_rows(plan: Plan, dataset: Dataset) -> None:
    """Asking for nothing gives a matrix without rows."""
    assert batch.compute(plan, dataset, rows=np.array([], dtype=np.int64)).values.shape == (0, 8)


def test_progress_is_told_to_its_end(plan: Plan, dataset: Dataset) -> None:
    """Progress rises by one piece of work until all are done."""
    told: list[tuple[int, int]] = []
    batch.compute(plan, dataset, progress=lambda done, of: told.append((done, of)))

    assert told == [(i + 1, len(told)) for i in range(len(told))]


def test_an_overflow_names_column_entity_and_value(plan: Plan, dataset: Dataset, make: Any) -> None:
    """The sentence says which running total of whom grew too large, with what."""
    paid = [(i, make.payment(f"p{i}", i, 2**61)) for i in (1, 2)]
    records = {"payments": from_parsed(make.stream.definition, paid)}

    with pytest.raises(FeatureOverflow, match=r"'amount' for customer ann .* record of 2305843009213693952 "):
        batch.compute(plan, Dataset(records, "", 2))


def test_the_oracle_rebuilds_some_rows_from_their_entities(
    plan: Plan, dataset: Dataset, arrivals: list[tuple[int, Record]]
) -> None:
    """Restricted to the entities of the asked rows, the oracle gives the same as over everything."""
    streams, places = from_dataset(plan.definition, dataset, np.array([1, 3]))

    assert [record["id"] for record in streams["payments"]] == ["p1", "p2", "p3", "p4"]
    found = np.array(oracle.compute(plan.definition, plan.streams, streams, places))
    assert found.tobytes() == batch.compute(plan, dataset, rows=np.array([1, 3])).values.tobytes()


def test_a_hot_entity_with_late_records(plan: Plan, make: Any) -> None:
    """Thousands of records of one entity, a tenth of them late by days, are right on rows near and far."""
    chance = np.random.default_rng(5)
    days = np.sort(chance.uniform(0, 40, 3_000)) - np.where(chance.random(3_000) < 0.1, chance.uniform(0, 9, 3_000), 0)
    paid = [(i + 1, make.payment(f"p{i}", day, int(chance.integers(1, 10**6)))) for i, day in enumerate(days)]
    told = [(3_001 + i, make.report(f"r{i}", day, f"p{i}")) for i, day in enumerate(days[::40])]
    records = {
        "payments": from_parsed(make.stream.definition, paid),
        "reports": from_parsed(make.reports.definition, told),
    }
    data = Dataset(records, "", 3_000 + len(told))
    rows, as_of = chance.integers(0, 3_000, 60), chance.integers(1, data.last_seq + 1, 60)
    streams, places = from_dataset(plan.definition, data)

    found = batch.compute(plan, data, rows, as_of)

    wanted = np.array(oracle.compute(plan.definition, plan.streams, streams, rows.tolist(), as_of.tolist()))
    assert found.values.tobytes() == wanted.tobytes()
    assert places == list(range(3_000))
