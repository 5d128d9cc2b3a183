"""What the log holds: entries, the drafts they are made from, its head, and the segments before it."""

from typing import Literal, get_args

import msgspec

Kind = Literal["event", "outcome", "decision", "fault", "shadow", "activation", "intake", "disposition"]
"""What an entry is about; the kinds are set for good, and none ever changes its meaning.

*event*: something happened outside, as it was received; its namespace is the stream. *outcome*: something became known
later about an earlier event, as it was received; its namespace is the stream. *decision*: what a bundle that acts
decided; its namespace is the model. *fault*: why a decision was made without features or score, under that decision's
id; its namespace is the model. *shadow*: what a bundle that does not act would have decided; its namespace is the
model. *activation*: which bundle decides for a model from this position on; its namespace is the model. *intake*: how
far a message stream was read; its namespace is the topic. *disposition*: what a person did with a referred decision;
its namespace is the model.
"""

RECORDS: tuple[Kind, ...] = ("event", "outcome")
"""The kinds that hold records of a stream. Which one a stream has depends on the bundle that served when it came."""

KINDS: frozenset[str] = frozenset(get_args(Kind))


class Draft(msgspec.Struct, frozen=True):
    """An entry before the log has given it a position.

    Attributes
    ----------
    kind : Kind
        What it is about.
    namespace : str
        Where its id is meant: the stream of a record, the model of a decision, the topic of an intake.
    id : str
        Its name within kind and namespace; the log holds each name once.
    at : int
        When the writer made it, in microseconds since 1970 UTC.
    body : bytes
        What it says, kept byte for byte.
    """

    kind: Kind
    namespace: str
    id: str
    at: int
    body: bytes


class Entry(msgspec.Struct, frozen=True):
    """A draft that has its place in the chain.

    Attributes
    ----------
    position : int
        Its place in the one sequence of all records and entries.
    kind, namespace, id, at, body
        As in the draft.
    hash : bytes
        32 bytes that commit to this entry and to everything before it.
    """

    position: int
    kind: Kind
    namespace: str
    id: str
    at: int
    body: bytes
    hash: bytes


class Head(msgspec.Struct, frozen=True):
    """Where the log ends.

    Attributes
    ----------
    position : int
        The last position that is taken, by an entry or by history.
    hash : bytes
        32 bytes that commit to everything up to it.
    """

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
        Where the files lie; a relative one starts at the log's folder. The chain does not commit to it, so that a
        folder may move.
    """

    digest: str
    first: int
    last: int
    path: str
