"""The layout of the state: which key and value each running total has. A format: it never changes meaning.

================  =============================================  ==========================================
key begins with   then                                           value
================  =============================================  ==========================================
``POSITION``      nothing                                        last place in the order of arrival
``PLAN``          nothing                                        state digest of the plan
``EVENT``         group, entity, time, seq                       running totals of the group's channels
``SERIES``        group, series, entity, time, seq               running total of the series
``RECORD``        id of a flaggable record                       its time, and its entities
``KNOWN``         flag, id of a reported record                  earliest known-at; nothing for a table's
================  =============================================  ==========================================

Entities are UTF-8 with their length before them, so that no entity's keys begin another's. Times and sequence
numbers are eight bytes, big-endian, with the sign bit flipped: their bytes rise as they do.
"""

from collections.abc import Sequence
from struct import Struct

POSITION, PLAN = b"\x00position", b"\x00plan"
EVENT, SERIES, RECORD, KNOWN = b"\x01", b"\x02", b"\x03", b"\x04"
SIGN = 2**63
LONGEST_OVERHEAD = 22
LAST = b"\xff" * 8
NOBODY = b"\xff\xff"

_moment = Struct(">QQ")
_whole = Struct(">Q")


def events_of(group: int, entity: bytes) -> bytes:
    """Return how the keys of an entity's events begin."""
    return EVENT + bytes((group,)) + len(entity).to_bytes(2, "big") + entity


def series_of(group: int, series: int, entity: bytes) -> bytes:
    """Return how the keys of one flag series of an entity begin."""
    return SERIES + bytes((group,)) + series.to_bytes(2, "big") + len(entity).to_bytes(2, "big") + entity


def record(name: str) -> bytes:
    """Return the key of a flaggable record."""
    return RECORD + name.encode()


def known(flag: int, name: str) -> bytes:
    """Return the key of what reports say about a record."""
    return KNOWN + bytes((flag,)) + name.encode()


def moment(time: int, seq: int) -> bytes:
    """Return how a key ends: by time, then by arrival."""
    return _moment.pack(time + SIGN, seq + SIGN)


def end_of(time: int) -> bytes:
    """Return an end that is above every moment at this time, and below every later one."""
    return _whole.pack(time + SIGN) + LAST


def pack_whole(value: int) -> bytes:
    """Return a signed whole number as eight bytes that rise as it does."""
    return _whole.pack(value + SIGN)


def unpack_whole(packed: bytes) -> int:
    """Return the number that ``pack_whole`` packed.

    >>> unpack_whole(pack_whole(-5))
    -5
    """
    value: int = _whole.unpack(packed)[0]
    return value - SIGN


def pack_known(known_at: int | None) -> bytes:
    """Return the earliest known-at of a reported record; None where it follows from the record's own time."""
    return b"" if known_at is None else pack_whole(known_at)


def unpack_known(packed: bytes) -> int | None:
    """Return what ``pack_known`` packed."""
    return unpack_whole(packed) if packed else None


def pack_record(time: int, entities: Sequence[bytes | None]) -> bytes:
    """Return a flaggable record's time and entities."""
    named = (NOBODY if entity is None else len(entity).to_bytes(2, "big") + entity for entity in entities)
    return pack_whole(time) + b"".join(named)


def unpack_record(packed: bytes) -> tuple[int, list[bytes | None]]:
    """Return the time and entities that ``pack_record`` packed.

    >>> unpack_record(pack_record(7, [b"596", None]))
    (7, [b'596', None])
    """
    entities: list[bytes | None] = []
    place = 8
    while place < len(packed):
        length, place = packed[place : place + 2], place + 2
        size = 0 if length == NOBODY else int.from_bytes(length, "big")
        entities.append(None if length == NOBODY else packed[place : place + size])
        place += size
    return unpack_whole(packed[:8]), entities
