"""What an entry says that a model wrote: a decision, or what a bundle that does not act would have decided.

A default never changes its meaning: what is not written is the default, in this version and in every later one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tallystick.definitions.policies import Action
from tallystick.journal.formats import reader
from tallystick.log.entry import Entry
from tallystick.log.protocol import LogReader

FORMAT = 1


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """A feature that raised the risk, and by how much log-odds; written as ``[feature, contribution]``."""

    feature: str
    contribution: float


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One decision: what it alone knows. What the bundle pins is named by its digest, and not repeated.

    Doubles are written as the shortest text that reads back as the same bits.

    Parameters
    ----------
    format : the layout of this entry; a reader refuses one it does not know
    bundle : digest of the bundle that decided
    activation : position of the entry since which it decides: it has the approval and the runtime
    caller : who asked: the name of a token, or an actor's
    record_id : the record that was decided about
    raw_sha256 : digest of the request as received
    raw : the request as received, where the event's own entry does not hold the same bytes
    event : position of the event; None where the state refused it, and then ``fallback`` is true
    as_of : position in the log that the features saw, that one included
    features : the vector in the bundle's order, None where missing; None as a whole where it could not be computed
    raw_score, score : log-odds before calibration, and probability; None where the model could not speak
    reasons : what raised the risk most, strongest first
    threshold : the one that settled the action; None where it could not be computed
    action : approve, refer or decline
    fallback : whether the action is the written rule (refer) because features or model failed
    """

    format: int
    bundle: str
    activation: int
    caller: str
    record_id: str
    raw_sha256: str
    as_of: int
    action: Action
    event: int | None = None
    raw: bytes | None = None
    features: tuple[float | None, ...] | None = None
    raw_score: float | None = None
    score: float | None = None
    reasons: tuple[Reason, ...] = ()
    threshold: float | None = None
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """A decision that is in the log, with what its entry says around it.

    Parameters
    ----------
    model : whose decision it is
    key : its idempotency key, which is its id
    position : its place in the log
    at : the server's clock, in microseconds since 1970 UTC
    decision : what it says
    """

    model: str
    key: str
    position: int
    at: int
    decision: Decision


_READERS = {1: msgspec.json.Decoder(Decision).decode}
_encoder = msgspec.json.Encoder()


def encode(decision: Decision) -> bytes:
    """Return a decision's body."""
    return _encoder.encode(decision)


def decode(body: bytes) -> Decision:
    """Read a decision's body, by the reader of its format.

    Raises
    ------
    msgspec.ValidationError
        If the bytes are no decision of a format that is known.

    Examples
    --------
    >>> decode(b'{"format": 2}')
    Traceback (most recent call last):
        ...
    msgspec.ValidationError: its format is 2, and known here is 1
    """
    return reader(body, _READERS)(body)


def logged(entry: Entry) -> LoggedDecision:
    """Return the decision of an entry.

    Raises
    ------
    msgspec.DecodeError
        If the entry holds no decision that can be read.
    """
    return LoggedDecision(entry.namespace, entry.id, entry.position, entry.at, decode(entry.body))


def decisions(
    log: LogReader, model: str, since: int | None = None, until: int | None = None
) -> Iterator[LoggedDecision]:
    """Yield the decisions of a model that were made in ``since <= at < until``, in order of position.

    Parameters
    ----------
    log : where they are
    model : whose
    since, until : instants in microseconds since 1970 UTC; open where None
    """
    return map(logged, decision_entries(log, model, since, until))


def decision_entries(log: LogReader, model: str, since: int | None = None, until: int | None = None) -> Iterator[Entry]:
    """Yield the entries of those decisions, unread: one that cannot be read is a finding, and no end of the others.

    Parameters
    ----------
    log : where they are
    model : whose
    since, until : instants in microseconds since 1970 UTC; open where None
    """
    for entry in log.read(kinds=("decision",), namespaces=(model,)):
        # By the entries' own clock: it may have been set back, so an early one can stand behind a late one.
        if (since is None or since <= entry.at) and (until is None or entry.at < until):
            yield entry
