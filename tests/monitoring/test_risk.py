"""Average precision is scikit-learn's, and every decision is counted in money the way its docstring says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from tallystick.definitions.durations import DAY_US
from tallystick.monitoring.outcomes import Action, Decided, Reported, mature
from tallystick.monitoring.risk import Risk, average_precision, risk

rows = st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]))


@given(st.lists(rows, min_size=1, max_size=40).filter(lambda drawn: any(bad for bad, _ in drawn)))
def test_average_precision_is_that_of_scikit_learn(drawn: list[tuple[bool, float]]) -> None:
    """Whatever the ties, the number is the same."""
    bad, score = (np.array(column) for column in zip(*drawn, strict=True))

    assert average_precision(bad, score) == pytest.approx(average_precision_score(bad, score), abs=1e-12)


@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.sampled_from([0.1, 0.2, 0.7])), min_size=1, max_size=30))
def test_a_probable_outcome_counts_as_a_part_of_each(drawn: list[tuple[float, float]]) -> None:
    """An outcome of probability p counts like p rows that are bad and 1 - p rows that are good."""
    probable, score = (np.array(column) for column in zip(*drawn, strict=True))
    n = len(drawn)

    split = average_precision_score(
        np.repeat([1, 0], n), np.tile(score, 2), sample_weight=np.concatenate([probable, 1 - probable])
    )

    assert average_precision(probable, score) == pytest.approx(split, abs=1e-9)


@pytest.mark.parametrize("bad", [[], [False, False]])
def test_without_anything_bad_there_is_no_average_precision(bad: list[bool]) -> None:
    """No fraud is no answer, rather than a zero that looks like a bad model."""
    assert average_precision(np.array(bad, dtype=bool), np.linspace(0, 1, len(bad))) is None


def risk_of(decided: list[tuple[Action, float]], noted: dict[int, bool]) -> Risk:
    """Return the risk of some decisions with (action, score), ten EUR each, and reports by position."""
    n = len(decided)
    columns = Decided(
        ids=np.array([str(row) for row in range(n)]),
        at=np.zeros(n, dtype=np.int64),
        time=np.zeros(n, dtype=np.int64),
        action=np.array([action for action, _ in decided], dtype=np.int8),
        score=np.array([score for _, score in decided]),
        missed_cost=np.full(n, 10.0),
    )
    reported = Reported(
        np.array([str(row) for row in noted], dtype=np.str_),
        np.ones(len(noted), dtype=np.int64),
        np.array(list(noted.values()), dtype=np.bool_),
    )
    cohort = mature(columns, reported, as_of=3 * DAY_US, maturity_us=DAY_US)
    return risk(cohort, false_alarm_cost=5.0)


def test_money_is_counted_by_outcome_and_by_score_where_there_is_none() -> None:
    """A missed fraud costs its amount; a declined payment costs a false alarm as far as it was probably good."""
    found = risk_of(
        [
            (Action.APPROVE, 0.1),
            (Action.APPROVE, 0.2),
            (Action.REFER, 0.4),
            (Action.DECLINE, 0.9),
            (Action.DECLINE, 0.6),
        ],
        noted={1: True, 2: True},
    )

    assert (found.n, found.n_approved, found.n_referred, found.n_declined, found.n_bad) == (5, 2, 1, 2, 1)
    assert found.bad_rate == pytest.approx(1 / 5)
    assert found.missed_cost == 10.0
    assert found.estimated_false_alarm_cost == pytest.approx(5.0 * (0.1 + 0.4))
    assert found.estimated_precision == pytest.approx(0.75)
    assert found.average_precision == 1.0


def test_a_report_about_a_stopped_payment_replaces_its_estimate() -> None:
    """A customer who confirms the fraud, or is cleared, is believed rather than the score."""
    found = risk_of([(Action.DECLINE, 0.9), (Action.DECLINE, 0.6)], noted={0: False, 1: True})

    assert found.estimated_false_alarm_cost == 5.0
    assert found.estimated_precision == 0.5
    assert found.estimated_average_precision == 0.5


def test_nothing_decided_is_no_answer() -> None:
    """Rates of nothing are None, sums of nothing are zero."""
    found = risk_of([], noted={})

    assert (found.bad_rate, found.estimated_precision, found.average_precision) == (None, None, None)
    assert (found.n, found.missed_cost) == (0, 0.0)


@given(st.lists(st.tuples(st.sampled_from(list(Action)), st.floats(0, 1)), max_size=20), st.data())
def test_every_decision_is_counted_once(decided: list[Any], data: st.DataObject) -> None:
    """The actions add up, and no bad decision is anything but allowed."""
    noted = data.draw(st.dictionaries(st.integers(0, 30), st.booleans()))

    found = risk_of(decided, noted)

    assert found.n_approved + found.n_referred + found.n_declined == found.n == len(decided)
    assert found.n_bad <= found.n_approved
