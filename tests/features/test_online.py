"""Online serves each record as it arrives, keeps all or nothing, and refuses what would not be true."""

import subprocess
import sys
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.features import FeatureSet
from tallystick.errors import EntityTooLong, FeatureOverflow, PositionRefused, StateOccupied, StateOfOtherPlan
from tallystick.features.batch import executor as batch
from tallystick.features.online.arrivals import arrivals as in_order
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore


def test_a_vector_by_hand(online: Online, arrivals: list[tuple[int, Record]]) -> None:
    """The third payment sees itself, its week, and the report that came a day before the window's end."""
    with online.transaction() as state:
        for position, record in arrivals[:4]:
            state.append(record, position)
        vector = state.vector(arrivals[3][1], 4)

    named = dict(zip(online.plan.names, vector, strict=True))
    assert named == {
        "amount": 5.0,
        "night": 1.0,
        "n_1d": 1.0,
        "n_7d": 3.0,
        "spend_1d": 5.0,
        "spend_7d": 3500 / 3 / 100,
        "burst": 5.0 / 35.0,
        "risk": 0.5,
    }


def test_only_a_commit_is_kept(online: Online, arrivals: list[tuple[int, Record]]) -> None:
    """A transaction left without commit changes neither state nor position."""
    before = online.dump()
    with online.transaction() as state:
        state.append(arrivals[0][1], 1)

    assert (online.position, online.dump()) == (0, before)


def test_the_position_survives(plan: Plan, tmp_path: Path, arrivals: list[tuple[int, Record]]) -> None:
    """A state opened again knows the place in the order of arrival it had reached."""
    online = Online(plan, LmdbStore(tmp_path))
    with online.transaction() as state:
        state.append(arrivals[0][1], 1)
        state.commit(7)
    online.close()

    repeated = Online(plan, LmdbStore(tmp_path))
    assert repeated.position == 7
    repeated.close()


def test_records_come_once_and_in_order(online: Online, make: Any) -> None:
    """A place that was reached is not taken again, by append, vector or commit, nor after a commit."""
    paid = make.payment("p1", 1, 100)
    with online.transaction() as state:
        state.append(paid, 5)
        with pytest.raises(PositionRefused, match="has reached 5.*5 is not later"):
            state.append(paid, 5)
        with pytest.raises(PositionRefused):
            state.vector(paid, 4)
        with pytest.raises(PositionRefused):
            state.commit(4)
        state.commit(6)
    with online.transaction() as state, pytest.raises(PositionRefused):
        state.append(paid, 6)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"cents": 2**62}, FeatureOverflow),
        ({"customer": "x" * 600}, EntityTooLong),
        ({"name": "é" * 300}, EntityTooLong),
    ],
)
def test_a_refused_record_leaves_no_trace(
    online: Online, make: Any, change: dict[str, Any], error: type[Exception]
) -> None:
    """After a record that cannot be kept, the transaction goes on as if it had never come."""
    good = make.payment("p1", 1, 100)
    with online.transaction() as state:
        with pytest.raises(error):
            state.append(make.payment(**({"name": "p0", "days": 1, "cents": 1} | change)), 1)
        state.append(good, 1)
        assert state.vector(good, 1)[2] == 1.0
        state.commit(1)

    assert sum(1 for _ in online.store.entries()) == 4  # plan, position, the payment's totals, the payment


def test_an_overflow_names_column_entity_and_value(online: Online, make: Any) -> None:
    """The sentence says which running total of whom grew too large, with what."""
    with online.transaction() as state:
        state.append(make.payment("p1", 1, 2**61), 1)
        with pytest.raises(FeatureOverflow, match=r"'amount' for customer ann .* record of 2305843009213693952 "):
            state.append(make.payment("p2", 0.5, 2**61), 2)


def test_another_plan_cannot_use_the_state(
    plan: Plan, tmp_path: Path, arrivals: list[tuple[int, Record]], make: Any
) -> None:
    """A state of other totals is refused; other expressions over the same totals may share it."""
    online = Online(plan, LmdbStore(tmp_path))
    with online.transaction() as state:
        state.append(arrivals[0][1], 1)
        state.commit(1)
    online.close()

    class Fewer(FeatureSet, spine=make.stream):
        n = make.stream.by("customer").count().over("1d")

    store = LmdbStore(tmp_path)
    with pytest.raises(StateOfOtherPlan):
        Online(Plan(Fewer.definition, (make.stream.definition,)), store)
    store.close()


def test_a_rebuild_needs_an_empty_state(online: Online, dataset: Dataset) -> None:
    """A dataset is loaded once; then every vector is batch's."""
    online.rebuild(dataset)

    with pytest.raises(StateOccupied):
        online.rebuild(dataset)
    with online.transaction() as state:
        vectors = [
            state.vector(record, dataset.last_position)
            for _, record in in_order(dataset)
            if record.stream == "payments"
        ]
    now = batch.compute(online.plan, dataset, as_of=dataset.records["payments"].position * 0 + dataset.last_position)
    assert [str(vector) for vector in vectors] == [str(row) for row in now.values.tolist()]


def test_a_rebuild_refuses_long_keys(
    online: Online, arrivals: list[tuple[int, Record]], dataset: Dataset, make: Any
) -> None:
    """A key that the store cannot hold is named before anything is written."""
    long = from_parsed(
        make.stream.definition,
        [*[(s, r) for s, r in arrivals if r.stream == "payments"], (9, make.payment("x" * 600, 1, 1))],
    )

    with pytest.raises(EntityTooLong, match="600 bytes"):
        online.rebuild(Dataset(dataset.records | {"payments": long}, "", 9))
    assert online.position == 0


def test_a_report_may_name_nobody(online: Online, make: Any) -> None:
    """A report of a payment that never comes waits, and changes nothing."""
    paid = make.payment("p1", 10, 100)
    with online.transaction() as state:
        state.append(make.report("r1", 9, "never"), 1)
        state.append(paid, 2)

        assert isnan(state.vector(paid, 2)[-1])


def test_serving_starts_without_a_compiler() -> None:
    """The online executor imports neither numba nor anything of training."""
    code = (
        "import sys, tallystick.features.online.executor, tallystick.features.state.lmdb;"
        "heavy = {'numba', 'llvmlite', 'sklearn', 'lightgbm', 'pandas', 'scipy'};"
        "sys.exit(' '.join(sorted(heavy & sys.modules.keys())))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert found.stderr.strip() == ""
