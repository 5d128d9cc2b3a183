"""What one record sees is found by an index, as it is by reading everything."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tallystick.data.fingerprint import fingerprint
from tallystick.data.records import Dataset, Record
from tallystick.data.segment import save
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import Field, Key, Time, key, money
from tallystick.definitions.streams import Stream, StreamDefinition
from tallystick.errors import FeatureOverflow
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.features.visibility import seen_by
from tallystick.journal.entities import EntityIndex
from tallystick.journal.records import records
from tallystick.log.entry import Draft
from tallystick.log.memory import MemoryLog
from tallystick.testing.scenario_streams import SOURCES
from tallystick.testing.scenarios import Scenario, dataset_of, near_the_limit, scenarios

HASHINGS: list[Callable[[str], int]] = [hash, lambda _: 7, lambda text: len(text) % 2]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

hashings = st.sampled_from(HASHINGS)


@given(scenarios(), hashings, st.data())
def test_the_index_finds_what_everything_shows(
    scenario: Scenario, hashing: Callable[[str], int], data: st.DataObject
) -> None:
    """For every record and moment, what is found and its features' bits are those of the whole log and history."""
    n_past = data.draw(st.integers(0, len(scenario.arrivals)))
    with logged(scenario, n_past) as log:
        index = EntityIndex.of(log, scenario.plan, hashing=hashing)
        for position in records(log, scenario.plan).records[scenario.spine].position.tolist():
            until = data.draw(st.integers(max(position, n_past), log.head.position))
            whole = records(log, scenario.plan, until=until)
            place = row_of(whole, scenario, position)

            found, row = index.seen_by(read(index, position), position, until)

            assert fingerprint(found.records) == fingerprint(seen_by(scenario.plan, whole, np.array([place])).records)
            assert bits(scenario.plan, found, row, until) == bits(scenario.plan, whole, place, until)


@given(near_the_limit(), hashings)
def test_strangers_refuse_nothing(scenario: Scenario, hashing: Callable[[str], int]) -> None:
    """Totals that are too large refuse the record that asks about them, and none that only shares their hash."""
    with logged(scenario, len(scenario.arrivals) // 2) as log:
        index, until = EntityIndex.of(log, scenario.plan, hashing=hashing), log.head.position
        whole = records(log, scenario.plan)
        for position in whole.records[scenario.spine].position.tolist():
            found, row = index.seen_by(read(index, position), position, until)

            place = row_of(whole, scenario, position)
            assert outcome(scenario.plan, found, row, until) == outcome(scenario.plan, whole, place, until)


def test_a_key_has_one_text() -> None:
    """596 and "596", plain or escaped, are one customer; what no contract reads is nobody's."""
    payments = Stream("payments", id="id", time="at", fields={"customer": key, "amount": money("EUR")})
    made: Any = type(
        "Few", (FeatureSet,), {"n": payments.by("customer").count().over("1d")}, spine=payments
    )  # fmt: skip
    rest = b', "at": "1970-01-01T00:00:00Z", "amount": 1'
    bodies = [
        b'{"id": 0, "customer": 596%s}' % rest,
        b'{"id": 1, "customer": "596"%s}' % rest,
        b'{"id": 2, "customer": "5\\u00396"%s}' % rest,
        b'{"id": 3, "customer": "597"%s}' % rest,
        b'{"id": 4, "customer": "596"%s' % rest,
        b'{"id": 5, "customer": 596.0%s}' % rest,
        b'{"id": 6, "customer": "597", "customer": "596"%s}' % rest,
        b'["596"]',
    ]  # fmt: skip
    plan = Plan(made.definition, (payments.definition,))
    with MemoryLog() as log:
        log.append([Draft("event", "payments", str(place), 0, body) for place, body in enumerate(bodies)])
        index = EntityIndex.of(log, plan)

        found, _ = index.seen_by(read(index, 2), 2, 8)

    assert found.records["payments"].ids.to_pylist() == ["0", "1", "2", "6"]


def test_a_record_that_is_nowhere_sees_what_it_asks_about() -> None:
    """A record that no log holds is shown its entities up to a moment, with itself at the place it would have had."""
    payments = Stream("payments", id="id", time="at", fields={"customer": key})
    made: Any = type("Few", (FeatureSet,), {"n": payments.by("customer").count().over("1d")}, spine=payments)
    bodies = [b'{"id": %d, "customer": %d, "at": "1970-01-01T00:00:00Z"}' % (i, i % 2) for i in range(6)]
    record = Record("payments", "new", 0, {"customer": "1"})
    with MemoryLog() as log:
        log.append([Draft("event", "payments", str(place), 0, body) for place, body in enumerate(bodies)])
        index = EntityIndex.of(log, Plan(made.definition, (payments.definition,)))

        found, row = index.seen_by(record, 5, 4)

        assert (index.record(7), index.record(0)) == (None, None)
    assert found.records["payments"].ids.to_pylist() == ["1", "3", "new"]
    assert row == 2


@contextmanager
def logged(scenario: Scenario, n_past: int) -> Iterator[MemoryLog]:
    """Give a scenario's records the places from 1 on: the first of them in a history, the others in a log after it."""
    arrived = [(place, record) for place, (_, record) in enumerate(scenario.arrivals, start=1)]
    with tempfile.TemporaryDirectory() as folder, MemoryLog(folder=Path(folder)) as log:
        if n_past:
            log.attach(save(dataset_of(arrived[:n_past], scenario.plan.sources), Path(folder)))
        log.append([
            Draft("event", record.stream, str(place), 2**55, request(record)) for place, record in arrived[n_past:]
        ])  # fmt: skip
        yield log


def request(record: Record) -> bytes:
    """Return a record as it would have been sent."""
    source = next(source for source in SOURCES if source.name == record.stream)
    sent = {name: text(source.fields[name], value) for name, value in (record.keys | record.values).items()}
    if isinstance(source, StreamDefinition):
        sent |= {source.id: record.id} if source.id else {}
        sent |= {source.time: text(Time(), record.time)} if source.time else {}
    return msgspec.json.encode(sent)


def text(field: Field, value: Any) -> Any:
    """Return a value of a field as a request has it."""
    if value is None or isinstance(field, Key):
        return value
    if isinstance(field, Time):
        return (EPOCH + timedelta(microseconds=value)).isoformat()
    return f"{Decimal(value).scaleb(-field.decimals):f}" if field.decimals else value


def read(index: EntityIndex, position: int) -> Record:
    """Return the record at a position that has one."""
    record = index.record(position)
    assert record is not None
    return record


def row_of(dataset: Dataset, scenario: Scenario, position: int) -> int:
    """Return the spine's row at a position."""
    return int(np.searchsorted(dataset.records[scenario.spine].position, position))


def bits(plan: Plan, dataset: Dataset, row: int, as_of: int) -> bytes:
    """Return the bits of one record's features."""
    return compute(plan, dataset, np.array([row]), np.array([as_of])).values.tobytes()


def outcome(plan: Plan, dataset: Dataset, row: int, as_of: int) -> bytes | str:
    """Return the bits, or that the features are refused."""
    try:
        return bits(plan, dataset, row, as_of)
    except FeatureOverflow:
        return "refused"
