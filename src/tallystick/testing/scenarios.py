"""Small invented arrivals for property tests of executors: everything that can go wrong in time, in a few records.

Ties, exact edges of windows, late events, reports and corrections before their payment, known-at instants that come
later or earlier than those before, several reports of a payment, reports of payments that never come, several
entities of one and two keys, missing keys and values, tables without instants, versions of a table that arrive late,
a stream that reports itself, events of another stream than the one that asks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from hypothesis import strategies as st

from tallystick.data.merge import from_parsed
from tallystick.data.records import BEGINNING_US, Dataset, Record, id_of
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.streams import Source, Stream
from tallystick.features.plan import Plan
from tallystick.testing.feature_strategies import WORDS, Strategy, aggregates, any_feature
from tallystick.testing.scenario_streams import SOURCES, SPINES, profiles, shops

IDS = [f"p{i}" for i in range(8)]
MANY = [2, 1, 5, 6, 8, 8, 8, 0]  # how many payments, and how many reports: rarely none, often enough to meet
LIMITS = [2**45, 2**46, 2**47, 2**60, 2**61, 2**62]
SOME = [2, 1, 3, 4, 0]
EPOCHS = [
    0,
    -3,
    3_600_000_000 - 5,
    1_780_000_000_000_000,
    1_774_746_000_000_000 - 5,  # clocks go forward in Berlin
    1_793_512_800_000_000 - 5,  # clocks go back in New York
    504_901_800_000_000 - 5,  # Kathmandu leaves half past five
]
CARDS = ("a", "b", "a", "a", "ab", None)
SHOPS = ("a", "ba", "\N{GREEK SMALL LETTER OMEGA}")
ABOUT = [*IDS[:4], *IDS, None]
COUNTRIES = [None, *WORDS]
OFTEN = ("payments", "reports", "refunds")
MOMENTS = st.integers(0, 12)
REPORT_TIMES = st.sampled_from([*range(7), *range(19)])

RecordStrategy = st.SearchStrategy[Record]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plan, and records in order of arrival.

    Parameters
    ----------
    plan : of a drawn feature set over one of the spines
    arrivals : records of all sources that the plan looks at, each with its place
    dataset : the same as columns
    """

    plan: Plan
    arrivals: list[tuple[int, Record]]
    dataset: Dataset

    @property
    def spine(self) -> str:
        """The name of the stream whose records ask."""
        return self.plan.definition.spine.name


@st.composite
def scenarios(
    draw: st.DrawFn,
    *,
    largest: int = 10**6,
    features: Callable[[Stream], Strategy] = any_feature,
    spines: tuple[Stream, ...] = SPINES,
    cards: tuple[str | None, ...] = CARDS,
    shops: tuple[str, ...] = SHOPS,
) -> Scenario:
    """Draw a feature set and arrivals.

    Parameters
    ----------
    largest : the largest amount, in cents
    features : returns what to draw features from, of a spine; everything by default
    spines : the streams of which one asks
    cards, shops : the names of entities
    """
    spine = draw(st.sampled_from(spines))
    made_of = draw(st.lists(features(spine), min_size=1, max_size=5))
    made: Any = type("Drawn", (FeatureSet,), {f"f{i}": expr for i, expr in enumerate(made_of)}, spine=spine)
    sources = tuple(source for source in SOURCES if source.name in made.definition.sources)
    named = [source.name for source in sources]
    kinds, epoch = _kinds(_World(largest, cards, shops)), draw(st.sampled_from(EPOCHS))
    records: list[Record] = []
    for name in named:
        many = MANY if name == spine.definition.name or name in OFTEN else SOME
        drawn = [_named(draw(kinds[name]), number, epoch) for number in range(draw(st.sampled_from(many)))]
        records += {record.id: record for record in drawn}.values()
    mixed = draw(st.permutations(records))
    if draw(st.booleans()):  # mostly in order, as life is: only so do reports often come while a window is open
        mixed = sorted(mixed, key=lambda record: epoch if record.time is None else record.time)
    steps = draw(st.lists(st.integers(1, 3), min_size=len(mixed), max_size=len(mixed)))
    arrivals = [(sum(steps[: i + 1]), record) for i, record in enumerate(mixed)]
    return Scenario(Plan(made.definition, sources), arrivals, dataset_of(arrivals, sources))


def near_the_limit(*, is_own: bool = False) -> st.SearchStrategy[Scenario]:
    """Draw scenarios with totals, or totals of squares, about as large as they may be: some are too large.

    Parameters
    ----------
    is_own : a record asks only about entities that it belongs to itself, so that whoever adds to a total also asks
    """
    features = partial(aggregates, functions=("sum", "mean", "std"), is_own=is_own)
    of = [scenarios(largest=n, features=features, cards=("a", "a", "b", None), shops=("a",)) for n in LIMITS]
    return st.sampled_from(of).flatmap(lambda scenario: scenario)


def dataset_of(arrivals: list[tuple[int, Record]], sources: tuple[Source, ...] = SOURCES) -> Dataset:
    """Return numbered records as columns.

    Parameters
    ----------
    arrivals : the position of each record, rising, and the record
    sources : the streams and tables of the dataset; records of others are left out
    """
    records = {
        source.name: from_parsed(source, [pair for pair in arrivals if pair[1].stream == source.name])
        for source in sources
    }
    return Dataset(records, "", arrivals[-1][0] if arrivals else 0)


@dataclass(frozen=True, slots=True)
class _World:
    """Strategies of each kind of record, with times from 0 on; ids are given when they are drawn."""

    largest: int
    cards: tuple[str | None, ...]
    shops: tuple[str, ...]

    def payments(self) -> RecordStrategy:
        """Draw payments."""
        names = {"card": self.cards, "shop": self.shops, "country": COUNTRIES, "reverses": [None, None, *IDS]}
        values = {
            "amount": self._amounts(),
            "points": self._some(),
            "abroad": st.sampled_from([None, 0, 1]),
            "opened_at": st.none() | st.integers(-(10**14), 10**15),
        }
        return self._kind("payments", MOMENTS, names, values)

    def applications(self) -> RecordStrategy:
        """Draw applications."""
        names = {"client": self.cards, "card": self.cards, "shop": self.shops}
        values = {
            "requested": self._amounts(),
            "share": st.integers(0, 1_000),
            "years": st.integers(-3, 3),
            "is_new": st.integers(0, 1),
        }
        return self._kind("applications", MOMENTS, names, values)

    def reports(self) -> RecordStrategy:
        """Draw reports, most often of a record that comes."""
        return self._kind("reports", REPORT_TIMES, {"payment_id": ABOUT}, {"confirmed": st.sampled_from([None, 0, 1])})

    def refunds(self) -> RecordStrategy:
        """Draw corrections, most often of a record that comes."""
        return self._kind("refunds", REPORT_TIMES, {"payment_id": ABOUT}, {"delta": self._amounts()})

    def outcomes(self) -> RecordStrategy:
        """Draw outcomes."""
        stated = {"is_fraud": st.integers(0, 1), "is_abuse": st.sampled_from([None, 0, 1])}
        return self._kind("outcomes", st.none(), {}, stated)

    def profiles(self) -> RecordStrategy:
        """Draw what held of a card from an instant on."""
        names: dict[str, Sequence[Any]] = {"card": [card for card in self.cards if card], "home": COUNTRIES}
        return self._kind("profiles", st.integers(-4, 12), names, {"limit": self._amounts(), "vip": st.integers(0, 1)})

    def static(self) -> RecordStrategy:
        """Draw what always held of a shop."""
        names: dict[str, Sequence[Any]] = {"shop": self.shops, "country": COUNTRIES}
        return self._kind("shops", st.none(), names, {"risk": st.none() | st.integers(-300, 300)})

    def _kind(
        self, stream: str, at: Strategy, names: Mapping[str, Sequence[Any]], values: Mapping[str, Strategy]
    ) -> RecordStrategy:
        keys = st.fixed_dictionaries({field: st.sampled_from(texts) for field, texts in names.items()})
        return st.builds(Record, st.just(stream), st.just(""), at, keys, st.fixed_dictionaries({**values}))

    def _amounts(self) -> st.SearchStrategy[int | None]:
        return st.none() | self._some() | self._some()

    def _some(self) -> st.SearchStrategy[int]:
        extremes = [self.largest, self.largest - 1, -self.largest, 1 - self.largest]
        return st.integers(-self.largest, self.largest) | st.sampled_from(extremes)


@cache
def _kinds(world: _World) -> dict[str, RecordStrategy]:
    return {source.name: getattr(world, "static" if source.name == "shops" else source.name)() for source in SOURCES}


def _named(record: Record, number: int, epoch: int) -> Record:
    """Return a drawn record with its instant, and an id that others of its source do not have."""
    at = None if record.time is None else epoch + record.time
    match record.stream:
        case "shops":
            return replace(record, id=id_of(shops.definition, str(record.keys["shop"]), 0), time=BEGINNING_US)
        case "profiles":
            return replace(record, id=id_of(profiles.definition, str(record.keys["card"]), at or 0), time=at)
        case "outcomes":
            return replace(record, id=IDS[number], keys={"payment_id": IDS[number]})
        case _:
            return replace(record, id=IDS[number], time=at)
