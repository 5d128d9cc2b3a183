"""What an operator reads of a running service: how often it refused or reached a cap since it began, and why."""

from collections.abc import Sequence
from typing import Any

from tallystick.features.plan import Plan
from tallystick.serving.requests import Answer, Decided, Refused


class Counts:
    """Counts of the answers of one service since it began; what happened before stands in the log.

    Parameters
    ----------
    plan : of the features it decides by

    Examples
    --------
    >>> from tallystick.definitions.features import FeatureSet
    >>> from tallystick.definitions.fields import key
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="id", time="at", fields={"customer": key, "shop": key})
    >>> class Shops(FeatureSet, spine=payments):
    ...     shops = payments.by("customer").distinct(payments.shop, cap=3).over("7d")
    >>> counts = Counts(Plan(Shops.definition, (payments.definition,)))
    >>> counts.take([Refused("invalid", "This is no record.")])
    >>> counts.to_plain()
    {'refused': {'invalid': 1}, 'caps': {'shops': 0}}
    """

    def __init__(self, plan: Plan) -> None:
        names = plan.definition.names
        self._caps = [(name, names.index(name)) for name in plan.definition.capped]
        self._metrics = {name: 0 for name, _ in self._caps}
        self._refused: dict[str, int] = {}

    def take(self, answers: Sequence[Answer]) -> None:
        """Count the answers of a group; a repeated one was counted when it was first given."""
        for answer in answers:
            if isinstance(answer, Refused):
                self._refused[answer.error] = self._refused.get(answer.error, 0) + 1
            elif isinstance(answer, Decided) and not answer.is_repeated:
                self._decided(answer)

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        return {
            "refused": dict(self._refused),
            "caps": dict(self._metrics),
        }

    def _decided(self, answer: Decided) -> None:
        features = answer.decision.features
        if features is not None:
            for name, place in self._caps:
                self._metrics[name] += features[place] is None
