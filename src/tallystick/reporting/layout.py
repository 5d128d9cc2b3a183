"""A report as lines of text: what a terminal colours and what ``print`` shows."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tallystick.reporting.characters import cells, fitted, visible
from tallystick.reporting.figure import Figure
from tallystick.reporting.folding import Line, fold, plain
from tallystick.reporting.grid import grid
from tallystick.reporting.report import Block, Facts, Report, Section
from tallystick.reporting.sparks import label_width, sparks
from tallystick.reporting.table import Table
from tallystick.reporting.text import Span, Text

WIDTH = 100
INDENT, GAP, MOST_NAME = "  ", 2, 28
Shown = Report | Section | Block | str


def text(shown: Shown, width: int = WIDTH, *, has_details: bool = False) -> str:
    """Return a report, or a part of one, as aligned text.

    Parameters
    ----------
    shown : the report; a bare text is a paragraph
    width : in columns
    has_details : whether with the sections and columns that only a page has room for

    Examples
    --------
    >>> print(text(Report("Proof", (Section("", (Facts.of(rows=400, identical="yes"),)),))))
    Proof
      rows       400
      identical  yes
    """
    return "\n".join(plain(line) for line in lines(shown, width, has_details=has_details))


def lines(shown: Shown, width: int = WIDTH, *, has_details: bool = False) -> Iterator[Line]:
    """Yield the lines of a report or a part of one, each as stretches of text with their tones.

    Parameters
    ----------
    shown : the report; a bare text is a paragraph
    width : in columns
    has_details : whether with the sections and columns that only a page has room for
    """
    match shown:
        case Report():
            yield from _report(shown, width, has_details=has_details)
        case Section():
            yield from _section(shown, width, has_details=has_details)
        case str():
            yield from fold([Span(shown)], width)
        case _:
            yield from _blocks([shown], width, has_details=has_details)


def _report(report: Report, width: int, *, has_details: bool) -> Iterator[Line]:
    if report.title:
        yield from fold([Span(report.title, "strong")], width)
    shown = [section for section in report.sections if has_details or not section.is_detail]
    for place, section in enumerate(shown):
        if place or (section.title and report.title):
            yield ()
        yield from _section(section, width, has_details=has_details)


def _section(section: Section, width: int, *, has_details: bool) -> Iterator[Line]:
    if section.title:
        yield from fold([Span(section.title, "strong")], width)
    yield from _blocks(section.blocks, width, has_details=has_details)


def _blocks(blocks: Sequence[Block], width: int, *, has_details: bool) -> Iterator[Line]:
    labels = max((label_width(block) for block in blocks if isinstance(block, Figure)), default=0)
    for block in blocks:
        match block:
            case Text():
                yield from fold(block.spans, width)
            case Facts():
                yield from _facts(block, width)
            case Table():
                yield from fold([Span(block.title, "strong")], width) if block.title else ()
                yield from grid(block, width, has_details=has_details)
            case Figure():
                yield from sparks(block, width, labels)


def _facts(facts: Facts, width: int) -> Iterator[Line]:
    """Yield a line for each fact; what is too long for it goes on below its beginning."""
    names = min(MOST_NAME, max((cells(visible(fact.name)) for fact in facts.facts), default=0))
    room = max(width - len(INDENT) - names - GAP, 16)
    for fact in facts.facts:
        for head, line in zip_longest(fold([Span(fact.name)], names), fold(fact.value.spans, room), fillvalue=()):
            yield (Span(INDENT + fitted(plain(head), names) + " " * GAP), *line)
