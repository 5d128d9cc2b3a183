"""A report: titled sections of paragraphs, facts, tables and figures, without a word of how they are drawn."""

from typing import Any

import msgspec

from tallystick.reporting.figure import Figure
from tallystick.reporting.table import Table
from tallystick.reporting.text import Text


class Fact(msgspec.Struct, frozen=True):
    """One thing that is so: its name, and what it is."""

    name: str
    value: Text


class Facts(msgspec.Struct, frozen=True, tag="facts", tag_field="block"):
    """Names and what they are, one below the other.

    Examples
    --------
    >>> Facts.of(seed=7, metric="AUC").facts[1].value.plain
    'AUC'
    """

    facts: tuple[Fact, ...]

    @classmethod
    def of(cls, facts: dict[str, Any] | None = None, /, **more: Any) -> "Facts":
        """Return facts by name; a value that is no `Text` becomes a plain one."""
        return cls(
            tuple(
                Fact(name, value if isinstance(value, Text) else Text.of(str(value)))
                for name, value in ((facts or {}) | more).items()
            )
        )


Block = Text | Facts | Table | Figure


class Section(msgspec.Struct, frozen=True):
    """Blocks that belong together.

    Parameters
    ----------
    title : stands above them, or is empty
    blocks : in the order of reading
    is_detail : whether a terminal leaves it out: a page has room for it
    """

    title: str
    blocks: tuple[Block, ...]
    is_detail: bool = False


class Report(msgspec.Struct, frozen=True):
    """What a stage found, for a reader.

    Parameters
    ----------
    title : what it is about
    sections : in the order of reading; the first needs no title, since the report has one

    Examples
    --------
    >>> Report("Proof", (Section("", (Text.of("No bit differs."),)),)).sections[0].blocks[0].plain
    'No bit differs.'
    """

    title: str
    sections: tuple[Section, ...]
