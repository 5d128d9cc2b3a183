"""From a score to an action: the policy of a model, applied to one record or to many."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.data.records import Record
from tallystick.definitions.expressions import AnyExpr, Arithmetic, Column, Literal, subexpressions
from tallystick.definitions.fields import Flag, Integer, Money, Number
from tallystick.definitions.policies import Above, AboveCost, Action, Policy
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import BackgroundEmpty, PolicyUnusable
from tallystick.features.rowwise import decimal

Values = Mapping[str, ArrayLike]
Doubles = NDArray[np.float64]

_OPERATIONS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with a record, and the threshold that settled it.

    Parameters
    ----------
    action : decline, refer to a person, or approve
    threshold : the one the score is above; for an approved record, the lowest it is not above. NaN where what a
        missed bad record costs is unknown: such a record is referred
    """

    action: Action
    threshold: float


def check_policy(policy: Policy, spine: StreamDefinition) -> None:
    """Refuse a policy whose costs cannot be computed from one record alone.

    Parameters
    ----------
    policy : whose costs are looked at
    spine : the stream whose records are decided

    Raises
    ------
    PolicyUnusable
        If a cost is made of anything but numbers, arithmetic and present numeric fields of the stream.
    """
    for rule in _rules(policy):
        if isinstance(rule, AboveCost) and not isinstance(rule.missed, float | int):
            for part in subexpressions(rule.missed):
                if not isinstance(part, Literal | Arithmetic | Column):
                    raise PolicyUnusable(type(part).__name__, stream=spine.name)
                if isinstance(part, Column) and not _is_number(spine, part):
                    raise PolicyUnusable(f"the field {part.field!r} of {part.stream!r}", stream=spine.name)


def cost_fields(policy: Policy) -> tuple[str, ...]:
    """Return the fields of a record that the policy's costs need, in order of name."""
    costs = [rule.missed for rule in _rules(policy) if isinstance(rule, AboveCost)]
    used = [part for cost in costs if not isinstance(cost, float | int) for part in subexpressions(cost)]
    return tuple(sorted({part.field for part in used if isinstance(part, Column)}))


def row_values(spine: StreamDefinition, record: Record) -> dict[str, float]:
    """Return a record's numbers in their units, missing as NaN: what costs are computed from.

    Each is divided once by a power of ten, by the same function as in features.

    Parameters
    ----------
    spine : the stream that the record is of; its fields say how many decimals a number has
    record : numbers as whole counts of their last decimal, None where missing
    """
    return {
        name: float("nan") if value is None else decimal(value, float(10 ** spine.fields[name].decimals))
        for name, value in record.values.items()
    }


def decide(policy: Policy, score: float, values: Values) -> Verdict:
    """Decline where the policy's first rule holds, else refer where its second does, else approve.

    Parameters
    ----------
    policy : at most two rules
    score : the calibrated probability, 0 to 1; equal to a threshold is not above it
    values : numbers of the record in their units, as costs need them; NaN where missing

    Examples
    --------
    A missed fraud of 95 against a false alarm of 5 gives the threshold 5 / 100; equal is not above.

    >>> from tallystick.definitions.policies import Policy, above_cost
    >>> policy = Policy(decline=above_cost(false_alarm=5.0, missed=Column("payments", "amount")))
    >>> decide(policy, 0.05, {"amount": 95.0})
    Verdict(action='approve', threshold=0.05)
    >>> decide(policy, 0.06, {"amount": 95.0})
    Verdict(action='decline', threshold=0.05)
    """
    limits = [float(limit) for limit in thresholds(policy, values)]
    if any(np.isnan(limit) for limit in limits):
        return Verdict("refer", float("nan"))
    actions: tuple[Action, ...] = ("decline", "refer")
    for action, limit in zip(actions, limits, strict=False):
        if score > limit:
            return Verdict(action, limit)
    return Verdict("approve", min(limits))


def thresholds(policy: Policy, values: Values) -> list[Doubles]:
    """Return the threshold of each rule, decline first, then refer where there is one.

    Parameters
    ----------
    policy : whose rules
    values : numbers of one record, or columns of many, by field and in their units

    Returns
    -------
    one number per rule and record; NaN where a cost is unknown. What costs nothing to miss has the threshold 1

    References
    ----------
    C. Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, equation 2.
    """
    return [_threshold(rule, values) for rule in _rules(policy)]


def actions(policy: Policy, scores: ArrayLike, values: Values) -> NDArray[np.str_]:
    """Return what ``decide`` says of each of many records.

    Parameters
    ----------
    scores : shape (n_rows,)
    values : columns of the same rows, as costs need them

    Examples
    --------
    >>> from tallystick.definitions.policies import Policy, above
    >>> actions(Policy(decline=above(0.9), refer=above(0.2)), [0.1, 0.5, 0.95], {}).tolist()
    ['approve', 'refer', 'decline']
    """
    given = np.asarray(scores, dtype=np.float64)
    limits = [np.broadcast_to(limit, given.shape) for limit in thresholds(policy, values)]
    is_unknown = np.any(np.isnan(limits), axis=0)
    is_above = [given > limit for limit in limits]
    found = np.where(is_above[-1] if len(limits) == 2 else False, "refer", "approve")
    found = np.where(is_above[0], "decline", found)
    return np.where(is_unknown, "refer", found)


def costs(policy: Policy, values: Values, n_rows: int) -> Doubles | None:
    """Return what missing each record would cost by the first rule that says so; None where none does.

    Parameters
    ----------
    values : columns of the rows, as costs need them
    n_rows : how many rows there are
    """
    rules = [rule for rule in _rules(policy) if isinstance(rule, AboveCost)]
    return missed_cost(rules[0], values, n_rows) if rules else None


def missed_cost(rule: AboveCost, values: Values, n_rows: int) -> Doubles:
    """Return what letting each of some records pass would cost if it were bad, NaN where that is unknown.

    Parameters
    ----------
    rule : how the cost is computed
    values : columns of the rows, in their units
    n_rows : how many rows there are; a constant cost has no column that tells
    """
    return np.array(np.broadcast_to(_cost(rule.missed, values), (n_rows,)))


def background_rows(policy: Policy, scores: ArrayLike, values: Values, *, n: int = 1_000) -> NDArray[np.int64]:
    """Choose the approved rows nearest to being declined or referred: what such a record is compared with.

    Parameters
    ----------
    scores : shape (n_rows,)
    values : columns of the same rows, as costs need them

    Returns
    -------
    places of at most ``n`` rows, rising; of equally near rows the earlier ones

    Raises
    ------
    BackgroundEmpty
        If the policy approves no row.
    """
    given = np.asarray(scores, dtype=np.float64)
    limits = [np.broadcast_to(limit, given.shape) for limit in thresholds(policy, values)]
    distance = np.min(limits, axis=0) - given
    allowed = np.flatnonzero(distance >= 0)  # unknown costs compare false: such rows are not approved
    if not len(allowed):
        raise BackgroundEmpty(len(given))
    nearest = np.argsort(distance[allowed], kind="stable")[:n]
    return np.sort(allowed[nearest])


def _rules(policy: Policy) -> list[Above | AboveCost]:
    return [policy.decline] if policy.refer is None else [policy.decline, policy.refer]


def _is_number(spine: StreamDefinition, column: Column) -> bool:
    field = spine.fields.get(column.field)
    is_number = isinstance(field, Money | Number | Integer | Flag)
    return column.stream == spine.name and is_number and not (field is not None and field.optional)


def _threshold(rule: Above | AboveCost, values: Values) -> Doubles:
    if isinstance(rule, Above):
        return np.asarray(rule.threshold, dtype=np.float64)
    missed = _cost(rule.missed, values)
    limit = rule.false_alarm / (rule.false_alarm + np.maximum(missed, 0.0))
    return np.where(np.isfinite(missed), limit, np.nan)


def _cost(expr: AnyExpr | float, values: Values) -> Doubles:
    match expr:
        case Literal(value=value):
            return np.asarray(value, dtype=np.float64)
        case Column(field=field):
            return np.asarray(values[field], dtype=np.float64)
        case Arithmetic(op=op, left=left, right=right):
            with np.errstate(all="ignore"):
                result: Doubles = _OPERATIONS[op](_cost(left, values), _cost(right, values))
            return np.where(np.isfinite(result), result, np.nan)
        case float() | int():
            return np.asarray(expr, dtype=np.float64)
        case _:
            raise PolicyUnusable(type(expr).__name__, stream="the record's own stream")
