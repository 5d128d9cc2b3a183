"""The decision entry: everything that was true when it was decided, and enough to decide it again."""

import struct
from typing import Any, Literal

import msgspec

from tallystick.scoring.runtime import Runtime

FORMAT = 1

Action = Literal["approve", "refer", "decline"]


class Approval(msgspec.Struct, frozen=True):
    """Who allowed the bundle, and which entry of the ledger says so."""

    entry: int
    hash: str
    approver: str


class Reason(msgspec.Struct, frozen=True):
    """A feature that raised the risk, by how much log-odds, and the exact bits of that number."""

    name: str
    contribution: float
    bits: str


class Decision(msgspec.Struct, frozen=True):
    """One decision.

    Parameters
    ----------
    format : the layout of this entry; a reader refuses one it does not know
    key : idempotency key, and the decision's id
    stream, record_id : the record that was decided about
    raw_sha256 : digest of the request as received
    raw : the request as received, where the event's own entry does not hold the same bytes; else None
    event : position of the event; None where the state refused it, and then ``fallback`` is true
    as_of : position in the log that the features saw, that one included
    at : the server's clock, in microseconds since 1970 UTC
    bundle : digest of the bundle that decided
    approval : what allowed it
    policy : the policy as plain data
    threshold : the one that settled the action; None where it could not be computed
    features : the vector in the bundle's order, None where missing; None as a whole where it could not be computed
    raw_score, score : log-odds before calibration, and probability; None where the model could not speak
    raw_bits, score_bits : the same as sixteen hex characters of IEEE double
    reasons : what raised the risk most, strongest first
    action : approve, refer or decline
    fallback : whether the action is the written rule (refer) because features or model failed
    shadow : whether the decision was only observed, and nothing was done with it
    runtime : onnxruntime and processor, which decide the last bits of a score
    """

    key: str
    stream: str
    record_id: str
    raw_sha256: str
    raw: bytes | None
    event: int | None
    as_of: int
    at: int
    bundle: str
    approval: Approval
    policy: dict[str, Any]
    threshold: float | None
    features: tuple[float | None, ...] | None
    raw_score: float | None
    raw_bits: str | None
    score: float | None
    score_bits: str | None
    reasons: tuple[Reason, ...]
    action: Action
    fallback: bool
    shadow: bool
    runtime: Runtime
    format: int = FORMAT


class Fault(msgspec.Struct, frozen=True):
    """Why a decision fell back: which stage failed, with which error."""

    stage: Literal["state", "features", "model"]
    error: str
    detail: str


AWAY = frozenset({"StateUnavailable", "StateLost"})
"""Errors of a state that could not be asked, whatever the record was."""


def bits(value: float) -> str:
    """Return the sixteen hex characters of an IEEE double, most significant first.

    >>> bits(1.0)
    '3ff0000000000000'
    """
    return struct.pack(">d", value).hex()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Decision)


def encode(value: Decision | Fault) -> bytes:
    """Return an entry's body; every double is written so that reading it gives the same bits."""
    return _encoder.encode(value)


def decode_fault(body: bytes) -> Fault:
    """Read a fault's body; raise ``msgspec.ValidationError`` if it is none."""
    return msgspec.json.decode(body, type=Fault)


def decode(body: bytes) -> Decision:
    """Read a decision's body.

    Raises
    ------
    msgspec.ValidationError
        If the bytes are no decision of a format that is known.

    Examples
    --------
    >>> decode(b'{"format": 2}')
    Traceback (most recent call last):
        ...
    msgspec.ValidationError: Object missing required field `key`
    """
    decision = _decoder.decode(body)
    if decision.format != FORMAT:
        sentence = f"decision entries have format {FORMAT} here, and this one has {decision.format}"
        raise msgspec.ValidationError(sentence)
    return decision
