"""A log that cannot be used.

LogError
· LogDamaged        bytes were changed, lost or put in
· LogHeld           another process writes it
· LogUnavailable    no file, no right, no space
· LogFormatUnknown  another version wrote it
· AlreadyLogged     kind, namespace and id exist
· GroupOpen         a group inside a group
· EntryRefused      a draft that no log can hold
· SegmentRefused    history that does not fit
"""

from tallystick.errors.base import TallystickError


class LogError(TallystickError):
    """The log cannot be opened, read or written."""


class LogDamaged(LogError):
    """The log's bytes are not those that were written.

    `problem` is one of: file, header, hash, gap, order, cut.

    Parameters
    ----------
    name : what the log calls itself: where its store lies
    problem : what kind of change it is, in a word or two
    detail : what was found, without a full stop
    position : the place of the entry, where one is meant
    """

    def __init__(self, name: str, *, problem: str, detail: str, position: int | None = None) -> None:
        self.name, self.problem, self.detail, self.position = name, problem, detail, position
        place = "" if position is None else f" at position {position}"
        super().__init__(
            f"The log {name} is damaged{place} ({problem}): {detail}. "
            "Keep the file as evidence, and go on from a copy whose head the ledger knows."
        )


class LogHeld(LogError):
    """A second writer opens the log.

    Parameters
    ----------
    name : what the log calls itself: where its store lies
    holder : who writes it
    """

    def __init__(self, name: str, *, holder: int | None = None) -> None:
        self.name, self.holder = name, holder
        who = "another process" if holder is None else f"process {holder}"
        super().__init__(
            f"The log {name} is being written by {who}, and has one writer at a time. "
            "Stop that process first, or open the log for reading only."
        )


class LogUnavailable(LogError):
    """The log's store cannot be opened, read or written.

    Parameters
    ----------
    name : what the log calls itself: where its store lies
    reason : what is wrong, without a full stop
    """

    def __init__(self, name: str, *, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"The log {name} cannot be used: {reason}. "
            "Check that it exists, that this user may use its folder, and that the disk has space."
        )


class LogFormatUnknown(LogError):
    """The log was written by a version with another layout.

    Parameters
    ----------
    name : what the log calls itself: where its store lies
    found : the number in the store
    known : the number this version reads
    """

    def __init__(self, name: str, *, found: int, known: int) -> None:
        self.name, self.found, self.known = name, found, known
        super().__init__(
            f"The log {name} has format {found}, and this version of Tallystick knows format {known}. "
            "Open it with the version that wrote it."
        )


class AlreadyLogged(LogError):
    """An entry of this kind, namespace and id exists; `position` is None where it is in the same group.

    Parameters
    ----------
    kind : of the entry
    namespace : of the entry: its stream, model or topic
    name : the entry's id
    position : where the first one stands; None where it is in the same group
    """

    def __init__(self, kind: str, namespace: str, name: str, *, position: int | None) -> None:
        self.kind, self.namespace, self.name, self.position = kind, namespace, name, position
        where = "twice in this group" if position is None else f"in the log already, at position {position}"
        super().__init__(
            f"The {kind} {name!r} of {namespace!r} is {where}. "
            "An entry is written once: read the one that is there, or give the new one its own id."
        )


class GroupOpen(LogError):
    """A group is begun inside the block of another."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"A group of entries for the log {name} is open in this thread already. "
            "Leave its block first, or write both groups as one."
        )


class EntryRefused(LogError):
    """A draft that the log cannot hold.

    Parameters
    ----------
    kind : of the draft
    namespace : of the draft: its stream, model or topic
    name : the draft's id
    reason : what is wrong, without a full stop
    """

    def __init__(self, kind: str, namespace: str, name: str, *, reason: str) -> None:
        self.kind, self.namespace, self.name, self.reason = kind, namespace, name, reason
        super().__init__(
            f"The {kind} {name!r} of {namespace!r} cannot be logged: {reason}. Correct the draft; nothing was written."
        )


class SegmentRefused(LogError):
    """A segment of history does not fit this log.

    Parameters
    ----------
    digest : of the segment
    reason : what is wrong, without a full stop
    """

    def __init__(self, digest: str, *, reason: str) -> None:
        self.digest, self.reason = digest, reason
        super().__init__(
            f"The segment {digest[:12]} cannot be attached: {reason}. "
            "Attach history once, in order and without holes, to a log that has no entries."
        )
