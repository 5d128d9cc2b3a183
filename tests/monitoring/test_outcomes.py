"""Outcomes are joined as known at an instant, and only where they have had their time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.definitions.durations import DAY_US
from tallystick.errors import ColumnsUneven, SettingOutOfRange
from tallystick.monitoring.outcomes import Action, Cohort, Decided, Reported, mature

HALF_DAY = DAY_US // 2


def decisions(rows: list[tuple[str, int, int, Action]]) -> Decided:
    """Return decisions from (id, decided at, event time, action)."""
    ids, at, time, action = zip(*rows, strict=True) if rows else ((), (), (), ())
    n = len(rows)
    return Decided(
        ids=np.array(ids, dtype=np.str_),
        at=np.array(at, dtype=np.int64),
        time=np.array(time, dtype=np.int64),
        action=np.array(action, dtype=np.int8),
        score=np.linspace(0, 1, n),
        missed_cost=np.full(n, 10.0),
    )


def reports(rows: list[tuple[str, int, bool]]) -> Reported:
    """Return reports from (id, known at, is bad)."""
    ids, known_at, is_bad = zip(*rows, strict=True) if rows else ((), (), ())
    return Reported(np.array(ids, dtype=np.str_), np.array(known_at, dtype=np.int64), np.array(is_bad, dtype=np.bool_))


def outcomes_by_hand(rows: list[Any], noted: list[Any], as_of: int, maturity: int) -> dict[str, bool]:
    """Return the outcome of every mature decision, by the plainest loop there is."""
    outcome = {}
    for key, at, time, _ in rows:
        since = max(at, time)
        if at > as_of or (since // DAY_US + 1) * DAY_US + maturity > as_of:
            continue
        heard = [(known, place, bad) for place, (of, known, bad) in enumerate(noted) if of == key]
        in_time = sorted(row for row in heard if row[0] <= min(as_of, since + maturity))
        outcome[key] = in_time[-1][2] if in_time else False
    return outcome


halves = st.integers(0, 16).map(lambda half: half * HALF_DAY)
actions = st.sampled_from(list(Action))


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), halves, halves, actions), max_size=8, unique_by=lambda row: row[0]),
    st.lists(st.tuples(st.sampled_from("abcdefghxy"), halves, st.booleans()), max_size=12),
    halves,
    st.integers(0, 3).map(lambda days: days * DAY_US),
)
def test_the_join_equals_the_plain_loop(rows: list[Any], noted: list[Any], as_of: int, maturity: int) -> None:
    """For any decisions and reports, in any order, the same ones are mature and have the same outcome."""
    cohort = mature(decisions(rows), reports(noted), as_of=as_of, maturity_us=maturity)

    by_hand = outcomes_by_hand(rows, noted, as_of, maturity)
    assert dict(zip(cohort.decided.ids.tolist(), cohort.is_bad.tolist(), strict=True)) == by_hand
    assert len(by_hand) + cohort.n_pending + cohort.n_later == len(rows)
    assert np.all(np.diff(cohort.day) >= 0)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), halves, halves, actions), max_size=8, unique_by=lambda row: row[0]),
    st.lists(st.tuples(st.sampled_from("abcdefgh"), halves, st.booleans()), max_size=12),
    halves,
    halves,
)
def test_a_mature_day_never_changes(rows: list[Any], noted: list[Any], one: int, other: int) -> None:
    """What was mature at an earlier instant is the beginning of what is mature at a later one."""
    early, late = sorted((one, other))
    before, after = (
        mature(decisions(rows), reports(noted), as_of=as_of, maturity_us=DAY_US) for as_of in (early, late)
    )

    n = len(before.day)
    assert after.decided.ids[:n].tolist() == before.decided.ids.tolist()
    assert after.is_bad[:n].tolist() == before.is_bad.tolist()


@pytest.fixture
def cohort() -> Cohort:
    """Return four decisions of day 0, as known on day 11 with a maturity of 10 days."""
    decided = decisions(
        [
            ("told", 0, 0, Action.APPROVE),
            ("late", 1, 1, Action.APPROVE),
            ("stopped", 2, 2, Action.DECLINE),
            ("cleared", 3, 3, Action.APPROVE),
            ("young", DAY_US, DAY_US, Action.APPROVE),
            ("later", 20 * DAY_US, DAY_US, Action.APPROVE),
        ]
    )
    noted = reports(
        [
            ("told", 9 * DAY_US, True),
            ("late", 10 * DAY_US + 2, True),
            ("stopped", DAY_US, True),
            ("cleared", DAY_US, True),
            ("cleared", 2 * DAY_US, False),
            ("somebody else's", DAY_US, True),
            ("young", 30 * DAY_US, True),
        ]
    )
    return mature(decided, noted, as_of=11 * DAY_US, maturity_us=10 * DAY_US)


def test_everything_left_out_is_counted(cohort: Cohort) -> None:
    """Pending and later decisions, late and unknown reports are numbers in the cohort, not silence."""
    assert cohort.decided.ids.tolist() == ["told", "late", "stopped", "cleared"]
    assert (cohort.n_pending, cohort.n_later) == (1, 1)
    assert (cohort.n_late_reports, cohort.n_unknown_reports) == (1, 1)
    assert cohort.until == DAY_US


def test_a_bad_decision_was_allowed_and_reported_in_time(cohort: Cohort) -> None:
    """Late reports, declined payments and reversed reports make no bad decision."""
    assert cohort.is_bad.tolist() == [True, False, True, False]
    assert cohort.is_known.tolist() == [True, False, True, True]
    assert cohort.is_missed.tolist() == [True, False, False, False]


def test_no_decisions_are_an_empty_cohort() -> None:
    """Reports without decisions are counted, and nothing is mature."""
    cohort = mature(decisions([]), reports([("a", 0, True)]), as_of=DAY_US, maturity_us=0)

    assert len(cohort.day) == 0
    assert cohort.n_unknown_reports == 1


def test_columns_of_different_lengths_are_refused() -> None:
    """The sentence names the columns and their lengths."""
    with pytest.raises(ColumnsUneven, match=r"Reported needs columns .* known_at has 2"):
        Reported(np.array(["a"]), np.array([1, 2]), np.array([True]))


def test_a_negative_maturity_is_refused() -> None:
    """Outcomes cannot be waited for backwards."""
    with pytest.raises(SettingOutOfRange, match="maturity_us"):
        mature(decisions([]), reports([]), as_of=0, maturity_us=-1)
