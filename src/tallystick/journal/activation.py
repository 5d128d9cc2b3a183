"""Which bundle decides for a model, as the log says it: the latest activation, and the one that a decision names."""

import msgspec

from tallystick.journal.bodies import FORMAT, Activation, Approval, decode_body, encode_body
from tallystick.log.entry import Draft, Entry
from tallystick.log.protocol import LogReader
from tallystick.scoring.runtime import Runtime


def latest(log: LogReader, model: str) -> tuple[int, Activation] | None:
    """Return the position of a model's latest activation and what it says, or None where it never had one.

    Parameters
    ----------
    log : where it is
    model : whose
    """
    entry = log.last("activation", model)
    return None if entry is None else (entry.position, decode_body(entry.body, Activation))


def named(log: LogReader, model: str, position: int) -> tuple[Entry, Activation] | None:
    """Return the activation that a decision names by its position, or None where none of its model stands there.

    Parameters
    ----------
    log : where it is
    model : whose decision it is
    position : what the decision says
    """
    entry = log.entry(position)
    if entry is None or (entry.kind, entry.namespace) != ("activation", model):
        return None
    try:
        return entry, decode_body(entry.body, Activation)
    except msgspec.DecodeError:
        return None


def draft(position: int, model: str, *, bundle: str, approval: Approval, runtime: Runtime, at: int) -> Draft:
    """Return the entry that says which bundle decides for a model from a position on.

    Parameters
    ----------
    position : the one it will have, which also names it
    model : for whom
    bundle : its digest
    approval : what allows it
    runtime : what runs it here
    at : now, in microseconds since 1970 UTC
    """
    body = Activation(FORMAT, bundle, approval, runtime)
    return Draft("activation", model, str(position), at, encode_body(body))
