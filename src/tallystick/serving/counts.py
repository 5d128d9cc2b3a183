"""What an operator reads of a running service: how often it refused or reached a cap since it began, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.features.plan import Plan
from tallystick.journal.decision import Decision
from tallystick.serving.requests import Answer, Decided, Refused


class Counts:
    """Counts of the answers of one service since it began; what happened before stands in the log.

    Parameters
    ----------
    plans : of the features that each model decides by

    Attributes
    ----------
    refused : how many requests were refused, by the code of the refusal

    Examples
    --------
    >>> from tallystick.definitions.features import FeatureSet
    >>> from tallystick.definitions.fields import key
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="id", time="at", fields={"customer": key, "shop": key})
    >>> class Shops(FeatureSet, spine=payments):
    ...     shops = payments.by("customer").distinct(payments.shop, cap=3).over("7d")
    >>> counts = Counts({"fraud": Plan(Shops.definition, (payments.definition,))})
    >>> counts.take([Refused("invalid", "This is no record.")])
    >>> counts.refused, counts.of("fraud")
    ({'invalid': 1}, {'fallbacks': 0, 'caps': {'shops': 0}})
    """

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self.refused: dict[str, int] = {}
        self._columns = {
            model: [(name, plan.definition.names.index(name)) for name in plan.definition.capped]
            for model, plan in plans.items()
        }
        self._caps = {model: {name: 0 for name, _ in columns} for model, columns in self._columns.items()}
        self._fallbacks = dict.fromkeys(plans, 0)

    def take(self, answers: Sequence[Answer]) -> None:
        """Count the answers of a group; a repeated one was counted when it was first given."""
        for answer in answers:
            if isinstance(answer, Refused):
                self.refused[answer.error] = self.refused.get(answer.error, 0) + 1
            elif isinstance(answer, Decided) and not answer.is_repeated:
                self._decided(answer.logged.model, answer.decision)

    def of(self, model: str) -> dict[str, Any]:
        """Return a model's counts: decisions that fell back, and how often each cap was reached."""
        return {"fallbacks": self._fallbacks[model], "caps": dict(self._caps[model])}

    def _decided(self, model: str, decision: Decision) -> None:
        self._fallbacks[model] += decision.fallback
        if decision.features is not None:
            for name, place in self._columns[model]:
                self._caps[model][name] += decision.features[place] is None
