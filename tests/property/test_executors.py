"""Oracle, batch and online agree to the last bit, whatever arrives in whatever order."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tallystick.data.records import Dataset
from tallystick.definitions.expressions import Aggregate, AnyExpr
from tallystick.errors import FeatureOverflow
from tallystick.features import reports
from tallystick.features.batch import executor as batch
from tallystick.features.online.executor import Online
from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle.inputs import from_dataset
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.testing.feature_strategies import aggregates
from tallystick.testing.scenarios import Scenario, near_the_limit, scenarios

Question = tuple[int, int]
Bits = list[bytes]

SUMMED = ("count", "sum", "mean")


@given(scenarios())
def test_batch_equals_the_oracle(scenario: Scenario) -> None:
    """Every row has the same bits in batch as by brute force, as it was served."""
    questions = own_questions(scenario)

    assert in_batch(scenario, questions) == by_oracle(scenario, questions)


@given(scenarios(), st.data())
def test_batch_sees_as_of_any_moment(scenario: Scenario, data: st.DataObject) -> None:
    """A row asked as of any moment, in any order of questions, sees what had arrived by then."""
    n = len(scenario.dataset.records[scenario.spine])
    moments = st.integers(0, scenario.dataset.last_position + 2)
    questions = data.draw(st.lists(st.tuples(st.integers(0, n - 1), moments), max_size=12)) if n else []

    assert in_batch(scenario, questions) == by_oracle(scenario, questions)


@given(scenarios())
def test_online_equals_batch(scenario: Scenario) -> None:
    """Online gives batch's bits for a record on arrival, and for each known record whenever it is asked again."""
    questions = all_questions(scenario)

    assert as_served(scenario, questions) == in_batch(scenario, questions)


@given(scenarios())
def test_a_rebuild_leaves_the_bytes_of_appending(scenario: Scenario) -> None:
    """Loading a dataset at once and appending its records one by one leave the same state, byte for byte."""
    assert rebuilt(scenario) == appended(scenario)


@given(near_the_limit(is_own=True))
def test_all_executors_agree_on_overflow(scenario: Scenario) -> None:
    """With values near the limit either all executors give the same bits, or all refuse."""
    questions = all_questions(scenario)

    found = {outcome(run, scenario, questions) for run in (by_oracle, in_batch, as_served)}

    assert len(found) == 1


@given(near_the_limit())
def test_batch_refuses_what_the_oracle_refuses(scenario: Scenario) -> None:
    """Totals of any stream's entity are too large for both as soon as a record asks about it, or for none."""
    questions = own_questions(scenario)

    assert outcome(in_batch, scenario, questions) == outcome(by_oracle, scenario, questions)


@given(near_the_limit())
def test_a_rebuild_refuses_what_appending_refuses(scenario: Scenario) -> None:
    """With values near the limit a state is loaded at once to the same bytes, or refused as one by one."""
    assert outcome(rebuilt, scenario) == outcome(appended, scenario)


@given(scenarios())
def test_threads_do_not_change_bits(scenario: Scenario) -> None:
    """Batch gives the same bits with several threads."""
    one = batch.compute(scenario.plan, scenario.dataset)
    three = batch.compute(scenario.plan, scenario.dataset, threads=3)

    assert one.values.tobytes() == three.values.tobytes()


@given(scenarios(), st.data())
def test_the_oracle_needs_only_what_concerns_the_rows(scenario: Scenario, data: st.DataObject) -> None:
    """Restricted to the records that concern some rows, the oracle gives these rows the same bits."""
    n = len(scenario.dataset.records[scenario.spine])
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1)))) if n else [], np.int64)
    streams, places = from_dataset(scenario.plan.definition, scenario.dataset, rows)

    found = bits(oracle.compute(scenario.plan.definition, scenario.plan.streams, streams, places))

    assert found == by_oracle(scenario, [own_questions(scenario)[row] for row in rows])


def test_labels_without_known_at_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property fails for an executor that takes labels and corrections as known when the event happens."""
    honest = reports.changes

    def leaking(later: Any, dataset: Dataset) -> reports.Changes:
        found = honest(later, dataset)
        return replace(found, known=dataset.records[later.stream].time[found.row])

    monkeypatch.setattr(batch, "changes", leaking)

    assert differs(in_batch)


def test_a_closed_left_edge_is_caught() -> None:
    """The property fails for an executor whose windows count an event exactly W + d ago."""

    def widened(expr: AnyExpr) -> AnyExpr:
        if isinstance(expr, Aggregate) and expr.window_us:
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
        return in_batch(scenario, [(row, scenario.dataset.last_position) for row, _ in questions])

    assert differs(leaking)


def differs(leaking: Callable[[Scenario, Sequence[Question]], Bits]) -> Scenario:
    """Find a scenario in which an executor differs from the oracle; raise NoSuchExample if there is none."""

    def is_caught(scenario: Scenario) -> bool:
        questions = own_questions(scenario)
        return leaking(scenario, questions) != by_oracle(scenario, questions)

    search = settings(max_examples=2_000, deadline=None, database=None, phases=[Phase.generate])
    return find(scenarios(features=partial(aggregates, functions=SUMMED)), is_caught, settings=search)


def own_questions(scenario: Scenario) -> list[Question]:
    """Return every row, as of its own arrival."""
    return list(enumerate(scenario.dataset.records[scenario.spine].position.tolist()))


def all_questions(scenario: Scenario) -> list[Question]:
    """Return every row as of every arrival since its own."""
    own = own_questions(scenario)
    return [(row, position) for position, _ in scenario.arrivals for row, arrived in own if arrived <= position]


def in_batch(scenario: Scenario, questions: Sequence[Question]) -> Bits:
    """Return the rows' bits in batch."""
    rows, as_of = np.array(questions, dtype=np.int64).reshape(-1, 2).T
    return bits(batch.compute(scenario.plan, scenario.dataset, rows, as_of).values.tolist())


def by_oracle(scenario: Scenario, questions: Sequence[Question]) -> Bits:
    """Return the rows' bits by brute force."""
    streams, _ = from_dataset(scenario.plan.definition, scenario.dataset)
    rows, as_of = [row for row, _ in questions], [moment for _, moment in questions]
    return bits(oracle.compute(scenario.plan.definition, scenario.plan.streams, streams, rows, as_of))


def as_served(scenario: Scenario, questions: Sequence[Question]) -> Bits:
    """Return the rows' bits online, each asked as soon as all it sees has arrived."""
    rows = [record for _, record in scenario.arrivals if record.stream == scenario.spine]
    vectors = []
    with online(scenario.plan) as state:
        for position, record in scenario.arrivals:
            with state.transaction() as transaction:
                transaction.append(record, position)
                vectors += [transaction.vector(rows[row], position) for row, as_of in questions if as_of == position]
                transaction.commit(position)
    return bits(vectors)


def appended(scenario: Scenario) -> str:
    """Return the digest of a state to which the records were appended one by one."""
    with online(scenario.plan) as state, state.transaction() as transaction:
        for position, record in scenario.arrivals:
            transaction.append(record, position)
        transaction.commit(scenario.dataset.last_position)
        return state.dump()


def rebuilt(scenario: Scenario) -> str:
    """Return the digest of a state into which the dataset was loaded at once."""
    with online(scenario.plan) as state:
        state.rebuild(scenario.dataset)
        return state.dump()


def outcome(run: Callable[..., Any], scenario: Scenario, *requested: Any) -> str:
    """Return what an executor gives, or that it refused."""
    try:
        return str(run(scenario, *requested))
    except FeatureOverflow:
        return "refused"


def bits(vectors: Iterable[Sequence[float]]) -> Bits:
    """Return each vector's doubles as bytes; there is one NaN, so missing values compare equal."""
    return [struct.pack(f"{len(vector)}d", *vector) for vector in vectors]


@contextmanager
def online(plan: Plan) -> Iterator[Online]:
    """Open an online executor over LMDB in a folder of its own."""
    with TemporaryDirectory() as folder:
        state = Online(plan, LmdbStore(Path(folder)))
        try:
            yield state
        finally:
            state.close()
