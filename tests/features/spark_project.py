"""A project on disk for the tests of Spark: its files, and what a laptop makes of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.data.read import Screening, read
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import flag, integer, key, money, optional
from tallystick.definitions.streams import Source, Stream, Table
from tallystick.features import table_file
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.table import FeatureTable, Origin

START = 1_760_000_000_000_000
DAY_US = 86_400_000_000
NOW = START + 60 * DAY_US

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    source="data/payments",
    fields={"card": optional(key), "shop": key, "amount": optional(money("EUR")), "points": integer()},
)
reports = Stream(
    "reports",
    id="report_id",
    time="reported_at",
    source="data/reports.parquet",
    fields={"payment_id": optional(key)},
)
outcomes = Table("outcomes", key="payment_id", source="data/outcomes.parquet", fields={"is_fraud": flag})
card, shop = payments.by("card"), payments.by("shop")
fraud = payments.flagged_by(reports, on="payment_id")
judged = payments.flagged_by(outcomes.is_fraud, known_after="2d")


class Shopping(FeatureSet, spine=payments):
    """Every kind of state: counts, sums, means, and flags that become known later."""

    amount = payments.amount
    night = payments.paid_at.hour() <= 6
    n = card.count().over("1h", "1d", "3d")
    spend = card.mean(payments.amount).over("1d", "3d")
    burst = card.sum(payments.amount).over("1d") / card.sum(payments.points).over("3d", delay="1h")
    risk = shop.mean(fraud).over("1d", "3d", delay="1d")
    later = shop.mean(judged).over("3d", delay="1d")


@dataclass(frozen=True, slots=True)
class Project:
    """Files in a folder, and their features as batch has them.

    Parameters
    ----------
    root : the folder
    plan : of the features
    sources, flags : what the project declares
    screenings : what came of each source on a laptop
    wanted : the matrix that batch computes
    """

    root: Path
    plan: Plan
    sources: tuple[Source, ...]
    flags: list[Flagged]
    screenings: dict[str, Screening]
    wanted: FeatureTable

    def written(self, folder: Path) -> FeatureTable:
        """Return the table that Spark wrote, whose files follow each other in order of arrival."""
        files = [pq.read_table(file) for file in sorted(folder.glob("*.parquet"))]
        table = table_file.read(folder)
        assert pa.concat_tables(files).column("position").to_pylist() == table.position.tolist()
        return table

    @staticmethod
    def with_source(source: Source, place: str) -> Source:
        """Return a source that lies elsewhere."""
        moved: Source = msgspec.structs.replace(source, source=place)
        return moved


def generated(root: Path, *, n: int, seed: int, amount: str | None = None) -> Project:
    """Write n payments and what was reported of them; every amount is the given one, or drawn."""
    (root / "data" / "payments").mkdir(parents=True)
    draw = np.random.default_rng(seed)
    table = _payments(draw, n, amount)
    # The later rows lie in the file whose name comes first, and one name has to be escaped in an address.
    pq.write_table(table.slice(n // 2), root / "data" / "payments" / "a b.parquet", row_group_size=300)
    pq.write_table(table.slice(0, n // 2), root / "data" / "payments" / "c.parquet")
    pq.write_table(_reports(draw, n), root / "data" / "reports.parquet")
    judged_ids = [f"p{i}" for i in range(n + 20)]
    outcome = pa.table({"payment_id": judged_ids, "is_fraud": draw.integers(0, 2, len(judged_ids))})
    pq.write_table(outcome, root / "data" / "outcomes.parquet")
    sources = (payments.definition, reports.definition, outcomes.definition)
    return computed(root, Plan(Shopping.definition, sources), [fraud, judged], is_known=amount is None)


def computed(root: Path, plan: Plan, flags: list[Flagged], *, is_known: bool = True) -> Project:
    """Return a project whose files are written, with what a laptop makes of them, if it can."""
    seen = read(plan.sources, flags, root, now=NOW, max_refused_share=1.0, quarantine_dir=root / "quarantine")
    wanted = batch.compute(plan, seen.dataset) if is_known else _nothing(plan)
    return Project(root, plan, plan.sources, flags, seen.screenings, wanted)


def _payments(draw: Any, n: int, amount: str | None) -> pa.Table:
    """Return payments with ties, missing keys and amounts, two ids that come again, and amounts that are none."""
    ids = [f"p{i}" for i in range(n)]
    ids[n // 20], ids[-3] = ids[3], ids[5]
    amounts = [None if cents < 200 else f"{cents / 100:.2f}" for cents in draw.integers(0, 10_000, n)]
    amounts[::97] = ["a lot"] * len(amounts[::97])
    minutes = draw.integers(0, 30 * 24 * 60, n)
    return pa.table(
        {
            "payment_id": ids,
            "paid_at": pa.array(START + minutes * 60_000_000, pa.timestamp("us", "UTC")),
            "card": [None if c == 0 else f"c{c}" for c in draw.integers(0, 40, n)],
            "shop": np.where(draw.random(n) < 0.5, 0, draw.integers(0, 30, n)),
            "amount": amounts if amount is None else [amount] * n,
            "points": draw.integers(-5, 50, n),
            "not declared": draw.random(n),
        }
    )


def _reports(draw: Any, n: int) -> pa.Table:
    m = n // 8
    about = [None if i % 50 == 0 else f"p{i}" for i in draw.integers(0, n + 50, m)]
    minutes = draw.integers(0, 40 * 24 * 60, m)
    at = pa.array(START + minutes * 60_000_000, pa.timestamp("us", "UTC"))
    return pa.table({"report_id": np.arange(m), "payment_id": about, "reported_at": at})


def _nothing(plan: Plan) -> FeatureTable:
    empty = np.empty(0, np.int64)
    return FeatureTable(
        plan.names,
        pa.array([], pa.string()),
        empty,
        empty,
        np.empty((0, len(plan.names))),
        "payment_id",
        Origin("", "", {}),
    )
