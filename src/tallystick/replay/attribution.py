"""Whose decision is meant where no model is named."""

from collections.abc import Sequence

from tallystick.errors import DecisionUnknown, ModelUnclear
from tallystick.log.protocol import LogReader


def decided_by(log: LogReader, models: Sequence[str], key: str | None) -> str:
    """Return the one of some models that decided.

    Parameters
    ----------
    log : where decisions are
    models : those that are declared, at least one
    key : of the decision that is meant; None where all of a model's are

    Raises
    ------
    DecisionUnknown
        If none of several has a decision of this key.
    ModelUnclear
        If several have one, or, where all are meant, not one of several has decided.

    Examples
    --------
    >>> from tallystick.log.entry import Draft
    >>> from tallystick.log.memory import MemoryLog
    >>> with MemoryLog() as log:
    ...     _ = log.append([Draft("decision", "fraud", "p1", 0, b"")])
    ...     decided_by(log, ("fraud", "theft"), "p1"), decided_by(log, ("fraud", "theft"), None)
    ('fraud', 'fraud')
    """
    if len(models) == 1:
        return models[0]
    if key is None:
        found = [model for model in models if log.last("decision", model) is not None]
    else:
        found = [model for model in models if log.find("decision", model, key) is not None]
    if len(found) == 1:
        return found[0]
    if key is not None and not found:
        raise DecisionUnknown(key, models=models)
    raise ModelUnclear(key, models=found or models)
