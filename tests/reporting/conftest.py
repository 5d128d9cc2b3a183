"""A report with every kind of block in it, and texts that wish to be markup."""

import pytest

from tallystick.definitions.durations import DAY_US
from tallystick.reporting.figure import Band, Figure, Mark, Series
from tallystick.reporting.report import Facts, Report, Section
from tallystick.reporting.table import Column, Row, Table
from tallystick.reporting.text import Text, code, dim, fail, ok, strong, warn

HOSTILE = "<script>alert('x')</script> & \"[bold]\" \x1b[2J"
FIRST = 1_767_225_600_000_000


@pytest.fixture
def everything() -> Report:
    """Return a report with paragraphs, facts, tables and figures of each shape."""
    sentence = Text.of(strong("strong"), " ", ok("ok"), " ", warn("warn"), " ", fail("fail"), " ", dim(HOSTILE))
    facts = Facts.of({"digest": Text.of(code("ab" * 32)), HOSTILE: 7})
    return Report(
        f"All of it {HOSTILE}",
        (
            Section("", (sentence, facts)),
            Section("A table", (table(),)),
            Section("Figures", (days(), intervals(), named(), histogram())),
            Section("Details", (Text.of("only on a page"),), is_detail=True),
        ),
    )


def table() -> Table:
    """Return a table with a column of each kind, a total, and more rows than are kept."""
    columns = (
        Column("name"),
        Column("rows", "count"),
        Column("AUC", "number", digits=3, missing="unknown"),
        Column("rate", "share", digits=2),
        Column("cost", "number", digits=2, unit="EUR"),
        Column("day", "day"),
        Column("at", "instant"),
        Column("bundle", "digest"),
        Column("long", is_detail=True),
        Column("", "bar"),
    )
    rows: list[Row] = [
        Row(("first", 12_345, 0.75, 0.0064, 3.5, FIRST, FIRST, "cd" * 32, "aside", 2.0)),
        Row((HOSTILE, 9, None, None, 1200.0, FIRST, FIRST, "ef" * 32, HOSTILE, 1.0), "fail"),
        Row(("third", 1, 0.5, 0.5, 0.0, FIRST, FIRST, "01" * 32, "", 0.0)),
    ]
    total = ("all", 12_355, None, 0.1, 1203.5, None, None, None, None, None)
    return Table.of(columns, rows, total=total, most=2, title="Kinds of columns")


def days() -> Figure:
    """Return a figure of ten days, of which the last three are not known yet."""
    at = tuple(FIRST + day * DAY_US for day in range(10))
    return Figure(
        "bad rate",
        f"Share of bad decisions by day {HOSTILE}.",
        Column("day", "day"),
        Column("rate", "share", digits=1),
        at,
        (
            Series("rate", (0.0, 0.01, None, 0.02, 0.04, 0.03, 0.01, None, None, None), shape="bar", tone="warn"),
            Series("mean", (0.01, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02, None, None, None), shape="step"),
            Series("line", (None, 0.01, 0.02, None, 0.02, 0.02, 0.02, None, None, None)),
        ),
        (Mark("alarm at", 0.05, "fail"),),
        (Band(f"not mature {HOSTILE}", at[7], at[9] + DAY_US),),
    )


def intervals() -> Figure:
    """Return a figure of points with intervals against a line."""
    return Figure(
        "reliability", "Flagged against predicted.", Column("predicted", "number", digits=2),
        Column("rate", "number", digits=2), (0.1, 0.5, 1.0),
        (
            Series("predicted", (0.1, 0.5, 1.0), tone="dim"),
            Series("flagged", (0.2, 0.4, 0.9), (0.1, 0.3, 0.6), (0.4, 0.6, 1.0), "points", "ok"),
        ),
    )  # fmt: skip


def named() -> Figure:
    """Return a figure of bars with names."""
    series = (Series("share", (0.9, 0.06, None), shape="bar"),)
    names = ("approve", HOSTILE, "decline")
    return Figure("actions", "How often each.", Column("action"), Column("share", "share"), names, series)


def histogram() -> Figure:
    """Return a figure of counts between edges."""
    series = (Series("scores", (5.0, 3.0, 1.0), shape="bar"),)
    count = Column("count", "count")
    return Figure("scores", "Counts.", Column("score", "number", digits=1), count, (0.0, 0.2, 0.5, 1.0), series)
