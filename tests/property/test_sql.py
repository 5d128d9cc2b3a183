"""SQL agrees with batch to the last bit, in both its forms, whatever arrives in whatever order."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.sql import duck
from tallystick.features.table import FeatureTable
from tallystick.testing.scenarios import Scenario, dataset_of, near_the_limit, scenarios

Ints = NDArray[np.int64]


@given(scenarios())
def test_sql_in_any_order_equals_batch(scenario: Scenario) -> None:
    """The form for any order gives every payment batch's bits: late ones, ties, early and several reports."""
    found = duck.compute(scenario.plan, scenario.dataset, in_order=False)

    assert found.values.tobytes() == batch.compute(scenario.plan, scenario.dataset).values.tobytes()


@given(scenarios())
def test_sql_in_order_equals_batch(scenario: Scenario) -> None:
    """Where events arrive in order of time, reports whenever they like, the form for that has batch's bits."""
    dataset = in_order(scenario)

    found = duck.compute(scenario.plan, dataset, in_order=True)

    assert found.values.tobytes() == batch.compute(scenario.plan, dataset).values.tobytes()


@given(scenarios(), st.data(), st.booleans())
def test_sql_answers_about_some_rows(scenario: Scenario, data: st.DataObject, is_sorted: bool) -> None:
    """Some rows, in any order and twice too, have the bits of all; the form is chosen by what is proven."""
    dataset = in_order(scenario) if is_sorted else scenario.dataset
    n = len(dataset.records[scenario.spine])
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=8)) if n else [], np.int64)

    found = duck.compute(scenario.plan, dataset, rows)

    wanted = batch.compute(scenario.plan, dataset, rows)
    assert found.values.tobytes() == wanted.values.tobytes()
    assert (found.ids, found.position.tolist()) == (wanted.ids, wanted.position.tolist())


@given(near_the_limit(), st.data())
def test_sql_refuses_what_batch_refuses(scenario: Scenario, data: st.DataObject) -> None:
    """With values near the limit SQL has batch's bits, or refuses where batch does, of some rows too."""
    n = len(scenario.dataset.records[scenario.spine])
    rows = (
        data.draw(st.none() | st.lists(st.integers(0, n - 1), unique=True).map(lambda rows: np.array(rows, np.int64)))
        if n
        else None
    )

    found, wanted = (outcome(engine, scenario, rows) for engine in (duck.compute, batch.compute))

    assert found == wanted


@settings(max_examples=15)
@given(scenarios())
def test_threads_do_not_change_bits(scenario: Scenario) -> None:
    """SQL gives the same bits with several threads."""
    one = duck.compute(scenario.plan, scenario.dataset)
    two = duck.compute(scenario.plan, scenario.dataset, threads=2)

    assert one.values.tobytes() == two.values.tobytes()


def in_order(scenario: Scenario) -> Dataset:
    """Return the records with every stream's events in order of time over all streams; what is said of them stays."""
    timed = {source.name for source in scenario.plan.sources if isinstance(source, StreamDefinition)}
    timed -= {later.by for later in scenario.plan.later} - {group.stream for group in scenario.plan.groups}
    events = iter(sorted((r for _, r in scenario.arrivals if r.stream in timed), key=lambda r: r.time or 0))
    arrivals = [
        (position, next(events) if record.stream in timed else record) for position, record in scenario.arrivals
    ]
    return dataset_of(arrivals, scenario.plan.sources)


def outcome(engine: Callable[..., FeatureTable], scenario: Scenario, rows: Ints | None) -> bytes | str:
    """Return the bits, or that the executor refused."""
    try:
        return engine(scenario.plan, scenario.dataset, rows).values.tobytes()
    except FeatureOverflow:
        return "refused"
