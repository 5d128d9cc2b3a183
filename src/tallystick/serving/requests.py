"""What is asked of the service, and what it answers: a refusal is a value too."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.serving.record import Decision


@dataclass(frozen=True, slots=True)
class Request:
    """One record as it was received.

    Parameters
    ----------
    raw : the record's JSON object, byte for byte
    key : the caller's idempotency key; by default the record's own id, so that one record is decided once
    """

    raw: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A request and what is wanted of it: a decision, or only that it becomes known."""

    stream: str
    request: Request
    is_decision: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that is in the log.

    Parameters
    ----------
    decision : what was decided
    position : its place in the log
    is_repeated : whether it was there before this request, which is then a retry
    """

    decision: Decision
    position: int
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event or outcome that is in the log, or in the history before it."""

    stream: str
    id: str
    position: int
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that changed nothing.

    Parameters
    ----------
    error : its code, which never changes meaning: invalid, conflict, unavailable
    message : a sentence for the caller, without internals
    fields : every wrong field and what is wrong with it
    """

    error: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)


Answer = Decided | Recorded | Refused
