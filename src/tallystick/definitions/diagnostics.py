"""Where in the user's own file a mistake was made, and what the wrong value is called."""

import sys
from pathlib import Path

import msgspec

PACKAGE = str(Path(__file__).resolve().parents[1])

_LONGEST = 60
_CALLED = {
    "literal": "a constant",
    "text": "a text",
    "part": "a part of a time",
    "flagged": "a flag that becomes known later",
    "corrected": "a corrected column",
    "aggregate": "an aggregate",
    "arithmetic": "a calculation",
    "comparison": "a condition",
    "same": "a condition",
    "logical": "a condition",
    "coalesce": "a calculation",
    "unary": "a function of a value",
    "category": "a category",
}


def where() -> str | None:
    """Return ``file.py:line`` of the nearest caller outside this package, or None.

    Definitions run while the project file is read, so the nearest outside frame is the line its author wrote.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - the only way to name the author's own line
    # Asked only when an error is on its way, so that declaring costs nothing.
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def shown(value: object) -> str:
    """Return what a wrong value is called: a column by its name, other expressions by their kind, the rest in short.

    >>> shown("100"), shown(2_000_000)
    ("'100'", '2000000')
    """
    if isinstance(value, msgspec.Struct):
        owner = getattr(value, "stream", None) or getattr(value, "table", None)
        tag = str(value.__struct_config__.tag)
        return _CALLED[tag] if tag in _CALLED else f"{owner}.{getattr(value, 'field', tag)}"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)!r}"
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return "a number of more than 60 digits"
    if isinstance(value, list | tuple | dict) and not all(isinstance(each, str | int) for each in value):
        return f"a {type(value).__name__}"
    written = repr(value)
    return written if len(written) <= _LONGEST else f"{written[:_LONGEST]}..."
