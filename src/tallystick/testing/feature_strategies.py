"""Strategies that draw features over the scenarios' streams, through the same words a user writes them with.

Strategies are made once, since making them takes longer than drawing. Each takes the spine first, so that a test can
ask for a part of the algebra:
``scenarios(features=partial(aggregates, functions=("count", "sum")))``.
"""

import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tallystick.definitions.aggregates import Entity, Measure
from tallystick.definitions.expressions import Corrected, Flagged, KeyColumn
from tallystick.definitions.fields import Flag, Integer, Key, Money, Number
from tallystick.definitions.streams import Stream
from tallystick.testing.scenario_streams import applications, outcomes, payments, profiles, refunds, reports, shops

Strategy = st.SearchStrategy[Any]

FUNCTIONS = ("count", "sum", "mean", "rate", "std", "min", "max", "first", "last", "latest", "distinct", "since_last")
STREAMS = (payments, applications)
WINDOWS = [*range(1, 9), 11, 12, 13, 20, 30]  # some wide enough for a report to come while its payment is in them
DELAYS = [0, 0, 0, 0, 1, 2, 3, 4, 6]
ROUNDINGS = [None, None, None, "2us", "3us", "5us"]
SPANS = st.sampled_from(WINDOWS), st.sampled_from(DELAYS), st.sampled_from(ROUNDINGS)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]
WORDS = ["a", "b", "ab", "\N{GREEK SMALL LETTER OMEGA}", "w" * 40 + "1", "w" * 40 + "2"]
CONSTANTS = st.sampled_from([0.0, -0.0, 1, -1, 2, 0.5, 5.0, 8e307, -1e300, 5e-324]) | st.floats(-1e6, 1e6)
ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv)
LOGIC = (operator.and_, operator.or_)
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)

_KEYS: dict[str, list[tuple[str, ...]]] = {
    "payments": [*[("card",)] * 4, *[("shop",)] * 3, ("card", "shop"), ("shop", "card"), ("payment_id",)],
    "applications": [*[("card",)] * 3, *[("shop",)] * 2, ("shop", "card"), ("client",)],
}
_LIKE = {"card": ["card", "client"], "client": ["card", "client"], "shop": ["shop"]}


@cache
def any_feature(spine: Stream) -> Strategy:
    """Draw a feature: an aggregate, or functions of the record, of what is looked up, and of aggregates."""
    return _often(aggregates(spine), numbers(spine))


@cache
def aggregates(
    spine: Stream,
    *,
    functions: tuple[str, ...] = FUNCTIONS,
    streams: tuple[Stream, ...] = STREAMS,
    is_late: bool = True,
    is_own: bool = False,
) -> Strategy:
    """Draw an aggregate that is a number.

    Parameters
    ----------
    spine : whose records ask
    functions : which functions of an entity, as they are written
    streams : whose events; the spine is preferred
    is_late : flags and corrected columns are among the values
    is_own : a record asks only about entities that it belongs to itself
    """
    preferred = [spine] if is_own else [spine, spine, *streams] if spine in streams else [*streams]
    by_stream = {stream: _measured(spine, stream, functions, is_late=is_late, is_own=is_own) for stream in preferred}
    return st.sampled_from(preferred).flatmap(by_stream.__getitem__)


@cache
def numbers(spine: Stream, *, leaves: Strategy | None = None) -> Strategy:
    """Draw a number of a record: its fields, their functions, aggregates, and what they combine to.

    Parameters
    ----------
    spine : whose record
    leaves : what to combine; by default everything that looks at no other number
    """
    given_leaves = st.one_of(aggregates(spine), own(spine), numbers_of_texts(spine, texts(spine)), looked_up(spine))
    return st.recursive(given_leaves if leaves is None else leaves, _combined, max_leaves=4)


@cache
def own(stream: Stream) -> Strategy:
    """Draw a number that a record of a stream has by itself."""
    columns = [stream[name] for name in _fields(stream, (Money, Number, Integer, Flag))]
    return st.one_of(st.sampled_from(columns), _parts_of_time(stream))


@cache
def texts(spine: Stream) -> Strategy:
    """Draw a text of a record: a key of its own, of an entity's events, or of a table."""
    return st.one_of(_own_texts(spine), aggregated_texts(spine), st.sampled_from(_tables(spine, (Key,))))


@cache
def aggregated_texts(spine: Stream) -> Strategy:
    """Draw the first, last or latest key of an entity's events."""

    def of(stream: Stream) -> Strategy:
        keys = st.sampled_from([stream[name] for name in _fields(stream, (Key,))])
        functions = st.sampled_from(["first", "last", "latest"])
        measures = st.builds(
            lambda entity, function, key, only: getattr(entity, function)(key, where=only),
            _entities(spine, stream),
            functions,
            keys,
            _conditions(stream),
        )
        return st.builds(_over, measures, *SPANS)

    return st.one_of([of(stream) for stream in STREAMS])


@cache
def numbers_of_texts(stream: Stream, inner: Strategy) -> Strategy:
    """Draw a number that a text of a record gives.

    Parameters
    ----------
    stream : whose record it is
    inner : draws the texts
    """
    vocabularies = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True)
    same = st.sampled_from([operator.eq, operator.ne])
    return st.one_of(
        st.builds(lambda op, left, right: op(left, right), same, inner, _own_texts(stream) | st.sampled_from(WORDS)),
        st.builds(lambda text, words: text.category(*words), inner, vocabularies),
        st.builds(lambda text: text.is_missing(), inner),
    )


@cache
def looked_up(spine: Stream) -> Strategy:
    """Draw a number of a dated or static table, as it was at the record's instant."""
    return st.sampled_from(_tables(spine, (Money, Number, Integer, Flag)))


@cache
def conditions(stream: Stream) -> Strategy:
    """Draw a condition on a record's own fields."""
    compared = st.builds(
        lambda op, left, right: op(left, right), st.sampled_from(COMPARISONS), own(stream), _sides(stream)
    )
    missing = st.builds(lambda number: number.is_missing(), own(stream))
    single = st.one_of(compared, compared, missing, numbers_of_texts(stream, _own_texts(stream)).map(_as_condition))
    both = st.builds(lambda op, left, right: op(left, right), st.sampled_from(LOGIC), single, single)
    return st.one_of(single, single, both, single.map(operator.invert))


@cache
def _measured(spine: Stream, stream: Stream, functions: tuple[str, ...], *, is_late: bool, is_own: bool) -> Strategy:
    columns = [stream[name] for name in _fields(stream, (Money, Number, Integer, Flag))]
    keys = [stream[name] for name in _fields(stream, (Key,))]
    later = _later(stream) if is_late else []
    values: dict[str, list[Any]] = {
        "sum": [*columns, *later],
        "mean": [*columns, *later],
        "distinct": [*columns, *keys],
    }

    def of(function: str) -> Strategy:
        entities, where = _entities(spine, stream, is_own=is_own), _conditions(stream)
        if function in ("count", "since_last"):
            return st.builds(lambda entity, only: getattr(entity, function)(where=only), entities, where)
        value = conditions(stream) if function == "rate" else st.sampled_from(values.get(function, columns))
        caps = st.fixed_dictionaries({"cap": st.integers(1, 3)} if function == "distinct" else {})
        return st.builds(
            lambda entity, of, only, cap: getattr(entity, function)(of, where=only, **cap), entities, value, where, caps
        )

    by_function = {function: st.builds(_over, of(function), *SPANS) for function in functions}
    return st.sampled_from(functions).flatmap(by_function.__getitem__)


def _over(measure: Any, window: int, delay: int, every: str | None) -> Any:
    """Return the measure over a window; what looks back for ever is complete."""
    return measure.over(f"{window}us", delay=f"{delay}us", every=every) if isinstance(measure, Measure) else measure


@cache
def _entities(spine: Stream, stream: Stream, *, is_own: bool = False) -> Strategy:
    """Draw whose events are meant: by keys of the same name where the spine has them, or told by ``at``."""
    asking = [name for name in _fields(spine, (Key,)) if name != "reverses"]

    def requested(key: str) -> Strategy:
        like = [name for name in asking if name in _LIKE.get(key, [])]
        return st.sampled_from([spine[name] for name in [*like * 4, *asking]])

    def entities_at(keys: tuple[str, ...]) -> st.SearchStrategy[Entity]:
        entity = stream.by(*keys)
        if is_own:
            return st.just(entity)
        named = st.tuples(*map(requested, keys)).map(lambda fields: entity.at(*fields))
        has_same = all(isinstance(spine.definition.fields.get(key), Key) for key in keys)
        return _often(st.just(entity), named, (0, 0, 1)) if has_same else named

    by_keys = {keys: entities_at(keys) for keys in _KEYS[stream.definition.name]}
    return st.sampled_from(_KEYS[stream.definition.name]).flatmap(by_keys.__getitem__)


@cache
def _conditions(stream: Stream) -> Strategy:
    return _often(st.none(), conditions(stream), [0, 0, 0, 1])


def _often(first: Strategy, second: Strategy, places: Sequence[int] = (0, 1)) -> Strategy:
    """Draw from one of two strategies; ``one_of`` would count every branch inside them."""
    return st.sampled_from(places).flatmap((first, second).__getitem__)


def _later(stream: Stream) -> list[Flagged | Corrected]:
    flags = [
        stream.flagged_by(reports, on="payment_id"),
        stream.flagged_by(reports.confirmed, on="payment_id"),
        stream.flagged_by(outcomes.is_fraud, known_after="3us"),
        stream.flagged_by(outcomes.is_abuse, known_after="0us"),
        stream.flagged_by(payments, on="reverses"),
    ]
    money, whole = (
        (payments.amount, payments.points) if stream is payments else (applications.requested, applications.years)
    )
    refunded: Corrected = money.corrected_by(refunds.delta, on="payment_id")
    return [*flags, refunded, refunded, refunded, whole.corrected_by(payments.points, on="reverses")]


def _tables(spine: Stream, kinds: tuple[type, ...]) -> list[Any]:
    cards = [spine.card, spine.shop] if spine is payments else [spine.card, spine.client]
    return [
        *(profiles.asof(card)[name] for card in cards for name in _fields(profiles, kinds)),
        *(shops.asof(spine.shop)[name] for name in _fields(shops, kinds)),
    ]


@cache
def _own_texts(stream: Stream) -> Strategy:
    columns: list[KeyColumn] = [stream[name] for name in _fields(stream, (Key,))]  # type: ignore[misc]
    return st.sampled_from(columns)


def _fields(source: Any, kinds: tuple[type, ...]) -> list[str]:
    return [name for name, kind in source.definition.fields.items() if isinstance(kind, kinds)]


@cache
def _parts_of_time(stream: Stream) -> Strategy:
    instants = [payments.paid_at, payments.opened_at] if stream is payments else [stream[stream.definition.time]]
    parts = st.sampled_from(["hour", "weekday", "day", "month"])
    return st.builds(
        lambda of, part, zone: getattr(of, part)(zone), st.sampled_from(instants), parts, st.sampled_from(ZONES)
    )


@cache
def _sides(stream: Stream) -> Strategy:
    return st.one_of(st.sampled_from([0, 1, 2, 0.5, -3]), CONSTANTS, own(stream))


def _as_condition(number: Any) -> Any:
    """Return a condition of a number that a text gives: some are, and a category has a place."""
    return number == 1 if type(number).__name__ == "Category" else number


def _combined(inner: Strategy) -> Strategy:
    other = _often(inner, CONSTANTS)

    def pair(op: Callable[[Any, Any], Any]) -> Strategy:
        return st.builds(op, inner, other) | st.builds(lambda left, right: op(right, left), inner, other)

    functions: list[Callable[[Any], Any]] = [
        lambda of: of.abs(),
        lambda of: of.log1p(),
        lambda of: of.is_missing(),
        operator.invert,
    ]
    return st.one_of(
        st.one_of([pair(op) for op in ARITHMETIC]),
        _often(st.one_of([pair(op) for op in COMPARISONS]), st.one_of([st.builds(op, inner, inner) for op in LOGIC])),
        st.builds(lambda of, other: of.coalesce(other), inner, other),
        st.builds(lambda of, function: function(of), inner, st.sampled_from(functions)),
        st.builds(lambda of, ends: of.between(*sorted(ends)), inner, st.tuples(CONSTANTS, CONSTANTS)),
    )
