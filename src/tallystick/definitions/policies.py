"""What is done with a score: above which threshold a record is declined, or referred to a person."""

import math
from typing import Literal, get_args

import msgspec

from tallystick.definitions.diagnostics import where
from tallystick.definitions.expressions import AnyExpr, Expr
from tallystick.errors import DefinitionError

Action = Literal["approve", "refer", "decline"]
"""What is done with a record; no action ever changes its meaning."""

ACTIONS: tuple[Action, ...] = get_args(Action)


class Above(msgspec.Struct, frozen=True, eq=False, tag="above"):
    """A score above one fixed threshold."""

    threshold: float


class AboveCost(msgspec.Struct, frozen=True, eq=False, tag="above_cost"):
    """A score whose expected loss is above the cost of a false alarm: score * missed > (1 - score) * false_alarm.

    Each record has its own threshold, false_alarm / (false_alarm + missed).
    """

    false_alarm: float
    missed: AnyExpr | float


class Policy(msgspec.Struct, frozen=True, eq=False):
    """From a score to an action: decline where ``decline`` holds, else refer where ``refer`` holds, else approve."""

    decline: Above | AboveCost
    refer: Above | AboveCost | None = None


def above(threshold: float) -> Above:
    """Return the rule that holds where the score is above a threshold between 0 and 1.

    Raises
    ------
    DefinitionError
        If the threshold is no probability.
    """
    if not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
        sentence = f"above({threshold!r}) is no probability. Write a threshold between 0 and 1."
        raise DefinitionError(sentence, where=where())
    return Above(float(threshold))


def above_cost(*, false_alarm: float, missed: Expr | float) -> AboveCost:
    """Return the rule that holds where letting a record pass is expected to cost more than declining it.

    Parameters
    ----------
    false_alarm : what it costs to decline a good record, in the unit of ``missed``, > 0
    missed : what it costs to let a bad one pass: an amount, or a column such as ``payments.amount``

    Raises
    ------
    DefinitionError
        If the cost of a false alarm is not above zero, or the other is no cost.

    References
    ----------
    C. Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI.
    """
    if not (isinstance(false_alarm, int | float) and 0 < false_alarm < math.inf):
        sentence = f"false_alarm={false_alarm!r} must be a cost above 0, in the unit of missed."
        raise DefinitionError(sentence, where=where())
    if isinstance(missed, Expr):
        return AboveCost(float(false_alarm), missed)  # type: ignore[arg-type]  # every Expr is one of AnyExpr
    if not (isinstance(missed, int | float) and 0 < missed < math.inf):
        sentence = f"missed={missed!r} must be a cost above 0 or a column such as payments.amount."
        raise DefinitionError(sentence, where=where())
    return AboveCost(float(false_alarm), float(missed))
