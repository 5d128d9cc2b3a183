"""Sentences whose words carry a tone: what is good, what failed, what is only an aside."""

from typing import Literal, Self

import msgspec

Tone = Literal["plain", "strong", "ok", "warn", "fail", "dim", "code"]
"""How a stretch of text is meant. A renderer chooses colour and weight; the words alone must say it too."""


class Span(msgspec.Struct, frozen=True):
    """A stretch of text in one tone."""

    text: str
    tone: Tone = "plain"


class Text(msgspec.Struct, frozen=True, tag="text", tag_field="block"):
    """A paragraph: stretches of text, one behind the other; a renderer breaks the lines.

    Examples
    --------
    >>> Text.of(ok("identical"), ": every bit").plain
    'identical: every bit'
    """

    spans: tuple[Span, ...]

    @classmethod
    def of(cls, *parts: str | Span) -> Self:
        """Return the paragraph of some stretches; a bare text is plain."""
        return cls(tuple(Span(part) if isinstance(part, str) else part for part in parts))

    @property
    def plain(self) -> str:
        """The words without their tones."""
        return "".join(span.text for span in self.spans)


def strong(text: str) -> Span:
    """Return a text that stands out."""
    return Span(text, "strong")


def ok(text: str) -> Span:
    """Return a text that says that something is as it should be."""
    return Span(text, "ok")


def warn(text: str) -> Span:
    """Return a text that asks for attention and is no failure."""
    return Span(text, "warn")


def fail(text: str) -> Span:
    """Return a text that says that something is not as it should be."""
    return Span(text, "fail")


def dim(text: str) -> Span:
    """Return an aside."""
    return Span(text, "dim")


def code(text: str) -> Span:
    """Return a text for machines, such as a digest."""
    return Span(text, "code")
