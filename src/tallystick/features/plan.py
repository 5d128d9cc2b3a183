"""From a feature definition to the work it asks for: groups of entities with what they keep, and expressions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from tallystick.definitions import zones
from tallystick.definitions.digest import digest_of
from tallystick.definitions.expressions import Aggregate, AnyExpr, Corrected, Flagged, LateValue, subexpressions
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.stored import stored_form
from tallystick.definitions.streams import Source, StreamDefinition
from tallystick.definitions.zones import Zone
from tallystick.errors import DefinitionError
from tallystick.features.groups import Group
from tallystick.features.lowering import Lowering, Node
from tallystick.features.planner import Planner

FORMAT = 2
"""Of the state; another number makes every state start anew."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What all executors but the oracle run: planned once, the same for a definition always and everywhere.

    Parameters
    ----------
    definition : the feature set
    sources : the spine, and every stream and table that the features and the label look at
    zones : the time zones as they were when the plan was made; by default as the installed tz database has them

    Examples
    --------
    >>> from tallystick.definitions.features import FeatureSet
    >>> from tallystick.definitions.fields import key, money
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="payment_id", time="paid_at",
    ...                   fields={"customer_id": key, "amount": money("EUR")})
    >>> customer = payments.by("customer_id")
    >>> class CardFraud(FeatureSet, spine=payments):
    ...     n = customer.count().over("1d", "7d")
    ...     spend = customer.mean(payments.amount).over("1d", "7d")
    >>> plan = Plan(CardFraud.definition, (payments.definition,))
    >>> [(group.keys, len(group.offsets), len(group.slots)) for group in plan.groups]
    [(('customer_id',), 3, 4)]
    """

    definition: FeatureDefinition
    sources: tuple[Source, ...]
    zones: tuple[Zone, ...] | None = field(default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order declared."""
        return self.definition.names

    @cached_property
    def digest(self) -> str:
        """What the features mean, as a digest: their definition, the contracts and time zones that they look at."""
        calendar = stored_form(tuple(self.calendar.values()))
        return digest_of({"features": self.definition.digest, "sources": self._contracts, "zones": calendar})

    @cached_property
    def meanings(self) -> dict[str, str]:
        """The digest of each feature's own expression, by name: which of them differ where plans do."""
        return {name: digest_of(msgspec.to_builtins(expr)) for name, expr in self.definition.features.items()}

    @cached_property
    def calendar(self) -> dict[str, Zone]:
        """The time zones that the features take parts of, by name."""
        if self.zones is not None:
            return {zone.name: zone for zone in self.zones}
        named = {getattr(part, "zone", "UTC"): None for expr in self._exprs for part in subexpressions(expr)}
        return {name: zones.zone(name) for name in named if name != "UTC"}

    @cached_property
    def streams(self) -> dict[str, Source]:
        """The spine and every source, by name."""
        return {source.name: source for source in (*self.sources, self.definition.spine)}

    @cached_property
    def flags(self) -> tuple[Flagged, ...]:
        """The different flags that the features aggregate."""
        return self.definition.flags

    @cached_property
    def later(self) -> tuple[Flagged | Corrected, ...]:
        """The different values that become known later, in order of first use."""
        found = {
            identify(part): part for expr in self._exprs for part in subexpressions(expr) if isinstance(part, LateValue)
        }
        return tuple(found.values())

    @cached_property
    def later_columns(self) -> tuple[str, ...]:
        """For each of those what its reader calls it: the corrected column, or the reports that flag."""
        return tuple(each.field if isinstance(each, Corrected) else each.by for each in self.later)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """One group per stream, keys and the way they are asked, in order of first use."""
        return tuple(planner.group() for planner in self._planners.values())

    @cached_property
    def features(self) -> tuple[Node, ...]:
        """The features' expressions, with every aggregate replaced by its place."""
        numbered = {identity: place for place, identity in enumerate(self._planners)}

        def place(aggregate: Aggregate) -> tuple[int, int]:
            drawn = self._planners[_group_of(aggregate)]
            return numbered[_group_of(aggregate)], list(drawn.slots).index(identify(aggregate))

        lowering = Lowering(self.definition.spine, self.calendar.__getitem__, place)
        return tuple(lowering.number(expr) for expr in self._exprs)

    @cached_property
    def state_digest(self) -> str:
        """What the state of these features holds, as a digest: plans of one state digest can share a store."""
        held = msgspec.json.encode([group.held() for group in self.groups]).decode()
        later, spine = stored_form(self.later), stored_form(_placeless(self.definition.spine))
        return digest_of({"format": FORMAT, "spine": spine, "held": held, "later": later, "sources": self._contracts})

    def stream(self, name: str) -> StreamDefinition:
        """Return the stream of a name.

        Raises
        ------
        DefinitionError
            If the plan has no such stream, or it is a table of outcomes.
        """
        found = self.streams.get(name)
        if not isinstance(found, StreamDefinition):
            raise DefinitionError(f"The features look at {name!r}, which is no stream of this project. Declare it.")
        return found

    @property
    def _exprs(self) -> Iterable[AnyExpr]:
        return self.definition.features.values()

    @property
    def _contracts(self) -> list[Any]:
        """The other sources that are looked at as plain data: another field for their instant is another meaning."""
        watched = self.definition.sources[1:]
        return [stored_form(_placeless(source)) for source in self.sources if source.name in watched]

    def to_stored(self) -> dict[str, Any]:
        """Return the stored form: without the places where data lies, with the time zones as they were."""
        return {
            "definition": stored_form(self.definition),
            "sources": [stored_form(_placeless(source)) for source in self.sources],
            "zones": stored_form(tuple(self.calendar.values())),
        }

    @classmethod
    def from_stored(cls, form: Mapping[str, Any]) -> "Plan":
        """Return the plan that ``to_stored`` wrote.

        Raises
        ------
        msgspec.ValidationError
            If something else wrote it.
        """
        definition = FeatureDefinition.from_stored(msgspec.convert(form.get("definition"), dict[str, Any]))
        kept = msgspec.convert(form.get("zones"), tuple[Zone, ...])
        return cls(definition, msgspec.convert(form.get("sources"), tuple[Source, ...]), kept)

    @cached_property
    def _planners(self) -> "dict[str, Planner]":
        planners: dict[str, Planner] = {}
        later = [identify(each) for each in self.later]
        for aggregate in (part for expr in self._exprs for part in subexpressions(expr) if isinstance(part, Aggregate)):
            stream, identity = self.stream(aggregate.stream), _group_of(aggregate)
            if identity not in planners:
                at = tuple(key.field for key in aggregate.at) or aggregate.keys
                planners[identity] = Planner(stream, aggregate.keys, at, self.calendar.__getitem__)
            known = later.index(identify(aggregate.of)) if isinstance(aggregate.of, LateValue) else -1
            planners[identity].add(identify(aggregate), aggregate, known)
        return planners


def plan_of(model: ModelDefinition, sources: Mapping[str, Source]) -> Plan:
    """Return the plan of a model's features, with the sources that they and its label need.

    Parameters
    ----------
    model : the model as a value
    sources : every stream and table of its project, by name and in the project's order
    """
    needed = {*model.features.sources, model.label.flagged.by}
    return Plan(model.features, tuple(source for name, source in sources.items() if name in needed))


def identify(expr: AnyExpr) -> str:
    """Return the text that two expressions share if they mean the same."""
    return msgspec.json.encode(expr).decode()


def _group_of(aggregate: Aggregate) -> str:
    """Return what aggregates share whose events and totals are kept together."""
    at = [key.field for key in aggregate.at] or aggregate.keys
    return msgspec.json.encode([aggregate.stream, aggregate.keys, at]).decode()


def _placeless(source: Any) -> Any:
    return msgspec.structs.replace(source, source="")
