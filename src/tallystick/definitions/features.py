"""Feature sets: a class whose attributes are features, each named as its column."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast

import msgspec

from tallystick.definitions.aggregates import Family, Measure
from tallystick.definitions.describe import Description, describe
from tallystick.definitions.diagnostics import shown, where
from tallystick.definitions.digest import digest_of
from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Column,
    Corrected,
    Expr,
    Flagged,
    KeyColumn,
    Literal,
    TableColumn,
    TimeColumn,
    is_text,
    subexpressions,
)
from tallystick.definitions.fields import Key
from tallystick.definitions.stored import stored_form, struct_form
from tallystick.definitions.streams import Source, Stream, StreamDefinition, Table
from tallystick.errors import DefinitionError, LeakRefused


class FeatureDefinition(msgspec.Struct, frozen=True):
    """A feature set as a value.

    Parameters
    ----------
    name : the class's name
    spine : the stream with one row of features per record
    features : every feature's expression under its column's name, in the order declared
    """

    name: str
    spine: StreamDefinition
    features: dict[str, AnyExpr]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.features)

    @property
    def flags(self) -> tuple[Flagged, ...]:
        """The different flags that the features aggregate, in order of first use."""
        found = {
            digest_of(stored_form(part)): part
            for expr in self.features.values()
            for part in subexpressions(expr)
            if isinstance(part, Flagged)
        }
        return tuple(found.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all streams and tables that the features look at, the spine first."""
        found = {self.spine.name: None}
        for expr in self.features.values():
            for part in subexpressions(expr):
                if isinstance(part, Aggregate):
                    found[part.stream] = None
                elif isinstance(part, Flagged | Corrected):
                    found[part.by] = None
        return tuple(found)

    @property
    def capped(self) -> tuple[str, ...]:
        """The features that are missing only where their cap was reached: those that are a ``distinct`` alone.

        What is computed from one can be missing for other reasons, so it tells nothing of the cap.
        """
        features = self.features.items()
        return tuple(name for name, e in features if isinstance(e, Aggregate) and e.function == "distinct")

    @property
    def digest(self) -> str:
        """The digest of what the features mean: not where data lies, nor how the class is called."""
        form = self.to_stored()
        del form["name"]
        return digest_of(form)

    def to_stored(self) -> dict[str, Any]:
        """Return the stored form: without the place where data lies, and features as pairs.

        Canonical JSON does not keep the order of an object's names, and a vector lives by it.
        """
        placeless = msgspec.structs.replace(self, spine=msgspec.structs.replace(self.spine, source=""))
        return struct_form(placeless) | {"features": [[name, stored_form(e)] for name, e in self.features.items()]}

    @classmethod
    def from_stored(cls, form: Mapping[str, Any]) -> "FeatureDefinition":
        """Return the definition that ``to_stored`` wrote.

        Raises
        ------
        msgspec.ValidationError
            If something else wrote it.
        """
        return msgspec.convert(unpaired(form), cls)

    def describe(self, sources: Mapping[str, Source]) -> Description:
        """Return what each feature means in words, its inputs, windows, unit and cost.

        Parameters
        ----------
        sources : the streams and tables that the features look at, by name

        Raises
        ------
        DefinitionError
            If one of them is not there.
        """
        known = {**sources, self.spine.name: self.spine}
        for name in self.sources:
            if name not in known:
                sentence = (
                    f"{self.name} looks at {name!r}, which is not among the sources. Hand it in: describe({name})."
                )
                raise DefinitionError(sentence, where=where())
        return describe(self.name, self.spine, self.features, known)


class _Pairs(msgspec.Struct):
    features: list[tuple[str, Any]]


def unpaired(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return a feature definition's stored form with its pairs as the dict that the definition holds.

    Raises
    ------
    msgspec.ValidationError
        If the features are no pairs of a name and something.
    """
    return {**form, "features": dict(msgspec.convert(form, _Pairs).features)}


class FeatureSet:
    """Base of a project's features: subclass it with ``spine=``, and write one attribute per feature.

    A family over several windows becomes one column per window: ``n = customer.count().over("1d", "7d")`` gives
    ``n_1d`` and ``n_7d``.

    A subclass of a feature set has its features too, first, and its spine; an attribute that it writes anew replaces
    the one it has from there.

    Raises
    ------
    DefinitionError
        If an attribute is no feature, a name is used twice, or a feature looks at another stream's own fields.
    LeakRefused
        If a feature is an outcome that nothing dates.

    Examples
    --------
    >>> from tallystick.definitions.fields import key, money
    >>> payments = Stream("payments", id="payment_id", time="paid_at",
    ...                   fields={"customer_id": key, "amount": money("EUR")})
    >>> class CardFraud(FeatureSet, spine=payments):
    ...     night = payments.paid_at.hour() <= 6
    ...     n = payments.by("customer_id").count().over("1d", "7d")
    >>> CardFraud.definition.names
    ('night', 'n_1d', 'n_7d')
    """

    definition: ClassVar[FeatureDefinition]

    def __init_subclass__(cls, *, spine: Stream | None = None) -> None:
        known, features = _spine(cls, spine), dict[str, AnyExpr]()
        for attribute, value in _attributes(cls).items():
            for name, expr in _columns(cls.__name__, attribute, value):
                if name in features:
                    sentence = f"{cls.__name__} has two features called {name!r}. Rename one."
                    raise DefinitionError(sentence, where=where())
                # The matrix has the id as its first column.
                if name == known.id:
                    sentence = (
                        f"{cls.__name__}.{name} is called as the id of {known.name!r}. Call the feature otherwise."
                    )
                    raise DefinitionError(sentence, where=where())
                features[name] = _checked(f"{cls.__name__}.{name}", expr, known)
        if not features:
            raise DefinitionError(f"{cls.__name__} declares no feature. Write at least one.", where=where())
        cls.definition = FeatureDefinition(cls.__name__, known, features)

    @classmethod
    def describe(cls, *sources: Stream | Table) -> Description:
        """Return what each feature means in words, its inputs, windows, unit and cost; printed, it is a table.

        Parameters
        ----------
        sources : streams and tables that the features look at; those that stand beside the class in its module need
            not be named

        Raises
        ------
        DefinitionError
            If one of them is not known, or is no stream or table.

        Examples
        --------
        >>> from tallystick.definitions.fields import key
        >>> payments = Stream("payments", id="payment_id", time="paid_at", fields={"customer_id": key})
        >>> class CardFraud(FeatureSet, spine=payments):
        ...     n = payments.by("customer_id").count().over("7d")
        >>> CardFraud.describe()["n"].meaning
        "number of the customer's payments of the last 7 days"
        """
        for source in sources:
            if not isinstance(source, Stream | Table):
                raise DefinitionError(f"describe() takes streams and tables, not {shown(source)}.", where=where())
        # In a notebook or a project file, streams stand beside the class that uses them.
        beside = vars(sys.modules[cls.__module__]).values() if cls.__module__ in sys.modules else ()
        declared = [value.definition for value in (*beside, *sources) if isinstance(value, Stream | Table)]
        return cls.definition.describe({source.name: source for source in declared})


def _spine(cls: type[FeatureSet], spine: Stream | None) -> StreamDefinition:
    """Return the stream with one row of features per record: the one that is named, or that of the set below."""
    below = {each.definition.spine.name: each.definition.spine for each in cls.__bases__ if each in _sets(cls)}
    if spine is None and len(below) == 1:
        return next(iter(below.values()))
    if not isinstance(spine, Stream):
        wording = "" if spine is None else f", not {shown(spine)}"
        sentence = f"{cls.__name__} needs spine= the stream with one row of features per record{wording}."
        raise DefinitionError(sentence, where=where())
    if below.keys() - {spine.definition.name}:
        sentence = (
            f"{cls.__name__} has the features of a set whose spine is {', '.join(map(repr, below))}, so its spine "
            f"cannot be {spine.definition.name!r}. Leave out spine=, or subclass ts.FeatureSet."
        )
        raise DefinitionError(sentence, where=where())
    return spine.definition


def _sets(cls: type[FeatureSet]) -> list[type[FeatureSet]]:
    """Return the feature sets that a class is made of, the farthest first, itself last."""
    return [each for each in reversed(cls.__mro__) if issubclass(each, FeatureSet) and each is not FeatureSet]


def _attributes(cls: type[FeatureSet]) -> dict[str, object]:
    """Return what is written in a feature set and those it inherits from, in that order; the nearest wins."""
    found: dict[str, object] = {}
    for each in _sets(cls):
        found |= {name: value for name, value in vars(each).items() if not name.startswith("__")}
        # A finished set carries its definition as an attribute, and that is no feature to inherit.
        if each is not cls:
            del found["definition"]
    reserved = [name for name in ("definition", "describe") if name in found]
    if reserved:
        sentence = (
            f"{cls.__name__}.{reserved[0]} is what every feature set tells about itself. Call the feature otherwise."
        )
        raise DefinitionError(sentence, where=where())
    return found


def _columns(owner: str, attribute: str, value: object) -> list[tuple[str, Expr]]:
    if isinstance(value, Family):
        return [(f"{attribute}_{window}", member) for window, member in value.items()]
    if isinstance(value, Measure):
        sentence = f"{owner}.{attribute} does not say over which windows. Add .over('7d')."
        raise DefinitionError(sentence, where=where())
    if not isinstance(value, Expr):
        sentence = f"{owner}.{attribute} is {shown(value)}, which is no feature. Make it of a stream's columns."
        raise DefinitionError(sentence, where=where())
    return [(attribute, value)]


def _checked(name: str, expr: Any, spine: StreamDefinition) -> AnyExpr:
    if isinstance(expr, TableColumn):
        raise LeakRefused(f"{expr.table}.{expr.field}", where=where())
    remedy = _not_a_number(expr)
    if remedy is not None:
        raise DefinitionError(f"{name} is no number that can be a feature. {remedy}", where=where())
    for field in _looked_at(expr):
        if field.stream != spine.name:
            sentence = (
                f"{name} looks at the stream {field.stream!r}, and its feature set has one row per record of "
                f"{spine.name!r}. Make it of {spine.name!r}, or of an aggregate or .latest() of {field.stream!r}."
            )
            raise DefinitionError(sentence, where=where())
    for part in subexpressions(expr):
        # Without .at(), the spine's own key of the same name says whose events are meant.
        if isinstance(part, Aggregate) and not part.at:
            _check_entity(name, part, spine)
    checked: AnyExpr = expr
    return checked


def _not_a_number(expr: Any) -> str | None:
    if isinstance(expr, TimeColumn):
        return "It is an instant: take .hour() or .weekday() of it."
    if isinstance(expr, Literal):
        return "It is a constant, and a constant tells nothing."
    if isinstance(expr, Flagged | Corrected):
        return "It becomes known later than the record is decided: aggregate it over an entity's past."
    if is_text(expr):
        return "It is a text: aggregate over it with .by(...), compare it, or take .category(...) of it."
    return None


def _looked_at(expr: AnyExpr) -> Iterator[Column | TimeColumn | KeyColumn]:
    """Yield the record's own fields that an expression takes, and the keys by which its aggregates are asked."""
    if isinstance(expr, Aggregate):
        yield from expr.at
    elif isinstance(expr, Column | TimeColumn | KeyColumn):
        yield expr
    else:
        inner = (getattr(expr, side, None) for side in ("left", "right", "of"))
        for part in inner:
            if isinstance(part, Expr):
                yield from _looked_at(cast("AnyExpr", part))


def _check_entity(name: str, aggregate: Aggregate, spine: StreamDefinition) -> None:
    for key in aggregate.keys:
        if not isinstance(spine.fields.get(key), Key):
            sentence = (
                f"{name} groups {aggregate.stream!r} by {key!r}, and {spine.name!r} has no key of that name. "
                f"Say which of its keys is meant, such as {aggregate.stream}.by({key!r}).at({spine.name}.other_key)."
            )
            raise DefinitionError(sentence, where=where())
