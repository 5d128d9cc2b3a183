"""Tables as lines of text: columns aligned without boxes, long texts folded within their column."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tallystick.reporting.characters import bar, visible
from tallystick.reporting.folding import Line, fold, length
from tallystick.reporting.table import Cell, Column, Row, Table
from tallystick.reporting.text import Span, Text
from tallystick.reporting.written import written

GAP = 2
BAR_WIDTH, NARROWEST_BAR, NARROWEST_TEXT, LONGEST_WORD = 12, 4, 8, 24


def grid(table: Table, width: int, *, has_details: bool) -> Iterator[Line]:
    """Yield a table's lines: heads, rows, total, and how many rows there are more.

    Parameters
    ----------
    table : the table
    width : in columns of a terminal; texts are folded to keep it, numbers never
    has_details : whether with the columns that only a page has room for
    """
    chosen = [place for place, column in enumerate(table.columns) if has_details or not column.is_detail]
    columns = [table.columns[place] for place in chosen]
    rows = [_spans(row, chosen, columns) for row in table.rows]
    total = None if table.total is None else _spans(Row(table.total.cells, "strong"), chosen, columns)
    heads = [[Span(column.head, "dim")] for column in columns]
    widths = _widths(columns, [heads, *rows, *([total] if total else [])], width)
    _fill_bars(table, rows, chosen, widths)
    for line in (heads, *rows, *([total] if total else [])):
        yield from _line(line, columns, widths)
    if table.n_more:
        yield (Span(f"and {table.n_more:,} more", "dim"),)


def _spans(row: Row, chosen: Sequence[int], columns: Sequence[Column]) -> list[list[Span]]:
    return [_cell(row.cells[place], column, row) for place, column in zip(chosen, columns, strict=True)]


def _cell(value: Cell, column: Column, row: Row) -> list[Span]:
    if isinstance(value, Text):
        return [Span(visible(span.text), span.tone) for span in value.spans]
    return [Span("" if column.kind == "bar" else visible(written(value, column)), row.tone)]


def _widths(columns: Sequence[Column], lines: Sequence[list[list[Span]]], width: int) -> list[int]:
    """Return how wide each column is: as wide as its widest cell; texts give way where that is too much.

    The widest text gives way first, down to its longest word; bars take what is left, and go where it is nothing.
    """
    cells = list(zip(*lines, strict=True))
    natural = [max(map(length, cell)) for cell in cells]
    widths = [0 if c.kind == "bar" else min(n, width) for c, n in zip(columns, natural, strict=True)]
    left = width - sum(widths) - GAP * (sum(1 for each in widths if each) - 1)
    for longest in (LONGEST_WORD, 0):  # words are cut only where whole ones leave no room
        least = [_least(column, cell, longest) for column, cell in zip(columns, cells, strict=True)]
        givers = [place for place, each in enumerate(widths) if each > least[place]]
        while left < 0 and givers:
            widths[max(givers, key=lambda place: widths[place])] -= 1
            left += 1
            givers = [place for place in givers if widths[place] > least[place]]
    bars = [place for place, column in enumerate(columns) if column.kind == "bar"]
    for place in bars:
        room = left // len(bars) - GAP
        widths[place] = min(BAR_WIDTH, room) if room >= NARROWEST_BAR else 0
    return widths


def _least(column: Column, cells: Sequence[list[Span]], longest_kept: int) -> int:
    """Return how narrow a column may become, words up to a length kept whole."""
    natural = max(map(length, cells))
    if column.kind != "text":
        return natural
    longest = max((length([Span(word)]) for cell in cells for span in cell for word in span.text.split()), default=0)
    return min(natural, max(NARROWEST_TEXT, min(longest, longest_kept)))


def _fill_bars(table: Table, rows: list[list[list[Span]]], chosen: Sequence[int], widths: Sequence[int]) -> None:
    for place, source in enumerate(chosen):
        if table.columns[source].kind == "bar":
            values = [row.cells[source] for row in table.rows]
            numbers = [value if isinstance(value, int | float) else None for value in values]
            top = max((value for value in numbers if value is not None), default=0.0)
            for row, value in zip(rows, numbers, strict=True):
                row[place] = [Span(bar(value, top, widths[place]) if widths[place] else "", "warn")]


def _line(cells: Sequence[list[Span]], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[Line]:
    """Yield a row, which has as many lines as its longest cell was folded into."""
    shown = [place for place, width in enumerate(widths) if width]
    folded = [fold(cells[place], widths[place]) for place in shown]
    for parts in zip_longest(*folded, fillvalue=()):
        line: list[Span] = []
        for place, part in zip(shown, parts, strict=True):
            padding = Span(" " * (widths[place] - length(part)))
            line += [padding, *part] if columns[place].is_right else [*part, padding]
            line.append(Span(" " * GAP))
        yield _without_end(line)


def _without_end(line: list[Span]) -> Line:
    while line and not line[-1].text.strip():
        line.pop()
    return tuple(line)
