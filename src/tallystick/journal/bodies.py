"""What the other entries of ours say: faults, activations, how far a stream was read, what a person did.

Events and outcomes hold what was received, byte for byte, and have no layout of ours.
A default never changes its meaning: what is not written is the default, in this version and in every later one.
"""

from typing import Literal, TypeVar

import msgspec

from tallystick.journal.formats import reader
from tallystick.scoring.runtime import Runtime

FORMAT = 1


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a decision fell back; its entry has the decision's namespace and id.

    Parameters
    ----------
    format : the layout of this entry
    stage : what failed
    error : the name of the error
    detail : its sentence
    """

    format: int
    stage: Literal["state", "features", "model"]
    error: str
    detail: str


STATE_AWAY = frozenset({"StateUnavailable", "StateLost"})
"""Errors of a state that could not be asked, whatever the record was."""


class Approval(msgspec.Struct, frozen=True):
    """Which entry of the ledger allowed a bundle: its number and its hash, lower-case hex."""

    entry: int
    hash: str


class Activation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which bundle decides for a model from this position on; namespace is the model, id the position as a text.

    Parameters
    ----------
    format : the layout of this entry
    bundle : digest of the bundle
    approval : what allowed it
    runtime : onnxruntime and processor, which decide the last bits of a score
    """

    format: int
    bundle: str
    approval: Approval
    runtime: Runtime


class Intake(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a message stream was read; namespace is the topic, id ``PARTITION@OFFSET``.

    Parameters
    ----------
    format : the layout of this entry
    partition : of the topic
    offset : of the last message whose record stands before this entry
    """

    format: int
    partition: int
    offset: int


class Disposition(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person did with a referred decision; namespace is the model, id the decision's.

    Parameters
    ----------
    format : the layout of this entry
    decision : position of the decision
    action : what was done in the end
    actor : who did it
    note : why, in the person's words
    """

    format: int
    decision: int
    action: Literal["approve", "decline"]
    actor: str
    note: str = ""


Body = Fault | Activation | Intake | Disposition
B = TypeVar("B", Fault, Activation, Intake, Disposition)

_READERS = {kind: {1: msgspec.json.Decoder(kind).decode} for kind in (Fault, Activation, Intake, Disposition)}
_encoder = msgspec.json.Encoder()


def encode_body(body: Body) -> bytes:
    """Return an entry's body."""
    return _encoder.encode(body)


def decode_body(body: bytes, kind: type[B]) -> B:
    """Read an entry's body, by the reader of its format.

    Parameters
    ----------
    body : as it stands in the log
    kind : what the entry's kind promises

    Raises
    ------
    msgspec.ValidationError
        If it is none, or of a format that is not known.
    """
    found = reader(body, _READERS[kind])(body)
    assert isinstance(found, kind)  # noqa: S101 - the readers above are by kind
    return found
