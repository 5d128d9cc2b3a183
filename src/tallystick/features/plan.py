"""From a feature definition to the work it asks for: groups of entities, running totals, windows, row expressions."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from tallystick.definitions.digest import digest_of
from tallystick.definitions.expressions import Aggregate, AnyExpr, Column, Flagged, parts
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.streams import Source
from tallystick.features.lowering import Node, lower

COUNT, SUM, MEAN = 0, 1, 2
FUNCTIONS = {"count": COUNT, "sum": SUM, "mean": MEAN}


@dataclass(frozen=True, slots=True)
class Summed:
    """A column whose running total is kept for every entity of a group; an optional one also counts who has it."""

    field: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Series:
    """A flag over one window and delay: entities count its entries and exits.

    Parameters
    ----------
    flag : place of the flag among the plan's
    delay_us : how long before the record the window ends
    window_us : how long it is
    """

    flag: int
    delay_us: int
    window_us: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One distinct aggregate of a group, and where its numbers stand.

    With E(i) the running totals at the last event at or before t - offsets[i], the number of values is
    E(newer)[number] - E(older)[number]; their sum is E(newer)[total] - E(older)[total], or, for a flag, the total
    of its series at t.

    Parameters
    ----------
    function : COUNT, SUM or MEAN
    number : channel that counts values
    total : channel that sums them, -1 for a flag or a count
    series : place of the flag's series, -1 for a column or a count
    newer, older : places of delay and of delay + window among the group's offsets, -1 where no event is looked up
    scale : 10 to the power of the column's decimals
    """

    function: int
    number: int
    total: int
    series: int
    newer: int
    older: int
    scale: float


@dataclass(frozen=True, slots=True)
class Group:
    """All that is kept and asked about the entities of one key field.

    Channel 0 of the running totals counts events; each summed column has one channel more, an optional one two:
    first how many events have it, then their sum.

    Parameters
    ----------
    key : the key field of the spine
    summed : columns with running totals, in order of first use
    offsets : the different distances from a record's time to an edge of a window, rising, in microseconds
    series : flags by window and delay, in order of first use
    slots : distinct aggregates, in order of first use
    """

    key: str
    summed: tuple[Summed, ...]
    offsets: tuple[int, ...]
    series: tuple[Series, ...]
    slots: tuple[Slot, ...]

    @property
    def channels(self) -> tuple[tuple[str | None, bool], ...]:
        """For every channel its column (None for events), and whether it counts rather than sums."""
        found: list[tuple[str | None, bool]] = [(None, True)]
        for column in self.summed:
            found += [(column.field, True)] * column.optional + [(column.field, False)]
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Plan:
    """What all executors but the oracle run: planned once, the same for a definition always and everywhere.

    Parameters
    ----------
    definition : the feature set
    sources : the spine, and every stream and table that the features' and the label's flags need

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
    >>> [(group.key, len(group.offsets), len(group.slots)) for group in plan.groups]
    [('customer_id', 3, 4)]
    """

    definition: FeatureDefinition
    sources: tuple[Source, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order declared."""
        return self.definition.names

    @cached_property
    def digest(self) -> str:
        """What the features mean, as a digest: their definition, and the contracts of the reports that they watch."""
        return digest_of({"features": self.definition.digest, "reports": self._reports})

    @cached_property
    def flags(self) -> tuple[Flagged, ...]:
        """The different flags that the features aggregate."""
        return self.definition.flags

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """One group per key field, in order of first use."""
        return tuple(drawer.group() for drawer in self._drawers.values())

    @cached_property
    def features(self) -> tuple[Node, ...]:
        """The features' expressions, with every aggregate replaced by its place."""
        keys = list(self._drawers)
        places = {
            identity: (keys.index(key), place)
            for key, drawer in self._drawers.items()
            for place, identity in enumerate(drawer.slots)
        }
        spine = self.definition.spine
        return tuple(lower(expr, spine, lambda a: places[identify(a)]) for expr in self.definition.features.values())

    @cached_property
    def state_digest(self) -> str:
        """What the state of these features holds, as a digest: plans of one state digest can share a store."""
        held = [[group.key, _plain(group.summed), _plain(group.series)] for group in self.groups]
        spine = msgspec.structs.replace(self.definition.spine, source="")
        flags = {"flags": _plain(self.flags), "reports": self._reports}
        return digest_of({"spine": msgspec.to_builtins(spine), "groups": held} | flags)

    @property
    def _reports(self) -> list[Any]:
        """The watched reports as plain data: another field for their instant is another known-at."""
        watched = {flag.by for flag in self.flags}
        return [msgspec.to_builtins(_placeless(source)) for source in self.sources if source.name in watched]

    def to_plain(self) -> dict[str, Any]:
        """Return the plan as dicts, lists, texts and numbers, without the places where data lies."""
        placeless = msgspec.structs.replace(self.definition, spine=_placeless(self.definition.spine))
        # Pairs, since canonical JSON does not keep the order of an object's names, and a vector lives by it.
        features = [[name, msgspec.to_builtins(expr)] for name, expr in self.definition.features.items()]
        return {
            "definition": msgspec.to_builtins(placeless) | {"features": features},
            "sources": [msgspec.to_builtins(_placeless(source)) for source in self.sources],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Plan":
        """Return the plan that ``to_plain`` wrote.

        Raises
        ------
        msgspec.ValidationError
            If something else wrote it.
        """
        given: dict[str, Any] = msgspec.convert(plain.get("definition"), dict[str, Any])
        pairs = msgspec.convert(given, _Pairs).features
        definition = msgspec.convert({**given, "features": dict(pairs)}, FeatureDefinition)
        return cls(definition, msgspec.convert(plain.get("sources"), tuple[Source, ...]))

    @cached_property
    def _drawers(self) -> "dict[str, _Drawer]":
        drawers: dict[str, _Drawer] = {}
        flags = [identify(flag) for flag in self.flags]
        for aggregate in _aggregates(self.definition.features.values()):
            drawer = drawers.setdefault(aggregate.key, _Drawer(aggregate.key, {}, set(), {}, {}))
            drawer.add(aggregate, self.definition, flags)
        return drawers


class _Pairs(msgspec.Struct):
    """A plain definition's features, each a name with its expression."""

    features: list[tuple[str, Any]]


def identify(expr: AnyExpr) -> str:
    """Return the text that two expressions share if they mean the same."""
    return msgspec.json.encode(expr).decode()


@dataclass(frozen=True, slots=True)
class _Drawer:
    """A group while it is filled, in order of first use."""

    key: str
    summed: dict[str, Summed]
    edges: set[int]
    series: dict[Series, None]
    slots: dict[str, tuple[Aggregate, float, Series | None]]

    def add(self, aggregate: Aggregate, definition: FeatureDefinition, flags: list[str]) -> None:
        if identify(aggregate) in self.slots:
            return
        scale, series = 1.0, None
        if isinstance(aggregate.of, Column):
            kind = definition.spine.fields[aggregate.of.field]
            self.summed[aggregate.of.field] = Summed(aggregate.of.field, kind.optional)
            scale = float(10**kind.decimals)
        elif isinstance(aggregate.of, Flagged):
            series = Series(flags.index(identify(aggregate.of)), aggregate.delay_us, aggregate.window_us)
            self.series[series] = None
        if series is None or aggregate.function == "mean":
            self.edges.update((aggregate.delay_us, aggregate.delay_us + aggregate.window_us))
        self.slots[identify(aggregate)] = (aggregate, scale, series)

    def group(self) -> Group:
        summed, offsets, series = tuple(self.summed.values()), tuple(sorted(self.edges)), tuple(self.series)
        bare = Group(self.key, summed, offsets, series, ())
        return dataclasses.replace(bare, slots=tuple(_slot(bare, *slot) for slot in self.slots.values()))


def _slot(group: Group, aggregate: Aggregate, scale: float, series: Series | None) -> Slot:
    channels, offsets = group.channels, group.offsets
    field = aggregate.of.field if isinstance(aggregate.of, Column) else None
    looks_up = series is None or aggregate.function == "mean"
    return Slot(
        function=FUNCTIONS[aggregate.function],
        number=channels.index((field, True)) if (field, True) in channels else 0,
        total=-1 if field is None else channels.index((field, False)),
        series=-1 if series is None else group.series.index(series),
        newer=offsets.index(aggregate.delay_us) if looks_up else -1,
        older=offsets.index(aggregate.delay_us + aggregate.window_us) if looks_up else -1,
        scale=scale,
    )


def _aggregates(features: Iterable[AnyExpr]) -> list[Aggregate]:
    return [part for expr in features for part in parts(expr) if isinstance(part, Aggregate)]


def _placeless(source: Any) -> Any:
    return msgspec.structs.replace(source, source="")


def _plain(values: Iterable[Any]) -> list[Any]:
    return [msgspec.to_builtins(value) for value in values]
