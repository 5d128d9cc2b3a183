"""The alarm keeps its bound on false alarms, and finds a risen risk within weeks."""

from math import exp, isclose, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import SettingOutOfRange
from tallystick.monitoring.alarms import RiskAlarm

WEEKLY = 2_000
HISTORIES = 500


def alarmed_share(bad: Any, alarm: RiskAlarm, batch: int = WEEKLY) -> float:
    """Return the share of histories (rows of weekly bad counts) in which the alarm was ever raised."""
    return float(np.mean([alarm.after_batches((batch, int(n)) for n in history).is_alarmed for history in bad]))


def most_that_chance_allows(share: float, n: int = HISTORIES) -> float:
    """Return the share that a binomial of this size exceeds with probability below 1e-4 (3.72 standard errors)."""
    return share + 3.72 * float(np.sqrt(share * (1 - share) / n))


@pytest.mark.parametrize("false_alarms", [0.01, 0.05])
@pytest.mark.parametrize("boundary", [0.005, 0.02])
@pytest.mark.parametrize("part_of_boundary", [1.0, 0.8])
def test_quiet_histories_stay_within_the_bound(false_alarms: float, boundary: float, part_of_boundary: float) -> None:
    """Of 500 quiet years, at the boundary and below it, no more alarm than the bound and chance allow."""
    draws = np.random.default_rng([11, int(boundary * 1_000)])
    bad = draws.binomial(WEEKLY, boundary * part_of_boundary, size=(HISTORIES, 52))
    alarm = RiskAlarm(reference_rate=boundary * 0.8, tolerance=boundary * 0.2, false_alarms=false_alarms)

    share = alarmed_share(bad, alarm)

    assert share <= most_that_chance_allows(false_alarms)


def test_the_bound_holds_when_every_decision_is_a_look() -> None:
    """Looking after each of 500 decisions, with the chance of a bad one at the boundary, keeps the bound too."""
    draws = np.random.default_rng(5)
    alarm = RiskAlarm(reference_rate=0.05, false_alarms=0.05)

    rings = 0
    for history in draws.random((200, 500)) < 0.05:
        seen = alarm
        for bad in history:
            seen = seen.after(bool(bad))
        rings += seen.is_alarmed

    assert rings / 200 <= most_that_chance_allows(0.05, n=200)


def test_the_bound_holds_for_clumps_that_it_was_told_of() -> None:
    """Frauds that come four at a time keep the bound with clump=4; taken one by one they would break it."""
    draws = np.random.default_rng(6)
    bad = 4 * draws.binomial(WEEKLY, 0.01 / 4, size=(HISTORIES, 52))

    noted = alarmed_share(bad, RiskAlarm(reference_rate=0.01, false_alarms=0.05, clump=4))
    uncapped = alarmed_share(bad, RiskAlarm(reference_rate=0.01, false_alarms=0.05))

    assert noted <= most_that_chance_allows(0.05)
    assert uncapped > most_that_chance_allows(0.05)


@pytest.mark.parametrize(("rise", "weeks"), [(1.5, 6), (2.0, 2), (3.0, 1)])
@pytest.mark.parametrize("quiet_weeks", [0, 52])
def test_a_risen_risk_is_found(rise: float, weeks: int, quiet_weeks: int) -> None:
    """At 2 % of 2,000 a week, nine of ten rises are found in 1 to 6 weeks, even after a year of quiet."""
    assert delay(0.02, rise, quiet_weeks) <= weeks


@pytest.mark.parametrize(("rise", "weeks"), [(1.5, 24), (2.0, 8), (3.0, 3)])
def test_a_risen_rare_risk_takes_longer(rise: float, weeks: int) -> None:
    """At 0.5 % of 2,000 a week there are ten bad decisions to see; nine of ten rises are found in 3 to 24 weeks."""
    assert delay(0.005, rise, quiet_weeks=26) <= weeks


def delay(rate: float, rise: float, quiet_weeks: int) -> float:
    """Return the weeks within which nine of ten of 200 histories alarm after the risk has risen."""
    draws = np.random.default_rng(3)
    alarm = RiskAlarm(reference_rate=rate)
    took = []
    for _ in range(200):
        quiet = draws.binomial(WEEKLY, rate, size=quiet_weeks)
        seen = alarm.after_batches((WEEKLY, int(n)) for n in quiet)
        risen = seen.after_batches((WEEKLY, int(n)) for n in draws.binomial(WEEKLY, rate * rise, size=40))
        took.append((risen.alarmed_at or 10**9) / WEEKLY - quiet_weeks)
    return float(np.quantile(took, 0.9))


@given(st.lists(st.booleans(), max_size=12), st.floats(0.01, 0.6), st.sampled_from([1.0, 3.0]))
def test_no_decision_makes_money_at_the_boundary(seen: list[bool], rate: float, clump: float) -> None:
    """After any history, the expected capital after one more decision at the boundary is at most the capital now."""
    alarm = RiskAlarm(reference_rate=rate, clump=clump)
    for bad in seen:
        alarm = alarm.after(bad)

    expected = rate * alarm.after(True).e_value + (1 - rate) * alarm.after(False).e_value

    assert expected <= alarm.e_value * (1 + 1e-12)
    assert clump > 1 or isclose(expected, alarm.e_value, rel_tol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8))
def test_capital_is_the_sum_of_its_bets(batches: list[tuple[int, int]]) -> None:
    """The logarithms agree with plain multiplication of every stake, the reserve added."""
    alarm = RiskAlarm(reference_rate=0.1, rises=(1.5, 3.0))
    stakes, n = {1.5: 0.0, 3.0: 0.0}, 0
    for good, bad in batches:
        fresh = log(2) / log(2 + n * 0.1) - log(2) / log(2 + (n + good + bad) * 0.1)
        n += good + bad
        for rise, stake in stakes.items():
            stakes[rise] = (stake + fresh / 2) * rise**bad / (1 + 0.1 * (rise - 1)) ** (good + bad)

    seen = alarm.after_batches((good + bad, bad) for good, bad in batches)

    assert isclose(seen.e_value, sum(stakes.values()) + log(2) / log(2 + n * 0.1), rel_tol=1e-9)
    assert seen.log_peak >= seen.log_e_value - 1e-12


def test_an_alarm_stays_raised() -> None:
    """Once alarmed, quiet decisions lower the capital and leave alarm, peak and instant as they were."""
    risen = RiskAlarm(reference_rate=0.01).after_many(1_000, 60)

    calmed = risen.after_many(50_000, 300)

    assert risen.is_alarmed
    assert calmed.is_alarmed
    assert calmed.alarmed_at == 1_000
    assert calmed.log_peak == risen.log_peak
    assert calmed.e_value < risen.e_value


def test_an_overwhelming_capital_is_infinite_not_an_error() -> None:
    """A million bad decisions overflow no number."""
    seen = RiskAlarm(reference_rate=0.01).after_many(1_000_000, 1_000_000)

    assert seen.e_value == float("inf")
    assert seen.log_e_value > 700


def test_nothing_seen_is_a_capital_of_one() -> None:
    """The bet begins with 1, and an empty batch changes nothing."""
    alarm = RiskAlarm(reference_rate=0.01)

    assert alarm.e_value == 1.0
    assert isclose(exp(alarm.after_many(0, 0).log_e_value), 1.0)
    assert alarm.bound == 100


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("reference_rate", 0.0),
        ("reference_rate", 1.0),
        ("reference_rate", float("nan")),
        ("tolerance", -0.1),
        ("tolerance", 0.995),
        ("false_alarms", 0.0),
        ("clump", 0.5),
        ("rises", ()),
        ("rises", (1.0,)),
    ],
)
def test_a_setting_without_meaning_is_refused(setting: str, value: Any) -> None:
    """Every setting outside its range is refused by its name."""
    settings = {"reference_rate": 0.01} | {setting: value}

    with pytest.raises(SettingOutOfRange, match=setting):
        RiskAlarm(**settings)


def test_counts_that_are_no_counts_are_refused() -> None:
    """A batch with more bad decisions than decisions is refused."""
    with pytest.raises(SettingOutOfRange, match="n_bad"):
        RiskAlarm(reference_rate=0.01).after_many(3, 4)
