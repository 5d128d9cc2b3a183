"""What a model must reach before anybody may approve it."""

from typing import Literal as OneOf

import msgspec

from tallystick.definitions.diagnostics import where
from tallystick.errors import DefinitionError


class Limit(msgspec.Struct, frozen=True):
    """A floor under one metric on the test part."""

    metric: OneOf["average_precision", "auc"]
    at_least: float


def average_precision(*, at_least: float) -> Limit:
    """Demand an average precision on the test part.

    Raises
    ------
    DefinitionError
        If the floor is not between 0 and 1.
    """
    return Limit("average_precision", _share(at_least))


def auc(*, at_least: float) -> Limit:
    """Demand an area under the ROC curve on the test part.

    Raises
    ------
    DefinitionError
        If the floor is not between 0 and 1.
    """
    return Limit("auc", _share(at_least))


def _share(value: float) -> float:
    if not (isinstance(value, int | float) and 0 <= value <= 1):
        raise DefinitionError(f"at_least={value!r} lies outside 0 to 1, where this metric lives.", where=where())
    return float(value)
