"""From decisions on a simulated card network to one report: quiet while it is quiet, an alarm after the new fraud."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tallystick.definitions.digest import canonical
from tallystick.definitions.durations import DAY_US
from tallystick.errors import SettingOutOfRange
from tallystick.monitoring.drift import Histogram
from tallystick.monitoring.outcomes import Action, Decided, Reported, mature
from tallystick.monitoring.report import MonitoringReport
from tallystick.monitoring.risk import risk
from tallystick.monitoring.watch import Reference, Settings, monitor
from tallystick.reporting.figure import Figure
from tallystick.reporting.layout import text
from tallystick.simulation.cards import Network, midnight, simulate
from tallystick.simulation.frauds import FraudRates

START, NEW_FROM = date(2026, 1, 1), date(2026, 4, 1)
LIVE_FROM, BEFORE_NEW, END = midnight(date(2026, 2, 15)), midnight(NEW_FROM), midnight(date(2026, 5, 31))
SETTINGS = Settings(maturity_us=30 * DAY_US, false_alarm_cost=5.0)


@pytest.fixture(scope="module")
def network() -> Network:
    """Return 150 days of 500 customers, the last 60 with account takeovers.

    No terminal is compromised: a rule that looks at one payment alone would miss each of their clumps.
    """
    return simulate(
        customers=500,
        terminals=1_000,
        start=START,
        days=150,
        new_fraud_from=NEW_FROM,
        seed=21,
        rates=FraudRates(terminal_compromises=0.0),
    )


@pytest.fixture(scope="module")
def decided(network: Network) -> Decided:
    """Return the decisions of a plain rule: small payments at night and large ones are risky."""
    amount = network.payments["amount"].cast(pa.float64()).to_numpy()
    time = network.payments["paid_at"].cast(pa.int64()).to_numpy()
    night = time % DAY_US < DAY_US // 4
    score = np.where(night & (amount < 4.1), 0.9, np.minimum(0.6, amount / 1_000))
    return Decided(
        ids=np.array(network.payments["payment_id"].to_pylist()),
        at=time,
        time=time,
        action=np.where(score > 0.5, Action.DECLINE, np.where(score > 0.3, Action.REFER, Action.APPROVE)).astype(
            np.int8
        ),
        score=score,
        missed_cost=amount,
    )


@pytest.fixture(scope="module")
def reported(network: Network) -> Reported:
    """Return the chargebacks as reports of fraud."""
    table = network.chargebacks
    return Reported(
        np.array(table["payment_id"].to_pylist()),
        table["reported_at"].cast(pa.int64()).to_numpy(),
        np.ones(table.num_rows, dtype=bool),
    )


@pytest.fixture(scope="module")
def reference(decided: Decided, reported: Reported) -> Reference:
    """Return what the rule measured on the days before it went live."""
    early = decided.taken(decided.time < LIVE_FROM)
    tested = risk(mature(early, reported, as_of=END, maturity_us=30 * DAY_US), false_alarm_cost=5.0)
    assert tested.bad_rate is not None
    return Reference(
        bundle="5a" * 32,
        bad_rate=tested.bad_rate,
        scores=Histogram.by_quantiles(early.score),
        average_precision=tested.estimated_average_precision,
    )


@pytest.fixture(scope="module")
def live(decided: Decided) -> Decided:
    """Return the decisions since the rule went live."""
    return decided.taken(decided.time >= LIVE_FROM)


def test_the_alarm_is_quiet_until_the_new_fraud_is_mature(
    live: Decided, reported: Reported, reference: Reference
) -> None:
    """With only the old kinds of fraud mature there is no alarm; with the new kind there is."""
    quiet = monitor(live, reported, reference, as_of=BEFORE_NEW + 30 * DAY_US, settings=SETTINGS)
    risen = monitor(live, reported, reference, as_of=END, settings=SETTINGS)

    assert not quiet.alarm.is_alarmed
    assert quiet.lateness.mature_until == BEFORE_NEW
    assert risen.alarm.is_alarmed
    assert risen.alarm.alarmed_day is not None
    assert risen.alarm.alarmed_day >= BEFORE_NEW
    assert risen.alarm.known_at == risen.alarm.alarmed_day + 31 * DAY_US


def test_asking_earlier_never_tells_another_story(live: Decided, reported: Reported, reference: Reference) -> None:
    """The days of an earlier report are the beginning of the days of a later one, evidence included."""
    early = monitor(live, reported, reference, as_of=END - 25 * DAY_US, settings=SETTINGS)
    late = monitor(live, reported, reference, as_of=END, settings=SETTINGS)

    assert early.days == late.days[: len(early.days)]
    assert len(early.days) < len(late.days)


def test_nothing_later_than_its_instant_is_seen(live: Decided, reported: Reported, reference: Reference) -> None:
    """A report as of an instant is the same with and without everything that became known after it."""
    as_of = END - 40 * DAY_US
    known = reported.known_at <= as_of
    past = Reported(reported.ids[known], reported.known_at[known], reported.is_bad[known])

    with_future = monitor(live, reported, reference, as_of=as_of, settings=SETTINGS)
    without = monitor(live.taken(live.at <= as_of), past, reference, as_of=as_of, settings=SETTINGS)

    assert with_future.lateness.n_later > 0
    assert replace(with_future, lateness=without.lateness) == without


def test_the_order_of_rows_does_not_matter(live: Decided, reported: Reported, reference: Reference) -> None:
    """Decisions read in any order give the same report."""
    shuffled = live.taken(np.random.default_rng(1).permutation(len(live.ids)))

    assert counted(monitor(shuffled, reported, reference, as_of=END, settings=SETTINGS)) == counted(
        monitor(live, reported, reference, as_of=END, settings=SETTINGS)
    )


def counted(report: MonitoringReport) -> Any:
    """Return what a report counts, without sums of floats whose last bit knows the order of equal instants."""
    return report.days, report.alarm, report.lateness, report.drift, report.n_decided


def test_weeks_days_and_total_count_the_same_decisions(live: Decided, reported: Reported, reference: Reference) -> None:
    """Every mature decision is in one day and one week, and the days follow each other without a gap."""
    report = monitor(live, reported, reference, as_of=END, settings=SETTINGS)

    assert sum(day.n for day in report.days) == sum(week.risk.n for week in report.weeks) == report.total.n
    assert sum(day.n_bad for day in report.days) == report.alarm.n_bad == report.total.n_bad
    assert {later.day - day.day for day, later in zip(report.days, report.days[1:], strict=False)} == {DAY_US}
    assert report.weeks[-1].end == report.lateness.mature_until
    assert report.total.n + report.lateness.n_pending == report.n_decided


def test_a_report_is_canonical_json(live: Decided, reported: Reported, reference: Reference) -> None:
    """Every value of a report can be signed: no infinity, no NaN, no integer that JSON cannot hold."""
    report = monitor(live, reported, reference, as_of=END, settings=SETTINGS)

    plain = report.to_plain()

    assert canonical(plain)
    assert plain["alarm"]["is_alarmed"] is True
    assert plain["drift"]["is_drifted"] is False


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("as_of", [LIVE_FROM - DAY_US, LIVE_FROM + 3 * DAY_US, END])
def test_the_report_fits_the_terminal(
    live: Decided, reported: Reported, reference: Reference, as_of: int, width: int
) -> None:
    """Without decisions, without mature ones and with months of them: no line is wider than the terminal."""
    report = monitor(live, reported, reference, as_of=as_of, settings=SETTINGS)

    lines = text(report.report(), width).splitlines()

    assert max(map(len, lines)) <= width


def test_the_report_states_its_promises(live: Decided, reported: Reported, reference: Reference) -> None:
    """Reference rate, tolerance, bound on false alarms and the lateness of labels stand on the screen."""
    report = monitor(live, reported, reference, as_of=END, settings=SETTINGS)

    screen = str(report)

    assert f"reference {100 * reference.bad_rate:.2f} %" in screen
    assert f"tolerance {50 * reference.bad_rate:.2f} %" in screen
    assert "at most 1.00 %" in screen
    assert f"{report.pending_days} days are not mature: reports are waited for 30 days" in screen
    assert "ALARM" in screen


def test_the_figures_hold_every_mature_day(live: Decided, reported: Reported, reference: Reference) -> None:
    """What is drawn is what was counted: one place a day, no value for the days that are not mature."""
    found = monitor(live, reported, reference, as_of=END, settings=SETTINGS)

    rate, evidence = (block for s in found.report().sections for block in s.blocks if isinstance(block, Figure))

    assert rate.at[: len(found.days)] == tuple(day.day for day in found.days)
    assert rate.series[0].y[: len(found.days)] == tuple(d.n_bad / d.n if d.n else None for d in found.days)
    assert set(rate.series[0].y[len(found.days) :]) == {None}
    assert len(rate.at) == len(found.days) + found.pending_days
    assert (evidence.marks[0].y, evidence.at) == (found.alarm.log10_bound, rate.at)


def test_a_report_before_the_first_decision_has_no_answer(
    live: Decided, reported: Reported, reference: Reference
) -> None:
    """Nothing decided is no alarm, no drift and no week, and says so."""
    report = monitor(live, reported, reference, as_of=LIVE_FROM - 1, settings=SETTINGS)

    assert (report.days, report.weeks, report.drift) == ((), (), None)
    assert report.n_decided == 0
    assert not report.alarm.is_alarmed


def test_a_window_without_days_is_refused(live: Decided, reported: Reported, reference: Reference) -> None:
    """Score drift looks back one day at least."""
    with pytest.raises(SettingOutOfRange, match="drift_days"):
        monitor(live, reported, reference, as_of=END, settings=replace(SETTINGS, drift_days=0))
