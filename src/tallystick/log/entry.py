"""What the log holds: entries, the drafts they are made from, its head, and the segments before it."""

from typing import Literal, get_args

import msgspec

Kind = Literal["event", "decision", "outcome", "fault"]
"""*event* happened outside, *decision* is ours, *outcome* became known later, *fault* is what went wrong."""

RECORDS: tuple[Kind, ...] = ("event", "outcome")
"""The kinds that hold records of a stream. Which one a stream has depends on the bundle that served when it came."""

KINDS: frozenset[str] = frozenset(get_args(Kind))


class Draft(msgspec.Struct, frozen=True):
    """An entry before the log has given it a position.

    Attributes
    ----------
    kind : Kind
        What sort of entry it is.
    stream : str
        The stream it belongs to.
    id : str
        Its name within kind and stream; the log holds each name once.
    at : int
        When the writer made it, in microseconds since 1970 UTC.
    body : bytes
        What it says, kept byte for byte.
    """

    kind: Kind
    stream: str
    id: str
    at: int
    body: bytes


class Entry(msgspec.Struct, frozen=True):
    """A draft that has its place in the chain: position in the one sequence, and hash over all before it."""

    position: int
    kind: Kind
    stream: str
    id: str
    at: int
    body: bytes
    hash: bytes


class Head(msgspec.Struct, frozen=True):
    """Where the log ends: a position and the hash that commits to everything up to it."""

    position: int
    hash: bytes


class Segment(msgspec.Struct, frozen=True):
    """History from before the first entry: a folder of files, known by its digest.

    Attributes
    ----------
    digest : str
        SHA-256 of the segment's manifest, lower-case hex.
    first, last : int
        The positions its records occupy, both included.
    path : str
        Where the files lie. The chain does not commit to it, so that a folder may move.
    """

    digest: str
    first: int
    last: int
    path: str
