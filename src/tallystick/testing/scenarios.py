"""Small invented arrivals for property tests of executors: everything that can go wrong in time, in a few records.

Ties, exact edges of windows, late events, reports before their payment, known-at instants that come later or earlier
than those before, several reports of a payment, reports of payments that never come, delays, several entities,
missing keys and values, tables without instants, a stream that reports itself.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Arithmetic,
    Column,
    Comparison,
    Flagged,
    Literal,
    TimeColumn,
    TimePart,
)
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.fields import flag, integer, key, money, optional, time
from tallystick.definitions.streams import Stream, Table
from tallystick.features.plan import Plan

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={
        "card": optional(key),
        "shop": key,
        "reverses": optional(key),
        "amount": optional(money("EUR")),
        "points": integer(),
        "abroad": optional(flag),
        "opened_at": optional(time),
    },
)
reports = Stream(
    "reports", id="report_id", time="reported_at", fields={"payment_id": optional(key), "confirmed": optional(flag)}
)
outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag, "is_abuse": optional(flag)})

SOURCES = (payments.definition, reports.definition, outcomes.definition)
IDS = [f"p{i}" for i in range(8)]
MANY = [2, 1, 5, 6, 8, 8, 0]  # how many payments, and how many reports: rarely none, often enough to meet
WINDOWS = [*range(1, 9), 11, 12, 13]  # some wide enough for a report to come while its payment is in them
DELAYS = [0, 0, 1, 0, 2, 3, 4, 6]
EPOCHS = [0, -3, 3_600_000_000 - 5, 1_780_000_000_000_000]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plan, and records in order of arrival.

    Parameters
    ----------
    plan : of a drawn feature set over ``payments``
    arrivals : records of all sources, each with its place
    dataset : the same as columns
    """

    plan: Plan
    arrivals: list[tuple[int, Record]]
    dataset: Dataset


@st.composite
def scenarios(draw: st.DrawFn, *, largest: int = 10**6, features: st.SearchStrategy[AnyExpr] | None = None) -> Scenario:
    """Draw a feature set and arrivals.

    Parameters
    ----------
    largest : the largest amount, in cents
    features : what to draw features from; everything by default
    """
    drawn = draw(st.lists(any_feature() if features is None else features, min_size=1, max_size=6))
    definition = FeatureDefinition("Drawn", payments.definition, {f"f{i}": expr for i, expr in enumerate(drawn)})
    epoch = draw(st.sampled_from(EPOCHS))
    names = draw(st.permutations(IDS))[: draw(st.sampled_from(MANY))]
    paid = [draw(_payments(name, epoch, largest)) for name in names]
    # Most reports are about payments that come: otherwise hardly any flag would ever count in a window.
    said = [draw(_reports(i, epoch, [*names, *names, *IDS])) for i in range(draw(st.sampled_from(MANY)))]
    judged = [draw(_outcomes(name)) for name in draw(st.permutations(IDS))[: draw(st.sampled_from(MANY))]]
    mixed = draw(st.permutations([*paid, *said, *judged]))
    if draw(st.booleans()):  # mostly in order, as life is: only so do reports often come while a window is open
        mixed = sorted(mixed, key=lambda record: record.time or epoch)
    steps = [draw(st.integers(1, 3)) for _ in mixed]
    arrivals = [(sum(steps[: i + 1]), record) for i, record in enumerate(mixed)]
    return Scenario(Plan(definition, SOURCES), arrivals, dataset_of(arrivals))


def dataset_of(arrivals: list[tuple[int, Record]]) -> Dataset:
    """Return numbered records as columns."""
    records = {
        source.name: from_parsed(source, [pair for pair in arrivals if pair[1].stream == source.name])
        for source in SOURCES
    }
    return Dataset(records, "", arrivals[-1][0] if arrivals else 0)


def any_feature() -> st.SearchStrategy[AnyExpr]:
    """Draw a feature: an aggregate, a function of the record, or some of them combined."""
    leaves = st.one_of(aggregates(), _leaves())
    operations: st.SearchStrategy[AnyExpr] = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
            st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner, inner),
        ),
        max_leaves=4,
    )
    return st.one_of(aggregates(), operations)


def aggregates() -> st.SearchStrategy[AnyExpr]:
    """Draw a count, sum or mean over a window of a few microseconds."""
    of = st.sampled_from([*(Column("payments", name) for name in ("amount", "points", "abroad")), *_flags(), *_flags()])
    keys, windows, delays = st.sampled_from(["card", "shop"]), st.sampled_from(WINDOWS), st.sampled_from(DELAYS)
    counts = st.builds(Aggregate, st.just("count"), st.just("payments"), keys, st.none(), windows, delays)
    sums = st.builds(Aggregate, st.sampled_from(["sum", "mean"]), st.just("payments"), keys, of, windows, delays)
    return st.one_of(counts, sums)


def _flags() -> list[Flagged]:
    return [
        Flagged("payments", "reports", "payment_id"),
        Flagged("payments", "reports", "payment_id", None, "confirmed"),
        Flagged("payments", "outcomes", "payment_id", 3, "is_fraud"),
        Flagged("payments", "outcomes", "payment_id", 0, "is_abuse"),
        Flagged("payments", "payments", "reverses"),
    ]


def _leaves() -> st.SearchStrategy[AnyExpr]:
    columns = [Column("payments", name) for name in ("amount", "points", "abroad")]
    instants = [TimeColumn("payments", name) for name in ("paid_at", "opened_at")]
    dates = [TimePart(part, of) for part in ("hour", "weekday") for of in instants]
    literals = st.builds(Literal, st.floats(allow_nan=True, allow_infinity=True))
    return st.one_of(st.sampled_from([*columns, *dates]), literals)


def _payments(name: str, epoch: int, largest: int) -> st.SearchStrategy[Record]:
    fields = {
        "amount": st.none() | st.integers(-largest, largest),
        "points": st.integers(-largest, largest),
        "abroad": st.sampled_from([None, 0, 1]),
        "opened_at": st.none() | st.integers(-(10**14), 10**15),
    }
    named = {
        "card": st.sampled_from(["a", "b", "a", "ab", None]),
        "shop": st.sampled_from(["a", "\N{GREEK SMALL LETTER OMEGA}"]),
        "reverses": st.none() | st.sampled_from(IDS),
    }
    at = st.integers(0, 12).map(lambda moment: epoch + moment)
    return st.builds(
        Record, st.just("payments"), st.just(name), at, st.fixed_dictionaries(named), st.fixed_dictionaries(fields)
    )


def _reports(number: int, epoch: int, about: list[str]) -> st.SearchStrategy[Record]:
    at = st.sampled_from([*range(7), *range(19)]).map(lambda moment: epoch + moment)
    named = st.fixed_dictionaries({"payment_id": st.sampled_from([*about, None])})
    said = st.fixed_dictionaries({"confirmed": st.sampled_from([None, 0, 1])})
    return st.builds(Record, st.just("reports"), st.just(f"r{number}"), at, named, said)


def _outcomes(name: str) -> st.SearchStrategy[Record]:
    said = st.fixed_dictionaries({"is_fraud": st.integers(0, 1), "is_abuse": st.sampled_from([None, 0, 1])})
    return st.builds(Record, st.just("outcomes"), st.just(name), st.none(), st.just({"payment_id": name}), said)
