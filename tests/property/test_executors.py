"""Oracle, batch and online agree to the last bit, whatever arrives in whatever order."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tallystick.data.records import Dataset, Record
from tallystick.definitions.expressions import Aggregate, AnyExpr, Flagged
from tallystick.errors import FeatureOverflow
from tallystick.features import batch, oracle, reports
from tallystick.features.online import Online
from tallystick.features.oracle_input import from_dataset
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.testing.scenarios import Scenario, aggregates, scenarios

Question = tuple[int, int]
Bits = list[bytes]


@given(scenarios())
def test_batch_equals_the_oracle(scenario: Scenario) -> None:
    """Every row has the same bits in batch as by brute force, as it was served."""
    questions = own_questions(scenario)

    assert in_batch(scenario, questions) == by_oracle(scenario, questions)


@given(scenarios(), st.data())
def test_batch_sees_as_of_any_moment(scenario: Scenario, data: st.DataObject) -> None:
    """A row asked as of any moment, in any order of questions, sees what had arrived by then."""
    rows = st.integers(0, len(scenario.dataset.records["payments"]) - 1)
    moments = st.integers(0, scenario.dataset.last_seq + 2)
    has_rows = len(scenario.dataset.records["payments"]) > 0
    questions = data.draw(st.lists(st.tuples(rows, moments), max_size=12)) if has_rows else []

    assert in_batch(scenario, questions) == by_oracle(scenario, questions)


@given(scenarios())
def test_online_equals_batch(scenario: Scenario) -> None:
    """Online gives batch's bits for a record on arrival, and for each known record whenever it is asked again."""
    questions, vectors = [], []
    rows = {record.id: row for row, record in enumerate(spine(scenario))}
    with online(scenario.plan) as state:
        known = []
        for seq, record in scenario.arrivals:
            with state.transaction() as transaction:
                transaction.append(record, seq)
                known += [record] if record.stream == "payments" else []
                questions += [(rows[payment.id], seq) for payment in known]
                vectors += [transaction.vector(payment, seq) for payment in known]
                transaction.commit(seq)

    assert bits(vectors) == in_batch(scenario, questions)


@given(scenarios())
def test_a_rebuild_leaves_the_bytes_of_appending(scenario: Scenario) -> None:
    """Loading a dataset at once and appending its records one by one leave the same state, byte for byte."""
    with online(scenario.plan) as appended, online(scenario.plan) as rebuilt:
        with appended.transaction() as transaction:
            for seq, record in scenario.arrivals:
                transaction.append(record, seq)
            transaction.commit(scenario.dataset.last_seq)
        rebuilt.rebuild(scenario.dataset)

        assert rebuilt.dump() == appended.dump()


@given(scenarios(largest=2**62))
def test_all_executors_agree_on_overflow(scenario: Scenario) -> None:
    """With values near the limit either all executors give the same bits, or all refuse."""
    questions = own_questions(scenario)

    found = {outcome(run, scenario, questions) for run in (by_oracle, in_batch, as_served)}

    assert len(found) == 1


@given(scenarios())
def test_threads_do_not_change_bits(scenario: Scenario) -> None:
    """Batch gives the same bits with several threads."""
    one = batch.compute(scenario.plan, scenario.dataset)
    three = batch.compute(scenario.plan, scenario.dataset, threads=3)

    assert one.values.tobytes() == three.values.tobytes()


def test_labels_without_known_at_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property fails for an executor that takes labels as known when the event happens."""
    honest = reports.changes

    def leaking(flag: Flagged, dataset: Dataset) -> reports.Changes:
        found, times = honest(flag, dataset), dataset.records["payments"].time
        return reports.Changes(found.row, found.seq, times[found.row], found.before)

    monkeypatch.setattr(batch, "changes", leaking)

    assert differs(in_batch)


def test_a_closed_left_edge_is_caught() -> None:
    """The property fails for an executor whose windows count an event exactly W + d ago."""

    def widened(expr: AnyExpr) -> AnyExpr:
        if isinstance(expr, Aggregate):
            return msgspec.structs.replace(expr, window_us=expr.window_us + 1)
        return expr

    def leaking(scenario: Scenario, questions: Sequence[Question]) -> Bits:
        features = {name: widened(expr) for name, expr in scenario.plan.definition.features.items()}
        definition = msgspec.structs.replace(scenario.plan.definition, features=features)
        return in_batch(Scenario(Plan(definition, scenario.plan.sources), [], scenario.dataset), questions)

    assert differs(leaking)


def test_late_arrivals_seen_early_are_caught() -> None:
    """The property fails for an executor that sorts history by time and forgets when it arrived."""

    def leaking(scenario: Scenario, questions: Sequence[Question]) -> Bits:
        return in_batch(scenario, [(row, scenario.dataset.last_seq) for row, _ in questions])

    assert differs(leaking)


def differs(leaking: Callable[[Scenario, Sequence[Question]], Bits]) -> Scenario:
    """Find a scenario in which an executor differs from the oracle; raise NoSuchExample if there is none."""

    def is_caught(scenario: Scenario) -> bool:
        questions = own_questions(scenario)
        return leaking(scenario, questions) != by_oracle(scenario, questions)

    search = settings(max_examples=2_000, deadline=None, database=None, phases=[Phase.generate])
    return find(scenarios(features=aggregates()), is_caught, settings=search)


def own_questions(scenario: Scenario) -> list[Question]:
    """Return every row, as of its own arrival."""
    return list(enumerate(scenario.dataset.records["payments"].seq.tolist()))


def in_batch(scenario: Scenario, questions: Sequence[Question]) -> Bits:
    """Return the rows' bits in batch."""
    rows, as_of = np.array(questions, dtype=np.int64).reshape(-1, 2).T
    return bits(batch.compute(scenario.plan, scenario.dataset, rows, as_of).values.tolist())


def by_oracle(scenario: Scenario, questions: Sequence[Question]) -> Bits:
    """Return the rows' bits by brute force."""
    streams, _ = from_dataset(scenario.plan.definition, scenario.dataset)
    rows, as_of = [row for row, _ in questions], [moment for _, moment in questions]
    return bits(oracle.compute(scenario.plan.definition, streams, rows, as_of))


def as_served(scenario: Scenario, _: Sequence[Question]) -> Bits:
    """Return every payment's bits online, on its arrival."""
    vectors = []
    with online(scenario.plan) as state, state.transaction() as transaction:
        for seq, record in scenario.arrivals:
            transaction.append(record, seq)
            if record.stream == "payments":
                vectors.append(transaction.vector(record, seq))
    return bits(vectors)


def outcome(
    run: Callable[[Scenario, Sequence[Question]], Bits], scenario: Scenario, questions: Sequence[Question]
) -> str:
    """Return the bits, or that the executor refused."""
    try:
        return str(run(scenario, questions))
    except FeatureOverflow:
        return "refused"


def bits(vectors: Iterable[Sequence[float]]) -> Bits:
    """Return each vector's doubles as bytes; there is one NaN, so missing values compare equal."""
    return [struct.pack(f"{len(vector)}d", *vector) for vector in vectors]


def spine(scenario: Scenario) -> list[Record]:
    """Return the payments in order of arrival."""
    return [record for _, record in scenario.arrivals if record.stream == "payments"]


@contextmanager
def online(plan: Plan) -> Iterator[Online]:
    """Open an online executor over LMDB in a folder of its own."""
    with TemporaryDirectory() as folder:
        state = Online(plan, LmdbStore(Path(folder)))
        try:
            yield state
        finally:
            state.close()
