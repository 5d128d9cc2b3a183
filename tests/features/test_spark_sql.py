"""The SQL for Spark gives the oracle's bits where Spark runs it, with no code of ours inside."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.features.plan import Plan
from tallystick.features.sql import query as sql
from tallystick.features.sql.duck import arrow
from tallystick.features.sql.names import Names, unquoted
from tallystick.testing.scenarios import Scenario, scenarios

from . import sql_project
from .spark_here import here

pytest.importorskip("pyspark", reason="pyspark, of the extra 'spark', is not installed")

pytestmark = pytest.mark.slow  # Spark plans a query of this many steps for seconds


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Return the session that the tests of Spark share; a query of few rows is not spread."""
    opened = here()
    before = opened.conf.get("spark.sql.shuffle.partitions")
    opened.conf.set("spark.sql.shuffle.partitions", "1")
    yield opened
    opened.conf.set("spark.sql.shuffle.partitions", before)


def test_every_kind_of_feature_has_the_oracles_bits(spark: Any) -> None:
    """Each function of events and records, by hand, has the oracle's bits in both forms."""
    world = sql_project.world(7, n=16, in_order=True)
    fill(spark, sql_project.plan, world)

    found = [run(spark, sql_project.plan, in_order=in_order) for in_order in (False, True)]

    wanted = sql_project.expected(sql_project.plan, world)
    names = np.array(sql_project.plan.names)
    assert [names[differs(values, wanted)].tolist() for values in found] == [[], []]


@settings(max_examples=3, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(scenario=scenarios())
def test_drawn_features_have_the_oracles_bits(spark: Any, scenario: Scenario) -> None:
    """Whatever is drawn has the oracle's bits in the form for any order."""
    fill(spark, scenario.plan, scenario.dataset)

    found = run(spark, scenario.plan, in_order=False)

    assert not differs(found, sql_project.expected(scenario.plan, scenario.dataset)).any()


def test_the_guard_finds_what_is_too_large(spark: Any) -> None:
    """Its rows name totals and squares that leave their range, and it does not fail at them itself."""
    plan = Plan(sql_project.Summed.definition, sql_project.plan.sources)
    world = sql_project.world(7, n=6, in_order=True)
    fill(spark, plan, world)
    before = spark.sql(sql.guard(plan, "spark")).collect()
    world.records["payments"].values["points"].values[:] = 2**62 - 1
    fill(spark, plan, world)

    found = spark.sql(sql.guard(plan, "spark")).collect()

    assert (before, {row["field"] for row in found}) == ([], {"points"})


def run(spark: Any, plan: Plan, *, in_order: bool) -> NDArray[np.float64]:
    """Return what Spark makes of the features' SQL."""
    answer = spark.sql(sql.select(plan, "spark", in_order=in_order)).toArrow()
    features = [column.to_numpy().astype(np.float64) for column in answer.columns[2:]]
    return np.stack(features, axis=1) if len(answer) else np.empty((0, len(plan.names)))


def fill(spark: Any, plan: Plan, dataset: Dataset) -> None:
    """Make the tables that the queries read, as Spark knows texts."""
    names = Names(plan, "`")
    for source, table in zip(names.sources, names.tables.values(), strict=True):
        given = arrow(table, dataset.records[source.name])
        texts = [
            column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in given.columns
        ]
        plain = pa.table(texts, names=given.column_names)
        spark.createDataFrame(plain).coalesce(1).createOrReplaceTempView(unquoted(table.name))


def differs(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return in which columns a value that is not missing has other bits."""
    same = (found.view(np.int64) == wanted.view(np.int64)) | (np.isnan(found) & np.isnan(wanted))
    columns: NDArray[np.bool_] = ~same.all(axis=0)
    return columns
