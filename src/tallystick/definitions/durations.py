"""Lengths of time as people write them: 90s, 15m, 1h, 7d, 2w; and 1us, the shortest."""

import re

from tallystick.definitions.diagnostics import shown
from tallystick.errors import DefinitionError

UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
DAY_US = UNITS_US["d"]
LONGEST_US = 36_525 * DAY_US


def microseconds(text: str, *, where: str | None = None) -> int:
    """Return a written length in microseconds.

    Parameters
    ----------
    text : a whole number of at most six digits and a unit: us, ms, s, m, h, d or w
    where : the line of the user's file that the error names; None where there is none

    Raises
    ------
    DefinitionError
        If the text is no whole number followed by a unit, or is longer than a hundred years.

    Examples
    --------
    >>> microseconds("1d")
    86400000000
    >>> microseconds("one day")
    Traceback (most recent call last):
        ...
    tallystick.errors.definitions.DefinitionError: 'one day' is no length of time. Write a whole number and a unit: ...
    """
    # No fractions, months or years: a length must be the same number of microseconds every time.
    match = re.fullmatch(r"([0-9]{1,6})(us|ms|[smhdw])", text) if isinstance(text, str) else None
    if match is None:
        sentence = f"{shown(text)} is no length of time. Write a whole number and a unit: 90s, 15m, 1h, 7d or 2w."
        raise DefinitionError(sentence, where=where)
    length = int(match[1]) * UNITS_US[match[2]]
    if length > LONGEST_US:
        raise DefinitionError(f"{text!r} is longer than a hundred years. Write a shorter length.", where=where)
    return length


def duration_text(length_us: int) -> str:
    """Return the shortest way to write a length, the inverse of ``microseconds``.

    >>> duration_text(microseconds("48h"))
    '2d'
    """
    # Weeks are left out, so that 7d and 1w, which are one length, are written alike.
    for unit in ("d", "h", "m", "s", "ms"):
        if length_us % UNITS_US[unit] == 0:
            return f"{length_us // UNITS_US[unit]}{unit}"
    return f"{length_us}us"
