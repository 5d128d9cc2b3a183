"""Proving a log: every hash recomputed from the stored bytes, and the first bad position named."""

import struct
from collections.abc import Iterable
from typing import Any

from tallystick.errors import LogDamaged
from tallystick.log.chain import entry_hash
from tallystick.log.entry import KINDS, Head

Row = tuple[Any, ...]


def verify(name: str, origin: Head, pages: Iterable[list[Row]], trusted: Head | None) -> Head:
    """Return the head that rows (position, kind, namespace, id, at, body, hash) prove.

    Parameters
    ----------
    name : str
        The log, for the sentence.
    origin : Head
        What the first row is chained to.
    pages : iterable of lists of rows
        All rows in order of position.
    trusted : Head, optional
        A head kept elsewhere, which the chain must pass through.

    Raises
    ------
    LogDamaged
        At the first row that is not what was written, or where the chain misses the trusted head.
    """
    position, known = origin.position, origin.hash
    awaited = -1 if trusted is None else trusted.position
    _check_trusted(name, trusted, position, known)
    for page in pages:
        for row in page:
            if row[0] != position + 1:
                raise _misplaced(name, position + 1, row[0])
            known = _proven(name, known, row)
            position += 1
            if position == awaited:
                _check_trusted(name, trusted, position, known)
    if position < awaited:
        raise LogDamaged(
            name,
            problem="cut",
            position=position + 1,
            detail=f"the trusted head stands at position {awaited}, and the log ends at {position}",
        )
    return Head(position, known)


def _misplaced(name: str, expected: int, found: int) -> LogDamaged:
    if found < expected:
        detail = f"an entry stands before position {expected}, where the entries begin"
        return LogDamaged(name, problem="order", position=found, detail=detail)
    detail = f"after position {expected - 1} comes {found}: {found - expected} missing"
    return LogDamaged(name, problem="gap", position=expected, detail=detail)


def _proven(name: str, previous: bytes, row: Row) -> bytes:
    """Return the hash of a row after comparing it with the one stored in it."""
    position, kind, namespace, identity, at, body, stored = row
    if kind not in KINDS or not isinstance(body, bytes):
        raise LogDamaged(name, problem="header", position=position, detail=f"no log writes kind {kind!r} like this")
    try:
        computed = entry_hash(previous, position, (kind, namespace, identity), at, body)
    except (AttributeError, TypeError, ValueError, struct.error) as error:
        raise LogDamaged(name, problem="header", position=position, detail=str(error)) from error
    if computed != stored:
        detail = "its content, its place or what stands before it is not what its hash was made from"
        raise LogDamaged(name, problem="hash", position=position, detail=detail)
    return computed


def _check_trusted(name: str, trusted: Head | None, position: int, known: bytes) -> None:
    if trusted is not None and trusted.position == position and trusted.hash != known:
        detail = "the chain is whole, and differs from the trusted head: it was rewritten up to here"
        raise LogDamaged(name, problem="hash", position=position, detail=detail)
