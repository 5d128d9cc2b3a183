"""The layout of the state: which key and value everything kept has. A format: it never changes meaning.

================  =============================================  ==========================================
key begins with   then                                           value
================  =============================================  ==========================================
``POSITION``      nothing                                        last place in the order of arrival
``PLAN``          nothing                                        state digest of the plan
``EVENT``         group, entity, time, position                       running totals of the group's channels
``SERIES``        group, series, entity, time, position               running total of the series
``TRACK``         group, track, entity, time, position                value of the event
``EXTREME``       group, track, level, entity, tile              smallest and largest value in the tile
``DISTINCT``      group, track, level, entity, tile, value       nothing: the tile has the value
``RECORD``        stream, id                                     its time, entities and series it counts in
``KNOWN``         later value, id of a reported record           earliest known-at; nothing for a table's
``WAITING``       later value, id of a record to come, position       a correction that came before: time, delta
================  =============================================  ==========================================

Entities are UTF-8 with their length before them, so that no entity's keys begin another's; an entity of several keys
is its parts, each with its length before it. Places in the plan are two bytes. Times and positions are eight
bytes, big-endian, with the sign bit flipped: their bytes rise as they do. Events of one entity and one microsecond
differ in their position, which is whole, so there may be any number of them.
"""

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct

POSITION, PLAN = b"\x00position", b"\x00plan"
EVENT, SERIES, TRACK, EXTREME, DISTINCT = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
RECORD, KNOWN, WAITING = b"\x06", b"\x07", b"\x08"
SIGN = 2**63
NO_LATER = 2**64 - 1
LONGEST_VALUE = 32
LONGEST_OVERHEAD = 1 + 2 + 2 + 2 + 2 + 8 + LONGEST_VALUE + 1  # of a value in a tile, beside its entity
AFTER = b"\xff" * 9
NOBODY = b"\xff\xff"
MISSING = b"\xff"
"""A track's value that is missing: no UTF-8 text and no eight bytes."""

moment = Struct(">QQ").pack
_whole = Struct(">Q")
_moments = Struct(">QQ")
_place = Struct(">H").pack
_places = Struct(">HH").pack


def events_of(group: int) -> bytes:
    """Return how the keys of a group's events begin, before their entity."""
    return EVENT + _place(group)


def list_of(kind: bytes, group: int, place: int) -> bytes:
    """Return how the keys of a group's series or track begin, before their entity.

    Parameters
    ----------
    kind : SERIES or TRACK
    group, place : of the group in the plan, and of the series or track in the group
    """
    return kind + _places(group, place)


def tiles_of(kind: bytes, group: int, track: int, level: int) -> bytes:
    """Return how the keys of a track's tiles of one level begin, before their entity.

    Parameters
    ----------
    kind : EXTREME or DISTINCT
    group, track : of the group in the plan, and of the track in the group
    level : of the tiles, from 0 for the shortest
    """
    return kind + _places(group, track) + _place(level)


def length_prefixed(entity: bytes) -> bytes:
    """Return an entity, or an id among other things, with its length before it."""
    return _place(len(entity)) + entity


def at(time: int, position: int) -> bytes:
    """Return how a key ends: by time, then by arrival.

    Parameters
    ----------
    time : microseconds since 1970 UTC
    position : place in the order of arrival
    """
    return moment(time + SIGN, position + SIGN)


def end_of(time: int) -> bytes:
    """Return an end that is above every moment at this time, and below every later one."""
    return moment(time + SIGN, NO_LATER)


def time_of(key: bytes) -> int:
    """Return the time in a key that ends with a moment.

    >>> time_of(end_of(-5))
    -5
    """
    time: int = _whole.unpack_from(key, len(key) - 16)[0]
    return time - SIGN


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


def pack_pair(first: int, second: int) -> bytes:
    """Return two signed whole numbers, such as a tile's extremes or a correction's time and delta.

    Parameters
    ----------
    first, second : of 64 bits each
    """
    return moment(first + SIGN, second + SIGN)


def unpack_pair(packed: bytes) -> tuple[int, int]:
    """Return the numbers that ``pack_pair`` packed.

    >>> unpack_pair(pack_pair(-5, 7))
    (-5, 7)
    """
    first, second = _moments.unpack(packed)
    return first - SIGN, second - SIGN


def short_value(packed: bytes) -> bytes:
    """Return a value as it stands in a tile's key: itself, or what no UTF-8 begins with and its digest.

    >>> short_value(b"DE"), len(short_value(b"x" * 1_000))
    (b'DE', 33)
    """
    if len(packed) <= LONGEST_VALUE:
        return packed
    return MISSING + blake2b(packed, digest_size=LONGEST_VALUE).digest()


def record(stream: int, name: str) -> bytes:
    """Return the key of a record about which later records may say something.

    Parameters
    ----------
    stream : its place among the streams that later records say something about
    name : the record's id
    """
    return RECORD + _place(stream) + name.encode()


def known(later: int, name: str) -> bytes:
    """Return the key of what reports say about a record.

    Parameters
    ----------
    later : place of the flag among the plan's later values
    name : the id of the reported record
    """
    return KNOWN + _place(later) + name.encode()


def waiting(later: int, name: str) -> bytes:
    """Return how the keys of the corrections begin that came before their record.

    Parameters
    ----------
    later : place of the corrected column among the plan's later values
    name : the id of the record to come
    """
    return WAITING + _place(later) + length_prefixed(name.encode())


def pack_known(known_at: int | None) -> bytes:
    """Return the earliest known-at of a reported record; None where it follows from the record's own time."""
    return b"" if known_at is None else pack_whole(known_at)


def unpack_known(packed: bytes) -> int | None:
    """Return what ``pack_known`` packed."""
    return unpack_whole(packed) if packed else None


def pack_bits(counts: Sequence[bool]) -> bytes:
    r"""Return claims as bits, the first the lowest of the last byte.

    >>> pack_bits([True, False, True])
    b'\x05'
    """
    return sum(1 << place for place, each in enumerate(counts) if each).to_bytes(-(-len(counts) // 8), "big")


def pack_record(time: int, watched: Sequence[tuple[bytes | None, bytes]]) -> bytes:
    """Return a record's time, and by each group its entity and in which series it counts, as ``pack_bits`` packed.

    Parameters
    ----------
    time : the record's instant, microseconds since 1970 UTC
    watched : for each group with series its entity, None for none, and its series as ``pack_bits`` packed them
    """
    return pack_whole(time) + b"".join(
        NOBODY if entity is None else length_prefixed(entity) + bits for entity, bits in watched
    )


def unpack_record(packed: bytes, n_series: Sequence[int]) -> tuple[int, list[tuple[bytes | None, int]]]:
    """Return what ``pack_record`` packed; bits as one number.

    Parameters
    ----------
    packed : what it returned
    n_series : how many series each group has

    >>> unpack_record(pack_record(7, [(b"596", pack_bits([True, True])), (None, b"")]), [2, 1])
    (7, [(b'596', 3), (None, 0)])
    """
    watched: list[tuple[bytes | None, int]] = []
    start = 8
    for n in n_series:
        length, start = packed[start : start + 2], start + 2
        if length == NOBODY:
            watched.append((None, 0))
            continue
        end = start + int.from_bytes(length, "big")
        bits_end = end - (-n // 8)
        watched.append((packed[start:end], int.from_bytes(packed[end:bits_end], "big")))
        start = bits_end
    return unpack_whole(packed[:8]), watched
