"""A report as HTML: a page that stands alone, or a part of a notebook's; no script, nothing to fetch."""

from collections.abc import Iterator, Sequence

from tallystick.reporting import style
from tallystick.reporting.figure import Figure
from tallystick.reporting.markup import Markup, element, joined
from tallystick.reporting.report import Block, Facts, Report, Section
from tallystick.reporting.svg import drawing
from tallystick.reporting.table import Cell, Column, Row, Table
from tallystick.reporting.text import Text
from tallystick.reporting.written import written

BAR_EM = 8


def page(report: Report) -> str:
    """Return a report as the text of an HTML file.

    It is read on light and dark screens and on paper, and by ear: tables have heads, figures are described and their
    values stand below them as tables.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", report.title),
        Markup(f"<style>{style.STYLE}{style.PAGE}</style>"),
    )
    body = element("body", element("main", *_content(report), class_="tally page"))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def fragment(report: Report) -> str:
    """Return a report as a part of a notebook's page, in the notebook's own theme."""
    looks = Markup(f"<style>{style.STYLE}{style.NOTEBOOK}</style>")
    return element("div", looks, *_content(report), class_="tally cell")


def _content(report: Report) -> Iterator[Markup]:
    if report.title:
        yield element("h1", report.title)
    for section in report.sections:
        yield Markup(element("section", *_section(section, report.title)) + "\n")


def _section(section: Section, title: str) -> Iterator[Markup]:
    if section.title:
        yield element("h2", section.title)
    for block in section.blocks:
        yield _block(block, section.title or title)


def _block(block: Block, about: str) -> Markup:
    match block:
        case Text():
            return element("p", _spans(block))
        case Facts():
            pairs = ((element("dt", fact.name), element("dd", _spans(fact.value))) for fact in block.facts)
            return element("dl", *(part for pair in pairs for part in pair))
        case Table():
            return _table(block, about)
        case Figure():
            return _figure(block)


def _spans(text: Text) -> Markup:
    parts = [_toned(span.text, span.tone) for span in text.spans]
    return joined(*parts)


def _toned(text: str, tone: str) -> Markup:
    broken = [part for line in text.split("\n") for part in (element("br"), joined(line))][1:]
    if tone == "plain":
        return joined(*broken)
    return element("code", *broken) if tone == "code" else element("span", *broken, class_=tone)


def _table(table: Table, about: str) -> Markup:
    tops = _tops(table)
    parts = [element("caption", table.title)] if table.title else []
    parts.append(element("thead", element("tr", *map(_head, table.columns))))
    parts.append(element("tbody", *(_row(row, table.columns, tops) for row in table.rows)))
    if table.total is not None:
        parts.append(element("tfoot", _row(table.total, table.columns, [0.0] * len(table.columns))))
    made = element("table", *parts, aria_label=None if table.title else about or None)
    more = element("p", f"and {table.n_more:,} more", class_="dim") if table.n_more else Markup()
    return element("div", made, more, class_="wide")


def _tops(table: Table) -> list[float]:
    """Return the largest value of each column, which the bars of it are held against."""
    columns = zip(*(row.cells for row in table.rows), strict=True) if table.rows else [()] * len(table.columns)
    return [max([cell for cell in cells if isinstance(cell, int | float)], default=0.0) for cells in columns]


def _head(column: Column) -> Markup:
    if not column.head:
        return element("td")
    return element("th", column.head, scope="col", class_="n" if column.is_right else None)


def _row(row: Row, columns: Sequence[Column], tops: Sequence[float]) -> Markup:
    cells = [
        _cell(value, column, top, is_first=not place)
        for place, (value, column, top) in enumerate(zip(row.cells, columns, tops, strict=True))
    ]
    return element("tr", *cells, class_=None if row.tone == "plain" else row.tone)


def _cell(value: Cell, column: Column, top: float, *, is_first: bool) -> Markup:
    """Return a cell; the first of a row is the row's head."""
    look = "n" if column.is_right else "k" if column.kind in {"digest", "day", "instant"} else None
    content = _value(value, column, top)
    return element("th", content, scope="row", class_=look) if is_first else element("td", content, class_=look)


def _value(value: Cell, column: Column, top: float) -> Markup:
    if isinstance(value, Text):
        return _spans(value)
    shown = written(value, column)
    if column.kind == "digest" and isinstance(value, str):
        return element("code", shown, title=value)
    if column.kind == "bar":
        long = BAR_EM * value / top if isinstance(value, int | float) and top > 0 else 0.0
        return element("span", class_="bar", style=f"width:{long:.2f}em") if long > 0 else Markup()
    return joined(shown)


def _figure(figure: Figure) -> Markup:
    keys = [
        part
        for series in (figure.series if len(figure.series) > 1 else ())
        for part in (element("span", class_=f"key f-{series.tone}"), joined(series.label))
    ]
    caption = element("figcaption", figure.title, element("p", figure.description), element("p", *keys) if keys else "")
    values = element("details", element("summary", "The values"), _table(figure.to_table(), figure.title))
    return element("figure", caption, drawing(figure), values)
