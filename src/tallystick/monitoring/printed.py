"""A monitoring report for a person at a terminal of 100 columns."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tallystick.definitions.durations import DAY_US
from tallystick.monitoring.report import Report
from tallystick.monitoring.risk import Risk

BLOCKS = " ▁▂▃▄▅▆▇█"
PENDING = "·"
CHART_DAYS = 88
BAR_WIDTH = 12
MOST_WEEKS = 26


def printed(report: Report) -> RenderableType:
    """Return a report as something rich can print: the alarm, the chart of days, the weeks, the drift."""
    return Group(
        _title(report),
        _alarm(report),
        Padding(_chart(report), (1, 0)),
        _weeks(report),
        Padding(_notes(report), (1, 0, 0, 0)),
    )


def blocks(values: Sequence[float | None], top: float) -> str:
    """Return one block for each value, its height the share of ``top``; a space where there is no value.

    A value above zero is never drawn as nothing.

    >>> blocks([0, 0.1, 2, 4, 9, None], top=4)
    ' ▁▄██ '
    """
    return "".join(" " if value is None else _block(value, top) for value in values)


def _block(value: float, top: float) -> str:
    if value <= 0 or top <= 0:
        return BLOCKS[0]
    return BLOCKS[max(1, min(8, round(8 * value / top)))]


def _title(report: Report) -> Text:
    title = Text("Monitoring ", style="bold")
    title.append(f"bundle {report.bundle[:12]}", style="cyan")
    return title.append(f" as of {_instant(report.as_of)} UTC\n", style="default")


def _alarm(report: Report) -> Text:
    alarm = report.alarm
    if alarm.n == 0:
        text = Text("NO ANSWER YET", style="bold yellow").append("  no decision is mature", style="default")
    elif alarm.is_alarmed and alarm.alarmed_day is not None and alarm.known_at is not None:
        text = Text("ALARM", style="bold red")
        text.append("  bad decisions are more frequent: raised by those of ", style="default")
        text.append(_date(alarm.alarmed_day), style="bold")
        text.append(f", mature on {_date(alarm.known_at)}", style="default")
    else:
        text = Text("QUIET", style="bold green")
        text.append("  no evidence that bad decisions have become more frequent", style="default")
    boundary = alarm.reference_rate + alarm.tolerance
    seen = f"{alarm.n_bad:,} of {alarm.n:,} mature decisions ({_percent(report.total.bad_rate)})"
    return text.append(
        f"\n  bad decisions    {seen}: allowed, and fraud reported in time"
        f"\n  quiet up to      {_percent(boundary)} = reference {_percent(alarm.reference_rate)} + tolerance "
        f"{_percent(alarm.tolerance)}"
        f"\n  evidence         e-value {_power(alarm.log10_e_value)}, highest {_power(alarm.log10_peak)}, "
        f"alarm at {_power(alarm.log10_bound)}"
        f"\n  false alarms     ever, for all looks together: at most {_percent(alarm.false_alarms)}"
        + (f", for clumps of up to {alarm.clump:g} frauds" if alarm.clump > 1 else ""),
        style="default",
    )


def _chart(report: Report) -> Text:
    pending = min(report.pending_days, CHART_DAYS // 2)
    days = report.days[-(CHART_DAYS - pending) :]
    rates = [day.n_bad / day.n if day.n else None for day in days]
    boundary = report.alarm.reference_rate + report.alarm.tolerance
    top = max([rate for rate in rates if rate is not None] + [boundary])
    evidence = [max(0.0, day.log10_e_value) for day in days]
    begin = _date(days[0].day) if days else "no mature day"
    late = report.lateness
    text = Text(f"Day by day from {begin}, mature until {_date(late.mature_until - DAY_US)}\n", style="bold")
    text.append("  bad rate ", style="default").append(blocks(rates, top), style="yellow")
    text.append(PENDING * pending + "\n", style="dim")
    text.append("  evidence ", style="default").append(blocks(evidence, report.alarm.log10_bound), style="red")
    text.append(PENDING * pending + "\n", style="dim")
    full = f"bad rate {_percent(top)}, e-value {_power(report.alarm.log10_bound)} (alarm)"
    text.append(f"  a full block is: {full}\n", style="dim")
    return text.append(_late(report), style="dim")


def _late(report: Report) -> str:
    late = report.lateness
    if late.median_days is None or late.ninety_percent_days is None:
        sentence = "no reports so far"
    else:
        sentence = f"half came within {late.median_days:.0f}, 90 % within {late.ninety_percent_days:.0f} days"
    waits = f"reports are waited for {late.maturity_us / DAY_US:g} days"
    return f"  {PENDING} {report.pending_days} days are not mature: {waits}; {sentence}"


def _weeks(report: Report) -> Table:
    heads = ("decided", "stopped", "bad", "rate", "missed", "stops*", "prec.*", "AP*")
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_footer=bool(report.weeks))
    table.add_column("  week", footer="  all", no_wrap=True)
    for head, cell in zip(heads, _cells(report.total), strict=True):
        table.add_column(head, footer=cell, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    top = max([week.risk.bad_rate or 0.0 for week in report.weeks], default=0.0)
    for week in [week for week in report.weeks if week.risk.n][-MOST_WEEKS:]:
        bar = blocks([1.0] * round(BAR_WIDTH * (week.risk.bad_rate or 0.0) / top), 1.0) if top else ""
        span = f"  {_date(week.begin)} to {_date(week.end - DAY_US)[5:]}"
        table.add_row(span, *_cells(week.risk), Text(bar, style="yellow"))
    return table


def _cells(risk: Risk) -> tuple[str, ...]:
    return (
        f"{risk.n:,}",
        f"{risk.n_stopped:,}",
        f"{risk.n_bad:,}",
        _percent(risk.bad_rate),
        f"{risk.missed_cost:,.0f}",
        f"{risk.estimated_false_alarm_cost:,.0f}",
        _number(risk.estimated_precision),
        _number(risk.estimated_average_precision),
    )


def _hidden(report: Report) -> list[str]:
    n_decided = sum(1 for week in report.weeks if week.risk.n)
    earlier = f"only the last {MOST_WEEKS} of {n_decided} weeks are listed; " if n_decided > MOST_WEEKS else ""
    empty = "weeks without decisions are left out" if n_decided < len(report.weeks) else ""
    return [f"{earlier}{empty}".rstrip("; ")] if earlier or empty else []


def _notes(report: Report) -> Text:
    late = report.lateness
    validated = _number(report.reference_average_precision)
    unstopped = _number(report.total.average_precision)
    left_out = f"{late.n_pending:,} decisions not mature, {late.n_later:,} made later"
    lines = [
        *_hidden(report),
        f"missed: cost of bad decisions; stops*: of stopping what was no fraud; both in {report.currency}",
        "*: a stopped payment has no outcome, so its calibrated score stands in for it, unless there is a",
        f"   report. AP* compares with {validated} in validation; of what was not stopped, AP is {unstopped}",
        *_drift(report),
        f"left out: {left_out}; {late.n_late_reports:,} reports too late,",
        f"   {late.n_unknown_reports:,} of events that this bundle did not decide",
    ]
    return Text("\n".join("  " + line for line in lines), style="dim")


def _drift(report: Report) -> tuple[str, str]:
    drift, last = report.drift, f"score drift, last {report.drift_days} days:"
    if drift is None:
        return f"{last} no answer, there are no decisions in them or no", "   reference to compare with"
    word = "moved" if drift.is_drifted else "no move that matters"
    return (
        f"{last} {word}; PSI {drift.psi:.4f} of {drift.n_current:,} scores against {drift.n_reference:,},",
        f"   chance reaches {drift.critical:.4f}, floor {drift.floor:g}; it explains an alarm, it never raises one",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _power(log10: float) -> str:
    if log10 < -2:
        return "below 0.01"
    return f"{10**log10:.3g}" if log10 < 4 else f"1e{log10:.0f}"


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, tz=UTC).strftime("%Y-%m-%d")


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
