"""SQL gives batch's bits in the cases that random arrivals seldom make."""

from typing import Any

import numpy as np
import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.expressions import AnyExpr, Arithmetic, Column, Literal
from tallystick.definitions.features import FeatureDefinition
from tallystick.errors import DialectUnknown, FeatureOverflow
from tallystick.features import batch, duck, sql
from tallystick.features.plan import Plan


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


def test_an_unknown_dialect_is_a_sentence(plan: Plan) -> None:
    """A dialect that is not spoken here is refused, and the others are named."""
    with pytest.raises(DialectUnknown, match="duckdb"):
        sql.select(plan, "oracle")


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
