"""The characters that figures are drawn with in a terminal, and what stands in for each where it cannot be shown."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from tallystick.reporting.stand_ins import DRAWINGS, stand_in

BLOCKS = " ▁▂▃▄▅▆▇█"
FULL, PENDING, DOT, STROKE, UPRIGHT, ELLIPSIS = "█", "·", "●", "─", "│", "…"


def block(value: float | None, top: float) -> str:
    """Return one block, its height the share of ``top``; a space where there is no value.

    A value above zero is never drawn as nothing.

    Parameters
    ----------
    value : what is drawn, or None
    top : the value of a full block

    Examples
    --------
    >>> "".join(block(value, 4) for value in (0, 0.1, 2, 4, 9, None))
    ' ▁▄██ '
    """
    if value is None or value <= 0 or top <= 0:
        return BLOCKS[0]
    return BLOCKS[max(1, min(8, round(8 * value / top)))]


def bar(value: float | None, top: float, width: int) -> str:
    """Return a bar, as much of a width as the value is of ``top``; a value above zero is never drawn as nothing.

    Parameters
    ----------
    value : what is drawn, or None
    top : the value of a full bar
    width : how many characters a full bar has

    Examples
    --------
    >>> bar(1, 4, width=12), bar(0.001, 4, width=12)
    ('███', '█')
    """
    if value is None or value <= 0 or top <= 0:
        return ""
    return FULL * max(1, min(width, round(width * value / top)))


def bucketed(values: Sequence[float | None], most: int) -> list[float | None]:
    """Return at most so many values: the largest of each stretch of neighbours, so that no peak is lost.

    Parameters
    ----------
    values : in their order; None where there is none
    most : how many may be left

    Examples
    --------
    >>> bucketed([1, 2, None, 7, 3, None], most=3)
    [2, 7, 3]
    """
    if len(values) <= most:
        return list(values)
    ends = [len(values) * place // most for place in range(most + 1)]
    stretches = (values[begin:end] for begin, end in pairwise(ends))
    return [max((value for value in stretch if value is not None), default=None) for stretch in stretches]


def for_encoding(text: str, encoding: str) -> str:
    r"""Return a text that an output can encode: with stand-ins for what it does not have.

    Parameters
    ----------
    text : any
    encoding : the output's, such as "utf-8" or "ascii"

    Examples
    --------
    >>> for_encoding("▁█ 3 €", "ascii")
    '.# 3 EUR'
    """
    if _can_encode(text + "".join(DRAWINGS), encoding):
        return text
    # All drawings or none: one bar in plain characters beside one in blocks could not be compared.
    drawn = "" if _can_encode("".join(DRAWINGS), encoding) else DRAWINGS
    return "".join(stand_in(c) if c in drawn or not _can_encode(c, encoding) else c for c in text)


def visible(text: str) -> str:
    r"""Return a text whose control characters are spelled out, so that no record's text can steer a terminal.

    >>> visible("P1\x1b[2J")
    'P1\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def fitted(label: str, width: int) -> str:
    """Return a label in exactly so many columns: cut, or with spaces behind it.

    Parameters
    ----------
    label : any
    width : in columns of a terminal

    Examples
    --------
    >>> fitted("bad rate", 10), fitted("bad rate", 5)
    ('bad rate  ', 'bad …')
    """
    if cells(label) > width:
        while label and cells(label) >= width:
            label = label[:-1]
        label += ELLIPSIS
    return label + " " * (width - cells(label))


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    >>> cells("ab"), cells("日本")
    (2, 4)
    """
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
