"""Figures as data: drawn in characters, as SVG, or read as a table, always from the same values."""

import re

import msgspec
import pytest

from tallystick.reporting.figure import Figure, Series
from tallystick.reporting.layout import text
from tallystick.reporting.report import Report
from tallystick.reporting.svg import drawing


def figure(report: Report, title: str) -> Figure:
    """Return the figure of a report that has this title."""
    blocks = [block for section in report.sections for block in section.blocks]
    return next(block for block in blocks if isinstance(block, Figure) and block.title == title)


def test_a_terminal_draws_a_block_for_each_day(everything: Report) -> None:
    """The heights are shares of the top; a value above zero is never nothing, and what is not mature is dots."""
    shown = text(figure(everything, "bad rate")).splitlines()

    assert shown[0] == "  rate   ▂ ▃▆▅▂···"
    assert shown[3].strip() == "a full block: rate 5.0 %; alarm at 5.0 %"


def test_a_long_series_keeps_its_peaks(everything: Report) -> None:
    """Where there are more days than columns, each block is the largest of its days."""
    days = figure(everything, "bad rate")
    values = tuple(1.0 if day == 333 else 0.01 for day in range(1_000))
    long = msgspec.structs.replace(
        days, at=tuple(map(float, range(1_000))), series=(Series("rate", values),), marks=(), bands=()
    )

    (row, *_) = text(long, width=60).splitlines()

    assert len(row) <= 60
    assert row.count("█") == 1


def test_a_terminal_draws_intervals(everything: Report) -> None:
    """Each point is a dot in its interval, with a stroke for what it is held against."""
    shown = text(figure(everything, "reliability")).splitlines()

    assert [line.count("●") for line in shown] == [1, 1, 1, 1]
    assert shown[1].index("─") < shown[1].index("●") < shown[1].index("│")
    assert shown[3].strip() == "● flagged with its interval, │ predicted; from 0 to 1.00"


def test_a_terminal_draws_named_bars(everything: Report) -> None:
    """A bar stands beside its name, and a value that is missing says so."""
    shown = text(figure(everything, "actions"), width=60).splitlines()

    assert shown[0].endswith("█ 90 %")
    assert shown[2].split() == ["decline", "-"]


def test_a_drawing_is_as_high_as_its_values(everything: Report) -> None:
    """The bars of a histogram lie between their edges and are as high as their counts."""
    bars = re.findall(
        r'<rect class="s-fill[^"]*" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"',
        drawing(figure(everything, "scores")),
    )
    (x, wide, high), second, third = [tuple(map(float, bar)) for bar in bars]

    assert x < second[0] < third[0]
    assert (second[1] / wide, third[1] / wide) == pytest.approx((1.5, 2.5), rel=0.01)
    assert (second[2] / high, third[2] / high) == pytest.approx((0.6, 0.2), rel=0.01)


def test_a_line_is_broken_where_there_is_no_value(everything: Report) -> None:
    """A missing value is a gap, and never a line drawn across it or down to zero."""
    (step, line) = re.findall(r'class="s-line t-plain" d="([^"]*)"', drawing(figure(everything, "bad rate")))

    assert line.count("M") == 2
    assert line.count("L") == 3
    assert step.count("M") == 1


def test_a_drawing_shows_the_level_of_an_alarm_and_what_is_not_mature(everything: Report) -> None:
    """Marks and bands are drawn and named."""
    drawn = drawing(figure(everything, "bad rate"))

    assert 'class="mark t-fail"' in drawn
    assert "alarm at 5.0 %" in drawn
    assert drawn.count('class="band"') == 1


def test_the_values_of_a_figure_are_a_table(everything: Report) -> None:
    """Each place of the axis is a row; intervals have columns of their own."""
    table = figure(everything, "reliability").to_table()

    assert [column.name for column in table.columns] == ["predicted", "predicted", "flagged", "from", "to"]
    assert table.rows[1].cells == (0.5, 0.5, 0.4, 0.3, 0.6)
    assert len(figure(everything, "scores").to_table().rows) == 3


@pytest.mark.parametrize("values", [(), (0.0,), (None, None), (7.0,), (1e-12, 2e-12), (3e9, 1.0)])
def test_any_values_can_be_drawn(everything: Report, values: tuple[float | None, ...]) -> None:
    """Nothing at all, only zeros, one value, tiny and huge ones: every renderer draws something."""
    of = msgspec.structs.replace(
        figure(everything, "scores"),
        at=tuple(map(float, range(len(values)))),
        series=(Series("a", values, shape="step"),),
    )

    assert text(of)
    assert drawing(of).startswith("<svg")
    assert len(of.to_table().rows) == len(values)
