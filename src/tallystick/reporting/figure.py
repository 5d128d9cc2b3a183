"""Figures as data: series over a shared axis, drawn in whatever way a renderer can."""

from collections.abc import Sequence
from math import inf
from typing import Literal

import msgspec

from tallystick.reporting.table import Cell, Column, Row, Table
from tallystick.reporting.text import Tone

Shape = Literal["line", "step", "bar", "points"]


class Series(msgspec.Struct, frozen=True):
    """Values over the figure's axis.

    Parameters
    ----------
    label : what they are
    y : one value for each place of the axis; None where there is none
    low, high : the interval of each value, or nothing
    shape : how they are drawn; a *step* holds until the next place
    tone : what they mean
    """

    label: str
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    shape: Shape = "line"
    tone: Tone = "plain"


class Mark(msgspec.Struct, frozen=True):
    """A level across the whole figure, such as the one at which an alarm is raised."""

    label: str
    y: float
    tone: Tone = "dim"


class Band(msgspec.Struct, frozen=True):
    """A stretch of the axis of which there is something to say, such as days that are not mature."""

    label: str
    begin: float
    end: float


class Figure(msgspec.Struct, frozen=True, tag="figure", tag_field="block"):
    """A figure.

    Parameters
    ----------
    title : what it shows
    description : the same in a sentence or two, with its numbers, for whoever cannot see it
    x, y : what is measured along the axes; y begins at 0
    at : the places on the axis, rising; names instead of numbers for bars, and for a histogram's bars the edges of its
        bins, one more than there are values
    series : what is drawn
    marks : levels
    bands : stretches of the axis
    """

    title: str
    description: str
    x: Column
    y: Column
    at: tuple[float | str, ...]
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    bands: tuple[Band, ...] = ()

    @property
    def top(self) -> float:
        """The largest value that is drawn, marks and intervals included; 1 where nothing is above 0."""
        drawn = [mark.y for mark in self.marks]
        for series in self.series:
            drawn += [value for value in (*series.y, *series.high) if value is not None]
        return max([value for value in drawn if 0 < value < inf], default=1.0)

    @property
    def is_named(self) -> bool:
        """Whether the places on the axis are names."""
        return any(isinstance(place, str) for place in self.at)

    def to_table(self) -> Table:
        """Return the same values as a table, which anybody can read or copy."""
        columns: list[Column] = [self.x]
        values: list[Sequence[Cell]] = [self.at[: self._n]]
        for series in self.series:
            columns.append(msgspec.structs.replace(self.y, name=series.label))
            values.append(series.y)
            for name, bound in (("from", series.low), ("to", series.high)):
                if bound:
                    columns.append(msgspec.structs.replace(self.y, name=name))
                    values.append(bound)
        return Table(tuple(columns), tuple(Row(cells) for cells in zip(*values, strict=True)))

    @property
    def _n(self) -> int:
        return max((len(series.y) for series in self.series), default=0)
