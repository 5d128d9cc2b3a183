"""Files of every kind of source, larger than a scenario and smaller than a disk, and what memory makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tallystick.data.read import Reading, read
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.streams import Source, Stream
from tallystick.features import table_file
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.spill import executor
from tallystick.features.spill.executor import SpillResult
from tallystick.features.spill.job import MemoryLimits
from tallystick.features.spill.sources import How, SourceFiles
from tallystick.features.table import FeatureTable
from tallystick.testing.scenario_streams import SOURCES

START = 1_760_000_000_000_000
NOW = START + 10_000_000
COUNTRIES = np.array(["a", "b", "ab", "", None], object)


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of files, and the sources that they are."""

    root: Path
    sources: tuple[Source, ...]

    def plan(self, features: Mapping[str, Any], spine: Stream) -> Plan:
        """Return the plan of a feature set over the sources that it looks at."""
        made: Any = type("Drawn", (FeatureSet,), dict(features), spine=spine)
        return Plan(made.definition, tuple(s for s in self.sources if s.name in made.definition.sources))

    def read(self, plan: Plan, flags: Sequence[Flagged] | None = None, folder: str = "quarantine") -> Reading:
        """Read the files into memory."""
        flags = plan.flags if flags is None else flags
        return read(plan.sources, flags, self.root, now=NOW, max_refused_share=1.0, quarantine_dir=self.root / folder)

    def wanted(self, plan: Plan) -> FeatureTable:
        """Return the features as batch computes them in memory."""
        return batch.compute(plan, self.read(plan).dataset)

    def spill(self, plan: Plan, out: Path, **given: Any) -> SpillResult:
        """Compute the features by parts, with little in memory at a time."""
        limits = given.pop("limits", None) or MemoryLimits(tuple(3 for _ in plan.groups), 2, 150, 10**6)
        folder, records = given.pop("folder", self.root / "spill"), given.pop("records", None)
        files = records or self.files(plan, folder=folder, n_heaps=limits.heaps, step=given.get("step"))
        return executor.features(plan, files, out, folder=folder, memory=1 << 30, limits=limits, **given)

    def files(self, plan: Plan, **given: Any) -> SourceFiles:
        """Return the files as they are read piece by piece."""
        how: dict[str, Any] = {"at_a_time": 97, "max_refused_share": 1.0, "folder": self.root / "spill"} | given
        return SourceFiles(plan.sources, plan.flags, self.root, How(now=NOW, **how))


def written(out: Path, plan: Plan) -> tuple[list[str], NDArray[np.float64]]:
    """Return the ids and features of a table's file."""
    table = table_file.read(out)
    assert table.names == plan.names
    return table.ids.to_pylist(), table.values


def made(root: Path, *, n: int, seed: int, in_order: bool) -> Project:
    """Write the files of every source: ties, missing keys and values, ids that come again, rows to be refused."""
    draw = np.random.default_rng(seed)
    tables = _tables(draw, n)
    for name, table in tables.items():
        instants = [column for column in table.column_names if column in ("paid_at", "applied_at", "updated_at")]
        if in_order and instants:
            tables[name] = table.sort_by(instants[0])
    folder = root / "payments"
    folder.mkdir(parents=True)
    cut = n // 3
    for file, part in {"a": tables["payments"][:cut], "b": tables["payments"][cut:]}.items():
        pq.write_table(part, folder / f"{file}.parquet", row_group_size=101)
    for name, table in tables.items():
        if name != "payments":
            pq.write_table(table, root / f"{name}.parquet", row_group_size=53)
    places = {source.name: f"{source.name}.parquet" for source in SOURCES} | {"payments": "payments"}
    return Project(root, tuple(msgspec.structs.replace(s, source=places[s.name]) for s in SOURCES))


def _tables(draw: Any, n: int) -> dict[str, pa.Table]:
    ids = [f"p{i}" for i in draw.permutation(n)]
    ids[-1], ids[n // 2], ids[5] = ids[0], ids[3], ids[4]
    about = [None if i % 9 == 0 else f"p{i}" for i in draw.integers(0, n + 20, n // 3)]
    money = np.array([None, "1.00", "-2.50", "10.07", "0.01", "9999.99"], object)
    return {
        "payments": pa.table(
            {
                "payment_id": ids,
                "paid_at": _instants(draw, n),
                "card": _keys(draw, n, "c", 12, missing=0.1),
                "shop": _keys(draw, n, "s", 5, missing=0.01),
                "country": draw.choice(COUNTRIES, n, p=[0.3, 0.3, 0.2, 0.01, 0.19]),
                "reverses": [None if i % 4 else f"p{i}" for i in draw.integers(0, n, n)],
                "amount": draw.choice(money, n),
                "points": draw.integers(-5, 50, n),
                "abroad": draw.choice(np.array([None, True, False], object), n),
                "opened_at": _instants(draw, n),
                "undeclared": draw.random(n),
            }
        ),
        "applications": pa.table(
            {
                "application_id": np.arange(n // 2),
                "applied_at": _instants(draw, n // 2),
                "client": _keys(draw, n // 2, "c", 12, missing=0.1),
                "card": _keys(draw, n // 2, "c", 14, missing=0.1),
                "shop": _keys(draw, n // 2, "s", 5),
                "requested": draw.choice(money, n // 2),
                "share": draw.integers(0, 1000, n // 2) / 1000,
                "years": draw.integers(-3, 3, n // 2),
                "is_new": draw.integers(0, 2, n // 2),
            }
        ),
        "reports": pa.table(
            {
                "report_id": np.arange(len(about)),
                "reported_at": _instants(draw, len(about)),
                "payment_id": about,
                "confirmed": draw.choice(np.array([None, 0, 1], object), len(about)),
            }
        ),
        "refunds": pa.table(
            {
                "refund_id": draw.permutation(len(about)),
                "refunded_at": _instants(draw, len(about)),
                "payment_id": about[::-1],
                "delta": draw.choice(money, len(about)),
            }
        ),
        "outcomes": pa.table(
            {
                "payment_id": [f"p{i}" for i in range(10, n + 10)],
                "is_fraud": draw.integers(0, 2, n),
                "is_abuse": draw.choice(np.array([None, 0, 1], object), n),
            }
        ),
        "profiles": pa.table(
            {
                "card": _keys(draw, n // 4, "c", 14),
                "updated_at": _instants(draw, n // 4),
                "home": draw.choice(COUNTRIES[:3], n // 4),
                "limit": draw.choice(money, n // 4),
                "vip": draw.integers(0, 2, n // 4),
            }
        ),
        "shops": pa.table(
            {
                "shop": ["s0", "s1", "s2", "s2"],
                "country": ["a", None, "b", "ab"],
                "risk": pa.array([1.5, 2.25, None, 0.0]),
            }
        ),
    }


def _instants(draw: Any, n: int) -> pa.Array:
    return pa.array(START + draw.integers(0, 60, n), pa.timestamp("us", "UTC"))


def _keys(draw: Any, n: int, prefix: str, most: int, *, missing: float = 0.0) -> list[str | None]:
    chosen = draw.integers(0, most, n)
    return [None if lost < missing else f"{prefix}{i}" for i, lost in zip(chosen, draw.random(n), strict=True)]
