"""What is asked of the service, and what it answers: a refusal is a value too."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.journal.decision import Decision, LoggedDecision


@dataclass(frozen=True, slots=True)
class Request:
    """One record as it was received.

    Parameters
    ----------
    raw : the record's JSON object, byte for byte
    key : the caller's idempotency key; by default the record's own id, so that a model decides once about a record
    """

    raw: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A request and what is wanted of it: a decision, or only that it becomes known.

    Parameters
    ----------
    target : the model that is to decide, or the stream whose record it is
    request : the record
    is_decision : which of the two
    caller : who asks: the name of a token, or an actor's
    """

    target: str
    request: Request
    is_decision: bool
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that is in the log.

    Parameters
    ----------
    logged : the decision and its place
    is_repeated : whether it was there before this request, which is then a retry
    """

    logged: LoggedDecision
    is_repeated: bool = False

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self.logged.decision

    @property
    def position(self) -> int:
        """The decision's place in the log."""
        return self.logged.position


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
