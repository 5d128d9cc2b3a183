"""What a policy does and what limits demand, in plain words: what a validator reads before saying yes."""

from collections.abc import Sequence

from tallystick.definitions.expressions import Expr
from tallystick.definitions.limits import Limit
from tallystick.definitions.meaning import meaning
from tallystick.definitions.policies import Above, AboveCost, Policy
from tallystick.definitions.streams import StreamDefinition

_METRICS = {"average_precision": "average precision", "auc": "AUC"}


def policy_words(policy: Policy, spine: StreamDefinition) -> tuple[str, ...]:
    """Return what is done with a score, one sentence for each rule in the order they are asked.

    Parameters
    ----------
    policy : from a score to an action
    spine : the stream whose records are decided about

    Examples
    --------
    >>> from tallystick.definitions.fields import money
    >>> from tallystick.definitions.policies import above, above_cost
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="payment_id", time="paid_at", fields={"amount": money("EUR")})
    >>> policy = Policy(decline=above_cost(false_alarm=5.0, missed=payments.amount), refer=above(0.2))
    >>> for sentence in policy_words(policy, payments.definition):
    ...     print(sentence)
    decline where score times amount (EUR) is above (1 - score) times 5
    refer where the score is above 0.2
    approve the rest
    """
    rules = [("decline", policy.decline), *([] if policy.refer is None else [("refer", policy.refer)])]
    return (*(f"{action} where {_rule(rule, spine)}" for action, rule in rules), "approve the rest")


def limit_words(limits: Sequence[Limit]) -> tuple[str, ...]:
    """Return what limits demand, one text each.

    >>> limit_words([Limit("auc", 0.7)])
    ('AUC at least 0.7',)
    """
    return tuple(f"{_METRICS[limit.metric]} at least {_number(limit.at_least)}" for limit in limits)


def _rule(rule: Above | AboveCost, spine: StreamDefinition) -> str:
    if isinstance(rule, Above):
        return f"the score is above {_number(rule.threshold)}"
    missed = meaning(rule.missed, {spine.name: spine}) if isinstance(rule.missed, Expr) else _number(rule.missed)
    return f"score times {missed} is above (1 - score) times {_number(rule.false_alarm)}"


def _number(value: float) -> str:
    # Every digit: two thresholds that differ must not read alike.
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
