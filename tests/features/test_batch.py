"""Batch computes what the contract says, for any rows, tells its progress, and names what overflows."""

from typing import Any

import numpy as np
import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import integer, key, money, optional
from tallystick.definitions.streams import Stream
from tallystick.errors import FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle.inputs import from_dataset
from tallystick.features.plan import Plan

visits = Stream(
    "visits",
    id="visit_id",
    time="at",
    fields={"guest": key, "door": optional(key), "spent": optional(money("EUR")), "floor": integer()},
)
refunds = Stream("refunds", id="refund_id", time="at", fields={"visit_id": key, "delta": money("EUR")})
guest, passage = visits.by("guest"), visits.by("guest", "door")
SOURCES = visits.definition, refunds.definition
SECOND_US = 1_000_000


class Visiting(FeatureSet, spine=visits):
    """Every kind of track, some rounded, and what is corrected later."""

    n = passage.count().over("30s", "5m")
    upstairs = guest.count(where=visits.floor > 2).over("1m", every="7s")
    kept = guest.sum(visits.spent.corrected_by(refunds.delta, on="visit_id")).over("1m", "5m", every="10s")
    spread = guest.std(visits.spent).over("1m", "5m")
    least = guest.min(visits.spent).over("30s", "5m")
    most = guest.max(visits.spent, where=visits.floor > 1).over("30s", "5m", delay="2s")
    first = guest.first(visits.floor).over("2m")
    doors = guest.distinct(visits.door, cap=3).over("30s", "5m")
    sums = guest.distinct(visits.spent, cap=500).over("30s", "5m", every="3s")
    quiet = guest.since_last(where=visits.floor == 0).over("5m", delay="1us")
    same = guest.last(visits.door).over("1m", delay="1us") == visits.door
    before = guest.latest(visits.door).category("north", "south")


def visiting(n: int, *, late: float) -> Dataset:
    """Return visits of two guests, mostly of one, some of them late by minutes, and refunds."""
    chance = np.random.default_rng(11)
    seconds = np.sort(chance.uniform(0, n / 4, n)) - np.where(chance.random(n) < late, chance.uniform(0, 400, n), 0)
    doors = [*[None] * 2, "north", "south", "west", "east"]
    came, noted = [], []
    for i, second in enumerate(seconds):
        keys: dict[str, str | None] = {
            "guest": "ann" if chance.random() < 0.98 else "bob",
            "door": doors[chance.integers(6)],
        }
        spent = None if chance.random() < 0.1 else int(chance.integers(-90, 90))
        values = {"spent": spent, "floor": int(chance.integers(0, 5))}
        came.append((2 * i + 1, Record("visits", f"v{i}", int(second * SECOND_US), keys, values)))
        if i % 3 == 0:
            known, of = int((second + chance.uniform(-5, 90)) * SECOND_US), f"v{chance.integers(n)}"
            noted.append(
                (
                    2 * i + 2,
                    Record("refunds", f"r{i}", known, {"visit_id": of}, {"delta": int(chance.integers(-50, 50))}),
                )
            )
    records = {"visits": from_parsed(visits.definition, came), "refunds": from_parsed(refunds.definition, noted)}
    return Dataset(records, "", 2 * n + 1)


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
    assert some.position.tolist() == everything.position[[4, 0, 0, 2]].tolist()


def test_no_rows(plan: Plan, dataset: Dataset) -> None:
    """Asking for nothing gives a matrix without rows."""
    assert batch.compute(plan, dataset, rows=np.array([], dtype=np.int64)).values.shape == (0, 8)


def test_progress_is_told_to_its_end(plan: Plan, dataset: Dataset) -> None:
    """Progress rises by one piece of work until all are done."""
    noted: list[tuple[int, int]] = []
    batch.compute(plan, dataset, progress=lambda done, of: noted.append((done, of)))

    assert noted == [(i + 1, len(noted)) for i in range(len(noted))]


def test_an_overflow_names_column_entity_and_value(plan: Plan, dataset: Dataset, make: Any) -> None:
    """The sentence says which running total of whom grew too large, with what."""
    paid = [(i, make.payment(f"p{i}", i, 2**61)) for i in (1, 2)]
    records = {"payments": from_parsed(make.stream.definition, paid)}

    with pytest.raises(FeatureOverflow, match=r"'amount' for customer ann .* record of 2305843009213693952 "):
        batch.compute(plan, Dataset(records, "", 2))


@pytest.mark.parametrize("late", [0.0, 0.1])
def test_a_hot_entity_in_and_out_of_order(late: float) -> None:
    """Every kind of aggregate is the oracle's over thousands of events of one entity, on rows and moments at random."""
    plan, data, chance = Plan(Visiting.definition, SOURCES), visiting(2_000, late=late), np.random.default_rng(3)
    rows, as_of = chance.integers(0, 2_000, 60), chance.integers(1, data.last_position, 60)
    streams, _ = from_dataset(plan.definition, data)

    found = batch.compute(plan, data, rows, as_of)
    own = batch.compute(plan, data, threads=2).values[rows]

    wanted = oracle.compute(plan.definition, plan.streams, streams, rows.tolist(), as_of.tolist())
    assert found.values.tobytes() == np.array(wanted).tobytes()
    assert own.tobytes() == np.array(oracle.compute(plan.definition, plan.streams, streams, rows.tolist())).tobytes()


def test_slots_and_rows_make_the_matrix() -> None:
    """What groups know of the rows, computed one by one, gives the same features as all at once."""
    plan, data, rows = Plan(Visiting.definition, SOURCES), visiting(300, late=0.2), np.array([250, 3, 3, 77])

    known = [batch.slots(plan, place, data, rows) for place in range(len(plan.groups))]
    found = batch.rowwise(plan, data, rows, known)

    assert found.tobytes() == batch.compute(plan, data, rows).values.tobytes()


def test_a_text_slot_names_its_codes() -> None:
    """The code in a text's slot stands for the text of the last event."""
    plan, data = Plan(Visiting.definition, SOURCES), visiting(60, late=0.0)
    place = [group.keys for group in plan.groups].index(("guest",))
    slot = next(i for i, each in enumerate(plan.groups[place].slots) if each.is_text)

    codes = batch.slots(plan, place, data)[:, slot]

    named = set(batch.slot_names(plan, place, slot, data).take(codes[~np.isnan(codes)].astype(int)).to_pylist())
    assert named == {"north", "south", "west", "east"}


@pytest.mark.parametrize(("spent", "delta", "value"), [(2**47, 0, 2**47), (1, 2**62, 2**62)])
def test_squares_and_corrections_overflow_by_name(spent: int, delta: int, value: int) -> None:
    """A value whose square is not kept, and a correction too large to add, are named with their entity."""
    came = [(1, Record("visits", "v", 0, {"guest": "ann", "door": None}, {"spent": spent, "floor": 1}))]
    noted = [(2, Record("refunds", "r", 0, {"visit_id": "v"}, {"delta": delta}))]
    records = {"visits": from_parsed(visits.definition, came), "refunds": from_parsed(refunds.definition, noted)}

    with pytest.raises(FeatureOverflow, match=f"'spent' for guest ann .* record of {value} "):
        batch.compute(Plan(Visiting.definition, SOURCES), Dataset(records, "", 2), np.array([0]), np.array([2]))


def test_a_source_that_is_not_there_has_no_records() -> None:
    """Without its refunds a stream's features are those of refunds that never came."""
    plan, data = Plan(Visiting.definition, SOURCES), visiting(50, late=0.0)
    alone = Dataset({"visits": data.records["visits"]}, "", data.last_position)

    found = batch.compute(plan, alone)

    none = {"visits": data.records["visits"], "refunds": from_parsed(refunds.definition, [])}
    assert found.values.tobytes() == batch.compute(plan, Dataset(none, "", data.last_position)).values.tobytes()
