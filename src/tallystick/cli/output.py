r"""How text reaches whoever reads it, also where that can hold fewer characters than we write.

What a person sees gets stand-ins. Programs get every character: the document of ``--json`` as
UTF-8, or with JSON's own escapes where the output is not UTF-8, and SQL always as UTF-8.
"""

import codecs
import io
import re
import sys
from typing import TextIO

from tallystick.reporting.stand_ins import stand_in

_NAME = "tallystick"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def prepare() -> None:
    """Let stdout and stderr take every character from now on, by stand-ins where they must."""
    codecs.register_error(_NAME, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def as_json(text: str, stream: TextIO) -> str:
    """Return a JSON document as a stream can hold it: the same document to every reader."""
    return text if _is_utf8(stream) else _NOT_ASCII.sub(lambda found: _escaped(found[0]), text)


def write_exactly(text: str, stream: TextIO) -> None:
    """Write a text that is to be copied or piped, and so must not change: as UTF-8, whatever the stream is."""
    if isinstance(stream, io.TextIOWrapper) and not _is_utf8(stream):
        stream.flush()
        stream.buffer.write(text.encode())
    else:
        stream.write(text)


def _is_utf8(stream: TextIO) -> bool:
    encoding = getattr(stream, "encoding", None)
    return encoding is None or codecs.lookup(encoding).name == "utf-8"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(stand_in, error.object[error.start : error.end])), error.end


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))
