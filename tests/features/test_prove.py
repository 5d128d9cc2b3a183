"""A proof compares every executor with batch, and finds the one that is wrong."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Record, key_fields, value_fields
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.features import FeatureSet
from tallystick.errors import EngineMissing, EngineUnknown
from tallystick.features import engines, prove
from tallystick.features.batch import executor as batch
from tallystick.features.engine_names import ENGINES
from tallystick.features.plan import Plan
from tallystick.features.prove import Executor, available_executors
from tallystick.testing.scenario_streams import SOURCES, payments
from tallystick.testing.scenarios import Scenario, dataset_of, scenarios

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def test_all_executors_agree(plan: Plan, dataset: Dataset) -> None:
    """Online, oracle and DuckDB have batch's bits for every row, and the proof says so."""
    proof = prove.prove(plan, dataset)

    assert proof.is_identical
    assert proof.n_rows == {"batch": 5, "online": 5, "oracle": 5, "duckdb": 5}
    assert [feature.feature for feature in proof.features] == list(plan.names)
    assert proof.to_plain()["identical"] is True


@settings(max_examples=20)
@given(scenarios())
def test_a_proof_of_the_last_rows_holds(scenario: Scenario) -> None:
    """Whatever arrives, the last rows' proof holds: history loaded at once, the rest taken record by record."""
    assert prove.prove(scenario.plan, scenario.dataset, 3).is_identical


def test_a_wrong_executor_is_found(plan: Plan, dataset: Dataset) -> None:
    """An executor that counts one event too many is named, with the record and both values."""

    def wrong(plan: Plan, dataset: Dataset, rows: Ints) -> Floats:
        values = batch.compute(plan, dataset, rows).values
        values[1, plan.names.index("n_7d")] += 1
        return values

    proof = prove.prove(plan, dataset, executors=[*available_executors(), Executor("planted", wrong)])

    differing = {feature.feature: feature for feature in proof.features if feature.n_mismatches}
    assert not proof.is_identical
    assert list(differing) == ["n_7d"]
    assert differing["n_7d"].mismatches == {"online": 0, "oracle": 0, "duckdb": 0, "planted": 1}
    first = differing["n_7d"].first
    assert first is not None
    assert (first.executor, first.record, first.reference, first.found) == ("planted", "p2", 2.0, 3.0)


def test_one_bit_is_a_difference(plan: Plan, dataset: Dataset) -> None:
    """A value that differs in its last bit, and one that is missing on one side only, are both found."""

    def wrong(plan: Plan, dataset: Dataset, rows: Ints) -> Floats:
        values = batch.compute(plan, dataset, rows).values
        values[0, 0] = np.nextafter(values[0, 0], np.inf)
        values[2, 0] = np.nan
        return values

    proof = prove.prove(plan, dataset, executors=[Executor("planted", wrong)])

    assert proof.features[0].mismatches == {"planted": 2}


def test_an_executor_may_see_a_sample(plan: Plan, dataset: Dataset) -> None:
    """A slow executor is asked about some rows, evenly spread, and compared with those."""

    def slow(plan: Plan, dataset: Dataset, rows: Ints) -> Floats:
        return batch.compute(plan, dataset, rows).values

    proof = prove.prove(plan, dataset, executors=[Executor("slow", slow, most_rows=2)])

    assert proof.is_identical
    assert proof.n_rows == {"batch": 5, "slow": 2}


def test_records_that_report_each_other_are_proven() -> None:
    """A payment that another entity's payment reverses keeps its flag in a proof of few rows."""
    names = dict.fromkeys(key_fields(payments.definition))
    values: dict[str, int | None] = dict.fromkeys(value_fields(payments.definition), 1)
    paid = [("p1", "a", None), ("p2", "b", "p1"), ("p3", "a", None)]
    arrivals = [
        (
            position,
            Record("payments", name, position * DAY_US, {**names, "card": card, "shop": card, "reverses": of}, values),
        )
        for position, (name, card, of) in enumerate(paid, 1)
    ]
    reversed_ = payments.flagged_by(payments, on="reverses")

    class Reversed(FeatureSet, spine=payments):
        """What other payments reverse."""

        n = payments.by("card").sum(reversed_).over("9d")

    plan, dataset = Plan(Reversed.definition, SOURCES), dataset_of(arrivals)

    near, rows = prove._near(plan, dataset, 1)

    assert batch.compute(plan, near, rows).values.tolist() == [[1.0]]
    assert prove.prove(plan, dataset, 1).is_identical


def test_nothing_to_prove_is_no_difference(plan: Plan, dataset: Dataset) -> None:
    """Without rows there is nothing that could differ."""
    records = {name: each.taken(np.arange(0)) for name, each in dataset.records.items()}

    proof = prove.prove(plan, Dataset(records, "", 0))

    assert proof.is_identical
    assert set(proof.n_rows.values()) == {0}


def test_engines_give_the_same_matrix(plan: Plan, dataset: Dataset) -> None:
    """Which engine makes a matrix changes nothing in it."""
    one, other = (engines.compute(engine, plan, dataset) for engine in ENGINES)

    assert one.values.tobytes() == other.values.tobytes()
    assert one.ids == other.ids


def test_an_unknown_engine_is_a_sentence(plan: Plan, dataset: Dataset) -> None:
    """An engine that is not there is refused, and the others are named."""
    with pytest.raises(EngineUnknown, match="batch and duckdb"):
        engines.compute("polars", plan, dataset)


def test_without_duckdb_the_rest_works(plan: Plan, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where duckdb is not installed the engine says how to get it, and a proof goes without it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(EngineMissing, match=r"tallystick\[sql\]"):
        engines.compute("duckdb", plan, dataset)
    proof = prove.prove(plan, dataset)

    assert proof.missing == ("duckdb",)
    assert list(proof.n_rows) == ["batch", "online", "oracle"]
