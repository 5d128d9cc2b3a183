"""The parts of a monitoring report: risk by weeks, the alarm by days and where it stands, how late outcomes are."""

from dataclasses import dataclass
from math import log, log10
from typing import Self

from tallystick.monitoring.alarms import RiskAlarm
from tallystick.monitoring.risk import Risk


@dataclass(frozen=True, slots=True)
class Span:
    """The risk of the decisions of some whole days, ``begin <= day < end``, microseconds since 1970 UTC."""

    begin: int
    end: int
    risk: Risk


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the alarm said at the end of a day.

    Parameters
    ----------
    day : midnight that begins the day, microseconds since 1970 UTC
    n, n_bad : decisions of that day, and the bad ones
    log10_e_value : decimal logarithm of the alarm's capital after that day
    """

    day: int
    n: int
    n_bad: int
    log10_e_value: float


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """Where the alarm stands, with what it was told and what it promises.

    Parameters
    ----------
    reference_rate, tolerance : the share of bad decisions that is expected, and the rise not cared about
    false_alarms : bound on the probability of ever raising a false alarm
    clump : most bad decisions that one event brings at once
    n, n_bad : mature decisions seen, and the bad ones
    log10_e_value, log10_peak : decimal logarithm of the capital now and at its highest
    log10_bound : the alarm is raised where the capital reaches this
    is_alarmed : whether it ever did
    alarmed_day : the day whose decisions raised it (its midnight, microseconds), or ``None``
    known_at : when that day was mature, so the earliest instant at which anybody could know, or ``None``
    """

    reference_rate: float
    tolerance: float
    false_alarms: float
    clump: float
    n: int
    n_bad: int
    log10_e_value: float
    log10_peak: float
    log10_bound: float
    is_alarmed: bool
    alarmed_day: int | None
    known_at: int | None

    @classmethod
    def of(cls, alarm: RiskAlarm, alarmed_day: int | None, known_at: int | None) -> Self:
        """Return where an alarm stands.

        Parameters
        ----------
        alarm : after every mature decision
        alarmed_day : midnight of the day that raised it, in microseconds since 1970 UTC, or None
        known_at : when that day was mature, or None
        """
        return cls(
            reference_rate=alarm.reference_rate,
            tolerance=alarm.tolerance,
            false_alarms=alarm.false_alarms,
            clump=alarm.clump,
            n=alarm.n,
            n_bad=alarm.n_bad,
            log10_e_value=alarm.log_e_value / log(10),
            log10_peak=alarm.log_peak / log(10),
            log10_bound=log10(alarm.bound),
            is_alarmed=alarm.is_alarmed,
            alarmed_day=alarmed_day,
            known_at=known_at,
        )


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late outcomes are.

    Parameters
    ----------
    maturity_us : how long an outcome is waited for
    mature_until : midnight at which the mature days end; decisions from then on are not judged yet
    n_pending : decisions that are not mature
    n_later : decisions made after the instant of the report, left out
    n_late_reports : reports that came after the maturity of their decision, left out
    n_unknown_reports : reports about events that none of the decisions is about
    median_days, ninety_percent_days : within how many days half, and nine tenths, of the reports in time came, or
        ``None`` without reports. Of the reports known so far: the latest are still to come
    """

    maturity_us: int
    mature_until: int
    n_pending: int
    n_later: int
    n_late_reports: int
    n_unknown_reports: int
    median_days: float | None
    ninety_percent_days: float | None
