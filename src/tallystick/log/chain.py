"""The hash chain: what one hash commits to, written so that no two histories share their bytes."""

import hashlib
import struct
from collections.abc import Iterable

from tallystick.log.entry import Segment

_GENESIS_DOMAIN = b"tallystick log genesis 1\n"
_ENTRY_DOMAIN = b"tallystick log entry 1\n"
_SEGMENT = struct.Struct(">QQH")
_HEADER = struct.Struct(">QqHHHQ")


def genesis(segments: Iterable[Segment]) -> bytes:
    """Return the hash before the first entry: it commits to the history that was attached.

    Raises
    ------
    struct.error
        When a position is no number from 0 to 2**64 - 1.

    Examples
    --------
    >>> genesis([]).hex()[:8]
    '145be3d7'
    """
    parts = [_SEGMENT.pack(s.first, s.last, len(s.digest)) + s.digest.encode() for s in segments]
    return hashlib.sha256(_GENESIS_DOMAIN + b"".join(parts)).digest()


def entry_hash(previous: bytes, position: int, name: tuple[str, str, str], at: int, body: bytes) -> bytes:
    """Return the hash of one entry.

    A domain, the hash before, a header of fixed width (position, instant, the lengths of what follows),
    then kind, namespace, id and body as they are stored: every byte has one reading.

    Parameters
    ----------
    previous : bytes
        The hash of the entry before, or `genesis`.
    position : int
        Its place in the one sequence.
    name : tuple of three str
        Its kind, namespace and id.
    at : int
        When it was made, in microseconds since 1970 UTC.
    body : bytes
        What it says.

    Raises
    ------
    struct.error
        When a number does not fit its place in the header.
    UnicodeEncodeError
        When a text holds half of a surrogate pair.

    Examples
    --------
    >>> one = entry_hash(genesis([]), 1, ("event", "payments", "p1"), 0, b"{}")
    >>> other = entry_hash(genesis([]), 1, ("event", "payment", "sp1"), 0, b"{}")
    >>> len(one), one == other
    (32, False)
    """
    texts = (name[0].encode(), name[1].encode(), name[2].encode())
    header = _HEADER.pack(position, at, len(texts[0]), len(texts[1]), len(texts[2]), len(body))
    return hashlib.sha256(b"".join((_ENTRY_DOMAIN, previous, header, *texts, body))).digest()
