"""Figures as lines of text: a row of blocks for each series, or a row with an interval for each point."""

from collections.abc import Iterator, Sequence

from tallystick.reporting.characters import DOT, PENDING, STROKE, UPRIGHT, bar, block, bucketed, cells, fitted, visible
from tallystick.reporting.figure import Figure, Series
from tallystick.reporting.folding import Line, fold
from tallystick.reporting.text import Span
from tallystick.reporting.written import written

INDENT, GAP, MOST_LABEL = "  ", 2, 28
MOST_INTERVAL = 60


def label_width(figure: Figure) -> int:
    """Return how wide the labels before a figure's rows are."""
    return min(MOST_LABEL, max((cells(label) for label in _labels(figure)), default=0))


def sparks(figure: Figure, width: int, labels: int) -> Iterator[Line]:
    """Yield a figure's lines, and what a full block stands for.

    Parameters
    ----------
    figure : the figure
    width : in columns of a terminal
    labels : how wide the labels before it are, which neighbours share
    """
    room = max(8, width - len(INDENT) - labels - GAP)
    if any(series.low for series in figure.series):
        yield from _intervals(figure, room, labels)
    elif figure.is_named:
        yield from _bars(figure, room, labels)
    else:
        yield from _blocks(figure, room, labels)


def _labels(figure: Figure) -> list[str]:
    if any(series.low for series in figure.series):
        return [visible(f"{figure.x.head} {written(place, figure.x)}") for place in figure.at]
    return [visible(written(place, figure.x)) for place in figure.at] if figure.is_named else _names(figure)


def _names(figure: Figure) -> list[str]:
    return [visible(series.label) for series in figure.series] if len(figure.series) > 1 else [visible(figure.title)]


def _blocks(figure: Figure, room: int, labels: int) -> Iterator[Line]:
    top = figure.top
    for label, series in zip(_names(figure), figure.series, strict=True):
        values, pending = _within(figure, series)
        shown = bucketed(values, max(1, room - min(pending, room // 2)))
        drawn = Span("".join(block(value, top) for value in shown), series.tone)
        waiting = Span(PENDING * min(pending, room // 2), "dim")
        yield (Span(INDENT + fitted(label, labels) + " " * GAP), drawn, waiting)
    marks = "".join(f"; {mark.label} {written(mark.y, figure.y)}" for mark in figure.marks)
    scale = f"a full block: {figure.y.head} {written(top, figure.y)}{marks}"
    for line in fold([Span(scale, "dim")], room):
        yield (Span(INDENT + " " * (labels + GAP)), *line)


def _within(figure: Figure, series: Series) -> tuple[Sequence[float | None], int]:
    """Return the values up to the band at the end, of which nothing is known yet, and how many places it has."""
    begins = [band.begin for band in figure.bands]
    values, n = series.y, len(series.y)
    while n and values[n - 1] is None and any(_number(figure.at[n - 1]) >= begin for begin in begins):
        n -= 1
    return values[:n], len(values) - n


def _bars(figure: Figure, room: int, labels: int) -> Iterator[Line]:
    for place, name in enumerate(figure.at):
        for series in figure.series:
            value = series.y[place]
            shown = written(value, figure.y)
            drawn = bar(value, figure.top, max(4, room - cells(shown) - 1))
            label = Span(INDENT + fitted(visible(written(name, figure.x)), labels) + " " * GAP)
            yield (label, Span(drawn, series.tone), Span(f" {shown}" if drawn else shown))


def _intervals(figure: Figure, room: int, labels: int) -> Iterator[Line]:
    """Yield a line for each place: the interval, the value in it, and what it is held against."""
    points = next(series for series in figure.series if series.low)
    others = [series for series in figure.series if series is not points]
    room = min(room, MOST_INTERVAL)
    for place, label in enumerate(_labels(figure)):
        row = [" "] * room
        low, high = points.low[place], points.high[place] if points.high else points.low[place]
        if low is not None and high is not None:
            begin, end = _at(low, figure, room), _at(high, figure, room)
            row[begin : end + 1] = STROKE * (end + 1 - begin)
        for series in others:
            _put(row, series.y[place], UPRIGHT, figure)
        _put(row, points.y[place], DOT, figure)
        drawn = Span("".join(row).rstrip(), points.tone)
        yield (Span(INDENT + fitted(label, labels) + " " * GAP), drawn)
    against = "".join(f", {UPRIGHT} {series.label}" for series in others)
    scale = f"{DOT} {points.label} with its interval{against}; from 0 to {written(figure.top, figure.y)}"
    for line in fold([Span(scale, "dim")], room):
        yield (Span(INDENT + " " * (labels + GAP)), *line)


def _put(row: list[str], value: float | None, character: str, figure: Figure) -> None:
    if value is not None:
        row[_at(value, figure, len(row))] = character


def _at(value: float, figure: Figure, room: int) -> int:
    return max(0, min(room - 1, round((room - 1) * value / figure.top)))


def _number(place: float | str) -> float:
    return place if isinstance(place, int | float) else float("nan")
