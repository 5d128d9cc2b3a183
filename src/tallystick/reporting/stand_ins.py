r"""What stands for a character that an output's encoding does not have: the one place for terminal, errors and figures.

Letters lose their accents, a bar of a chart becomes a mark of about its height, and what is left is written as Python
writes it (``\u4e2d``).
"""

import unicodedata

DRAWINGS = dict(zip("▁▂▃▄▅▆▇█·●…─━│", ".:-=+xX#~o.--|", strict=True))
"""Characters of figures and tables, each with one of the same width."""

STAND_INS = DRAWINGS | {
    "→": "->", "≤": "<=", "≥": ">=", "€": "EUR", "ß": "ss", "\N{EN DASH}": "-", "\N{EM DASH}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
}  # fmt: skip


def stand_in(character: str) -> str:
    r"""Return what stands for a character, in ASCII.

    >>> "".join(map(stand_in, "Überweisung ≤ 5 €, ▁▄█ 中"))
    'Uberweisung <= 5 EUR, .=# \\u4e2d'
    """
    if character in STAND_INS:
        return STAND_INS[character]
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return bare or character.encode("ascii", "backslashreplace").decode()
