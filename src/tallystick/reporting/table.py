"""Tables as data: columns that know how their values are written, and rows of values."""

from collections.abc import Iterable, Sequence
from typing import Literal, Self

import msgspec

from tallystick.reporting.text import Text, Tone

Kind = Literal["text", "count", "number", "share", "day", "instant", "digest", "bar"]
"""How values are written: *text* as it stands, *count* 12,345, *number* with digits, *share* of one in per cent, *day*
and *instant* of microseconds since 1970 in UTC, *digest* by its first characters, *bar* as long as the value is large.
"""

Cell = str | int | float | Text | None
TO_THE_RIGHT: frozenset[Kind] = frozenset({"count", "number", "share"})


class Column(msgspec.Struct, frozen=True):
    """What the values of a column, or along an axis of a figure, are.

    Parameters
    ----------
    name : its head
    kind : how its values are written
    digits : behind the point, of numbers and shares
    unit : such as "EUR"; stands in the head, in brackets
    missing : what is written where there is no value
    is_detail : whether a terminal, which is narrow, leaves it out
    """

    name: str
    kind: Kind = "text"
    digits: int = 0
    unit: str = ""
    missing: str = "-"
    is_detail: bool = False

    @property
    def head(self) -> str:
        """The name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def is_right(self) -> bool:
        """Whether its values are numbers, which are compared by their last digit."""
        return self.kind in TO_THE_RIGHT


class Row(msgspec.Struct, frozen=True):
    """One row: a value for each column, and the tone of all of them."""

    cells: tuple[Cell, ...]
    tone: Tone = "plain"


class Table(msgspec.Struct, frozen=True, tag="table", tag_field="block"):
    """A table.

    Parameters
    ----------
    columns : what stands in each
    rows : their values
    total : the last row, which sums the others up, or None
    n_more : how many rows there are beyond those here
    title : stands above it; where a table is all there is in a section, the section's title is enough

    Examples
    --------
    >>> table = Table.of((Column("code"), Column("rows", "count")), [("V101", 3856), ("V102", 3856)], most=1)
    >>> len(table.rows), table.n_more
    (1, 1)
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Row | None = None
    n_more: int = 0
    title: str = ""

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell] | Row],
        *,
        total: Sequence[Cell] | None = None,
        most: int | None = None,
        title: str = "",
    ) -> Self:
        """Return the table of some rows.

        Parameters
        ----------
        columns : what stands in each
        rows : a value for each column; a `Row` where they have a tone
        total : the row that sums the others up
        most : how many rows to keep, from the first; the others are only counted
        title : stands above it
        """
        made = tuple(row if isinstance(row, Row) else Row(tuple(row)) for row in rows)
        kept = made if most is None else made[:most]
        last = None if total is None else Row(tuple(total))
        return cls(tuple(columns), kept, last, len(made) - len(kept), title)
