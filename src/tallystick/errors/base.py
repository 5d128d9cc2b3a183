"""The base of every error, and the hint that many of them give."""

from collections.abc import Iterable
from difflib import get_close_matches


class TallystickError(Exception):
    """Base of every error raised on purpose: a sentence for a person, never a stack trace."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the sentence that names the nearest known word, or nothing.

    Parameters
    ----------
    word : what was written
    known : what could have been meant

    Examples
    --------
    >>> did_you_mean("amout", ["amount", "paid_at"])
    "Did you mean 'amount'?"
    """
    close = get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
