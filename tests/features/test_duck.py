"""SQL gives batch's bits in the cases that random arrivals seldom make."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.expressions import AnyExpr, Arithmetic, Column, Literal
from tallystick.definitions.features import FeatureDefinition
from tallystick.errors import DialectUnknown, FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.sql import duck
from tallystick.features.sql import query as sql

from . import sql_project

Floats = NDArray[np.float64]


def test_an_early_report_waits_for_its_late_event(plan: Plan, make: Any) -> None:
    """A row between a report and the late payment it names does not count that payment's flag."""
    before = [make.payment("p0", 10, 100), make.report("r1", 11, of="p1")]
    after = [make.payment("p2", 14, 100), make.payment("p1", 10, 100)]

    same_bits(plan, dataset_of([*before, *after], make))


def test_means_divide_in_the_finalisers_order(plan: Plan, make: Any) -> None:
    """Means of many amounts have batch's last bit, which another order of dividing would not."""
    cents = np.random.default_rng(7).integers(1, 10**7, 200).tolist()

    same_bits(plan, dataset_of([make.payment(f"p{i}", 10 + i / 100, each) for i, each in enumerate(cents)], make))


def test_what_is_not_finite_is_missing(plan: Plan, dataset: Dataset) -> None:
    """A product beyond the largest double is missing, and so is all that is made of it."""
    beyond = Arithmetic("*", Column("payments", "amount"), Literal(1.7e308))
    features: dict[str, AnyExpr] = {"beyond": beyond, "inverse": Arithmetic("/", Literal(1.0), beyond)}
    definition = FeatureDefinition("Beyond", plan.definition.spine, features)

    same_bits(Plan(definition, plan.sources), dataset)


def test_a_value_too_large_is_refused(plan: Plan, make: Any) -> None:
    """A value beyond 2**62 is refused even where a negative one before it keeps the total small."""
    dataset = dataset_of([make.payment("p1", 10, -(2**61)), make.payment("p2", 11, 2**62)], make)

    for engine in (batch.compute, duck.compute):
        with pytest.raises(FeatureOverflow, match="customer ann"):
            engine(plan, dataset)


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_feature_has_the_oracles_bits(seed: int, in_order: bool) -> None:
    """Each function of events and records, by hand, has the oracle's bits in both forms, and is not always missing."""
    world = sql_project.world(seed, in_order=in_order)

    found = duck.compute(sql_project.plan, world, in_order=in_order).values

    wanted = sql_project.expected(sql_project.plan, world)
    assert [
        name for name in sql_project.plan.names if not same(found, wanted, sql_project.plan.names.index(name))
    ] == []
    assert not np.isnan(wanted).all(axis=0).any()


def test_frames_are_used_where_they_fit() -> None:
    """In order, totals of the spine's own entities are frames; rounded windows, single events and others are joined."""
    text = sql.select(sql_project.plan, in_order=True)

    steps = text.split("\n-- ")
    assert sum("WINDOW" in step for step in steps) == 3  # one for each way in which the spine's own keys are combined
    assert sum('"rounded_' in step.split(" AS (")[0] for step in steps) == 2  # by card, and by shop


def test_a_correction_too_large_is_refused() -> None:
    """Corrections that leave the range in a window are refused, though amounts themselves are small."""
    world = sql_project.world(0, in_order=True)
    refunds = world.records["refunds"].values["delta"]
    refunds.values[:] = 2**62 - 1
    refunds.missing[:] = False

    with pytest.raises(FeatureOverflow, match="amount"):
        duck.compute(sql_project.plan, world)


def test_a_corrected_sum_beyond_64_bits_is_rounded_once() -> None:
    """A window's corrected sum may leave 64 bits though every running total fits, and has the oracle's bits."""
    largest = 2**62 - 1
    paid = [_paid(name, at, cents) for name, at, cents in (("1", 0, -largest), ("2", 10, largest), ("3", 11, largest))]
    refund = Record("refunds", "r", 11, {"payment_id": "3"}, {"delta": largest})
    arrivals = list(enumerate([*paid, refund, _paid("4", 12, 0)], 1))
    kinds = sql_project.plan.sources
    records = {
        kind.name: from_parsed(kind, [pair for pair in arrivals if pair[1].stream == kind.name]) for kind in kinds
    }
    plan = Plan(sql_project.Net.definition, kinds)

    found = duck.compute(plan, Dataset(records, "", len(arrivals))).values

    assert found.tobytes() == sql_project.expected(plan, Dataset(records, "", len(arrivals))).tobytes()
    assert found[-1, 0] == 3 * largest / 100


def _paid(name: str, at: int, cents: int) -> Record:
    """Return a payment of one card."""
    named = {"card": "a", "shop": "a", "country": None, "reverses": None}
    return Record("payments", name, at, named, {"amount": cents, "points": 0, "abroad": None, "opened_at": None})


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_a_script_says_what_each_step_is_for(dialect: str) -> None:
    """A comment stands above the events, windows, tracks and reports of every group."""
    text = sql.script(sql_project.plan, dialect)

    lines = text.splitlines()
    steps = [line for line in lines if line[:-5].strip('"`').startswith(("events", "windows", "tracks", "reports"))]
    named = [line for line in steps if line.endswith(" AS (") and line.count("_") == 1]
    assert named
    assert all(lines[lines.index(line) - 1].startswith("-- ") for line in named)


def test_an_unknown_dialect_is_a_sentence(plan: Plan) -> None:
    """A dialect that is not spoken here is refused, and the others are named."""
    with pytest.raises(DialectUnknown, match="duckdb"):
        sql.select(plan, "oracle")


def same(found: Floats, wanted: Floats, column: int) -> bool:
    """Return whether a column has the same bits, or is missing, in the same rows."""
    bits = found[:, column].view(np.int64) == wanted[:, column].view(np.int64)
    return bool((bits | (np.isnan(found[:, column]) & np.isnan(wanted[:, column]))).all())


def same_bits(plan: Plan, dataset: Dataset) -> None:
    """Hold SQL to batch."""
    found, wanted = duck.compute(plan, dataset), batch.compute(plan, dataset)
    assert found.values.tobytes() == wanted.values.tobytes()


def dataset_of(arrivals: list[Record], make: Any) -> Dataset:
    """Return records, numbered as they stand, as columns."""
    numbered = list(enumerate(arrivals, 1))
    sources = (make.stream.definition, make.reports.definition)
    records = {s.name: from_parsed(s, [pair for pair in numbered if pair[1].stream == s.name]) for s in sources}
    return Dataset(records, "", len(numbered))
