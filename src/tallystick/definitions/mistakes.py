"""Where in the user's own file a mistake was made."""

import sys
from pathlib import Path

PACKAGE = str(Path(__file__).resolve().parents[1])


def where() -> str | None:
    """Return ``file.py:line`` of the nearest caller outside this package, or None.

    Definitions run while the project file is read, so the nearest outside frame is the line its author wrote.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - the only way to name the author's own line
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
