"""What monitoring found, as one frozen value: ready to be shown, stored and signed."""

from dataclasses import asdict, dataclass
from typing import Any

from tallystick.monitoring import sections
from tallystick.monitoring.drift import Drift
from tallystick.monitoring.parts import AlarmStatus, Evidence, Lateness, Span
from tallystick.monitoring.risk import Risk
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.written import instant


@dataclass(frozen=True, slots=True)
class MonitoringReport(Displayed):
    """What became of the decisions of one bundle, as known at an instant.

    Parameters
    ----------
    bundle : digest of the bundle that decided
    as_of : the instant, microseconds since 1970 UTC
    currency : unit of the costs
    n_decided : decisions made by then
    reference_average_precision : what validation measured, or ``None``
    lateness : how late outcomes are
    total : risk of all mature decisions
    weeks : risk by seven days, the last ones end with the last mature day, the earliest first
    days : what the alarm said day by day, every day from the first decision to the last mature one
    pending_days : days from then to the instant, whose outcomes are still to come
    alarm : where the alarm stands
    drift : how far recent scores moved, mature or not, or ``None`` where there are none
    drift_days : how many days back the drift looks
    """

    bundle: str
    as_of: int
    currency: str
    n_decided: int
    reference_average_precision: float | None
    lateness: Lateness
    total: Risk
    weeks: tuple[Span, ...]
    days: tuple[Evidence, ...]
    pending_days: int
    alarm: AlarmStatus
    drift: Drift | None
    drift_days: int

    def to_plain(self) -> dict[str, Any]:
        """Return dicts, lists, texts, numbers, booleans and None: every number finite, ready for JSON.

        The instants are integers below 2**53, so canonical JSON holds them exactly.
        """
        plain = asdict(self)
        plain["weeks"], plain["days"] = list(plain["weeks"]), list(plain["days"])
        if self.drift is not None:
            plain["drift"]["is_drifted"] = self.drift.is_drifted
        return plain

    def report(self) -> Report:
        """Return what a reader looks at: the alarm, its course day by day, the weeks, and what the words mean."""
        return Report(
            f"Monitoring bundle {self.bundle[:12]} as of {instant(self.as_of)} UTC",
            (
                Section("", sections.alarm(self.alarm, self.total)),
                sections.course(self.days, self.alarm, self.lateness, self.pending_days),
                Section("Week by week", sections.weeks(self.weeks, self.total)),
                Section(
                    "",
                    (
                        *sections.words(self.total, self.currency, self.reference_average_precision),
                        sections.drift(self.drift, self.drift_days),
                        sections.left_out(self.lateness),
                    ),
                ),
            ),
        )
