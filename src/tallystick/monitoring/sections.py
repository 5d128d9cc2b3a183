"""A monitoring report's sections: the alarm in words, its course as figures, the weeks as a table, and notes."""

from collections.abc import Sequence

from tallystick.definitions.durations import DAY_US
from tallystick.monitoring.drift import Drift
from tallystick.monitoring.parts import AlarmStatus, Evidence, Lateness, Span
from tallystick.monitoring.risk import Risk
from tallystick.reporting.figure import Band, Figure, Mark, Series
from tallystick.reporting.report import Block, Facts, Section
from tallystick.reporting.table import Cell, Column, Table
from tallystick.reporting.text import Text, dim, fail, ok, strong, warn
from tallystick.reporting.written import day, share, written

MOST_WEEKS = 26
METRIC = Column("", "number", digits=3)
WEEK = (
    Column("from", "day"),
    Column("decided", "count"),
    Column("declined", "count"),
    Column("bad", "count"),
    Column("rate", "share", digits=2),
    Column("missed", "count"),
    Column("false*", "count"),
    Column("prec.*", "number", digits=3),
    Column("AP*", "number", digits=3),
    Column("", "bar"),
)


def alarm(status: AlarmStatus, total: Risk) -> tuple[Block, ...]:
    """Return whether the alarm stands, and what it rests on.

    Parameters
    ----------
    status : where the alarm stands
    total : the risk of all mature decisions
    """
    boundary = status.reference_rate + status.tolerance
    seen = f"{status.n_bad:,} of {status.n:,} mature decisions ({share(total.bad_rate)})"
    clumps = f", for clumps of up to {status.clump:g} frauds" if status.clump > 1 else ""
    return _verdict(status), Facts.of(
        {
            "bad decisions": f"{seen}: approved, and fraud reported in time",
            "quiet up to": f"{share(boundary)} = reference {share(status.reference_rate)} + tolerance "
            f"{share(status.tolerance)}",
            "evidence": f"e-value {_power(status.log10_e_value)}, highest {_power(status.log10_peak)}, "
            f"alarm at {_power(status.log10_bound)}",
            "false alarms": f"ever, for all looks together: at most {share(status.false_alarms)}{clumps}",
        }
    )


def course(days: Sequence[Evidence], status: AlarmStatus, late: Lateness, pending_days: int) -> Section:
    """Return how bad decisions and the evidence went day by day, with the days that are not mature yet.

    Parameters
    ----------
    days : every mature day
    status : where the alarm stands
    late : how late outcomes are
    pending_days : how many days after the last mature one are still to come
    """
    if not days:
        return Section("Day by day", (Text.of(dim("no day is mature")), _waiting(late, pending_days)))
    first, last = days[0].day, late.mature_until
    at = tuple(range(first, last + pending_days * DAY_US, DAY_US))
    waiting = (None,) * (len(at) - len(days))
    bands = (Band("not mature", last, at[-1] + DAY_US),) if waiting else ()
    boundary = status.reference_rate + status.tolerance
    rates = tuple(each.n_bad / each.n if each.n else None for each in days)
    evidence = tuple(max(0.0, each.log10_e_value) for each in days)
    title = f"Day by day from {day(first)}, mature until {day(last - DAY_US)}"
    return Section(
        title,
        (
            Figure(
                "bad rate",
                f"Share of decisions of each day that approved what was reported; quiet up to {share(boundary)}.",
                Column("day of the decision", "day"),
                Column("bad rate", "share", digits=2),
                at,
                (Series("bad rate", rates + waiting, shape="bar", tone="warn"),),
                (Mark("quiet up to", boundary),),
                bands,
            ),
            Figure(
                "evidence",
                f"Decimal logarithm of the alarm's e-value after each day, now {status.log10_e_value:.1f}; the alarm "
                f"is raised at {status.log10_bound:.1f}, an e-value of {_power(status.log10_bound)}.",
                Column("day of the decision", "day"),
                Column("log10 of the e-value", "number", digits=1),
                at,
                (Series("evidence", evidence + waiting, shape="step", tone="fail"),),
                (Mark("alarm at", status.log10_bound),),
                bands,
            ),
            _waiting(late, pending_days),
        ),
    )


def weeks(spans: Sequence[Span], total: Risk) -> tuple[Block, ...]:
    """Return the risk of each week that had decisions, the latest last.

    Parameters
    ----------
    spans : the weeks
    total : all of them
    """
    listed = [span for span in spans if span.risk.n]
    shown = listed[-MOST_WEEKS:]
    rows = [(span.begin, *_cells(span.risk), span.risk.bad_rate or 0.0) for span in shown]
    table = Table.of(WEEK, rows, total=("all", *_cells(total), None) if shown else None)
    hidden = [
        *([f"only the last {MOST_WEEKS} of {len(listed)} weeks are listed"] if len(listed) > MOST_WEEKS else []),
        *(["weeks without decisions are left out"] if len(listed) < len(spans) else []),
    ]
    return (table, Text.of(dim("; ".join(hidden)))) if hidden else (table,)


def words(total: Risk, currency: str, validated: float | None) -> tuple[Block, ...]:
    """Return what the columns of the weeks mean.

    Parameters
    ----------
    total : the risk of all mature decisions
    currency : unit of the costs
    validated : the average precision that validation measured, or None
    """
    return (
        Text.of(dim(f"missed: cost of bad decisions; false*: of declining what was no fraud; both in {currency}.")),
        Text.of(
            dim(
                "*: a declined payment has no outcome, so its calibrated score stands in for it, unless there is a "
                f"report. AP* compares with {written(validated, METRIC)} in validation; of what was not declined, AP "
                f"is {written(total.average_precision, METRIC)}."
            )
        ),
    )


def drift(found: Drift | None, days: int) -> Text:
    """Return how far scores moved, in a sentence.

    Parameters
    ----------
    found : the comparison, or None where there was nothing to compare
    days : how many days back it looks
    """
    last = f"score drift, last {days} days: "
    if found is None:
        return Text.of(dim(f"{last}no answer, there are no decisions in them or no reference to compare with."))
    word = "moved" if found.is_drifted else "no move that matters"
    return Text.of(
        dim(
            f"{last}{word}; PSI {found.psi:.4f} of {found.n_current:,} scores against {found.n_reference:,}, chance "
            f"reaches {found.critical:.4f}, floor {found.floor:g}; it explains an alarm, it never raises one."
        )
    )


def left_out(late: Lateness) -> Text:
    """Return which decisions and reports the report does not count."""
    return Text.of(
        dim(
            f"left out: {late.n_pending:,} decisions not mature, {late.n_later:,} made later; {late.n_late_reports:,} "
            f"reports too late, {late.n_unknown_reports:,} of events that this bundle did not decide."
        )
    )


def _verdict(status: AlarmStatus) -> Text:
    if status.n == 0:
        return Text.of(warn("NO ANSWER YET"), "  no decision is mature")
    if status.is_alarmed and status.alarmed_day is not None and status.known_at is not None:
        raised = strong(day(status.alarmed_day))
        return Text.of(
            fail("ALARM"), "  bad decisions are more frequent: raised by those of ", raised,
            f", mature on {day(status.known_at)}",
        )  # fmt: skip
    return Text.of(ok("QUIET"), "  no evidence that bad decisions have become more frequent")


def _waiting(late: Lateness, pending_days: int) -> Text:
    if late.median_days is None or late.ninety_percent_days is None:
        reports = "no reports so far"
    else:
        reports = f"half came within {late.median_days:.0f}, 90 % within {late.ninety_percent_days:.0f} days"
    waits = f"reports are waited for {late.maturity_us / DAY_US:g} days"
    return Text.of(dim(f"{pending_days} days are not mature: {waits}; {reports}"))


def _cells(risk: Risk) -> tuple[Cell, ...]:
    return (
        risk.n,
        risk.n_declined,
        risk.n_bad,
        risk.bad_rate,
        risk.missed_cost,
        risk.estimated_false_alarm_cost,
        risk.estimated_precision,
        risk.estimated_average_precision,
    )


def _power(log10: float) -> str:
    if log10 < -2:
        return "below 0.01"
    return f"{10**log10:.3g}" if log10 < 4 else f"1e{log10:.0f}"
