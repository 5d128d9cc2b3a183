"""A small world in a fresh folder: payments, reports of some, outcomes of others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.data.read import Reading, read
from tallystick.definitions import fields as f
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.streams import Source, Stream, Table

DAY = 86_400_000_000


@dataclass(frozen=True)
class World:
    """Sources, and the folder their files are written to; ``now`` is day 100."""

    root: Path
    payments: Source
    reports: Source
    outcomes: Source
    flags: tuple[Flagged, ...]
    now: int = 100 * DAY

    @property
    def sources(self) -> list[Source]:
        """All three, in the project's order."""
        return [self.payments, self.reports, self.outcomes]

    def payment(self, number: object, at: int | None, **fields: Any) -> dict[str, Any]:
        """Return a payment's row, with every field that is not given filled in."""
        filled = {"customer_id": "C1", "terminal_id": "T1", "amount": "12.30", "rate": "0.5", "due_at": None}
        return {"payment_id": number, "paid_at": at} | filled | fields

    def table(self, rows: list[dict[str, Any]]) -> pa.Table:
        """Return rows as an Arrow table, instants as timestamps."""
        kinds = {"paid_at": pa.timestamp("us"), "due_at": pa.timestamp("us", "UTC"), "reported_at": pa.timestamp("us")}
        return pa.table({name: pa.array([row[name] for row in rows], kinds.get(name)) for name in rows[0]})

    def write(self, payments: list[dict[str, Any]], **others: list[dict[str, Any]]) -> None:
        """Write the sources' files; reports and outcomes are empty where not given."""
        empty = {
            "reports": self.table([{"report_id": "R", "reported_at": 0, "payment_id": "P", "real": True}]),
            "outcomes": self.table([{"payment_id": "P", "is_fraud": True}]),
        }
        for name in ("payments", "reports", "outcomes"):
            rows = ({"payments": payments} | others).get(name)
            content = self.table(rows) if rows else empty[name].slice(0, 0)
            pq.write_table(content, self.root / f"{name}.parquet")

    def read(self, **settings: Any) -> Reading:
        """Read the files."""
        return read(self.sources, self.flags, self.root, now=self.now, **settings)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world without files."""
    payments = Stream(
        "payments",
        id="payment_id",
        time="paid_at",
        source="payments.parquet",
        fields={
            "customer_id": f.key,
            "terminal_id": f.optional(f.key),
            "amount": f.money("EUR", minimum=0),
            "rate": f.optional(f.number(3)),
            "due_at": f.optional(f.time),
        },
    )
    fields: dict[str, f.Field] = {"payment_id": f.key, "real": f.flag}
    reports = Stream("reports", id="report_id", time="reported_at", source="reports.parquet", fields=fields)
    outcomes = Table("outcomes", key="payment_id", source="outcomes.parquet", fields={"is_fraud": f.flag})
    flags = (payments.flagged_by(outcomes.is_fraud, known_after="7d"),)
    return World(tmp_path, payments.definition, reports.definition, outcomes.definition, flags)
