"""Paragraphs broken into lines of a width: words kept whole, each in its tone."""

import re
from collections.abc import Iterator, Sequence

from tallystick.reporting.characters import cells, visible
from tallystick.reporting.text import Span

Line = tuple[Span, ...]
_WORD_OR_SPACE = re.compile(r"\s+|\S+")


def fold(spans: Sequence[Span], width: int) -> list[Line]:
    """Return a paragraph as lines no wider than a width, at least one.

    Lines are broken between words; a word that is wider than a line is cut. Spaces at a break fall away.

    Parameters
    ----------
    spans : the paragraph; a line feed begins a new line
    width : in columns of a terminal

    Examples
    --------
    >>> [plain(line) for line in fold([Span("a sentence of six short words")], 12)]
    ['a sentence', 'of six short', 'words']
    """
    return [line for paragraph in _paragraphs(spans) for line in _broken(paragraph, max(width, 1))]


def length(line: Sequence[Span]) -> int:
    """Return how many columns a line takes."""
    return sum(cells(span.text) for span in line)


def plain(line: Sequence[Span]) -> str:
    """Return a line without its tones."""
    return "".join(span.text for span in line)


def _paragraphs(spans: Sequence[Span]) -> list[list[Span]]:
    """Return what stands between line feeds, with control characters spelled out."""
    paragraphs: list[list[Span]] = [[]]
    for span in spans:
        first, *others = visible(span.text).split("\n")
        paragraphs[-1].append(Span(first, span.tone))
        paragraphs += [[Span(other, span.tone)] for other in others]
    return paragraphs


def _broken(paragraph: list[Span], width: int) -> list[Line]:
    lines: list[list[Span]] = [[]]
    for word in _words(paragraph):
        for piece in _cut(word, width):
            if length(lines[-1]) + length(piece) > width:
                lines.append([])
                if plain(piece).isspace():
                    continue
            lines[-1] += piece
    return [_tidy(line) for line in lines]


def _words(paragraph: list[Span]) -> Iterator[list[Span]]:
    """Yield words, and the spaces between them; a word has several spans where the tone changes within it."""
    word: list[Span] = []
    for span in paragraph:
        for part in _WORD_OR_SPACE.findall(span.text):
            if word and (part.isspace() or word[-1].text.isspace()):
                yield word
                word = []
            word.append(Span(part, span.tone))
    if word:
        yield word


def _cut(word: list[Span], width: int) -> Iterator[list[Span]]:
    """Yield a word, in pieces where it is wider than a line."""
    if length(word) <= width:
        yield word
        return
    piece: list[Span] = []
    for span in word:
        for character in span.text:
            if length(piece) + cells(character) > width:
                yield piece
                piece = []
            piece.append(Span(character, span.tone))
    yield piece


def _tidy(line: list[Span]) -> Line:
    """Join neighbours of one tone, and drop the spaces at the end."""
    joined: list[Span] = []
    for span in line:
        if joined and joined[-1].tone == span.tone:
            joined[-1] = Span(joined[-1].text + span.text, span.tone)
        elif span.text:
            joined.append(span)
    while joined and not joined[-1].text.strip():
        joined.pop()
    if joined:
        joined[-1] = Span(joined[-1].text.rstrip(), joined[-1].tone)
    return tuple(joined)
