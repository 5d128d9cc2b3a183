"""The work of the features benchmark: a simulated card network, and what is asked of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tallystick.definitions.durations import DAY_US

BEGIN = 1_522_540_800_000_000  # 2018-04-01
DAYS = 183
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked of one window of an entity."""

    entity: str
    days: int
    delay: int
    value: str
    functions: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The features, one per function."""
        return [f"{self.entity}_{function}_{self.days}d" for function in self.functions]


CUSTOMER = [Window("customer", days, 0, "amount", ("count", "sum")) for days in (1, 7, 30)]
TERMINAL = [Window("terminal", days, 7, "fraud", ("count", "sum")) for days in (1, 7, 30)]
WORKS = {"network": [*CUSTOMER, *TERMINAL], "hot": [Window("customer", 30, 0, "amount", ("count", "sum", "max"))]}


def simulate(folder: Path, n: int, n_customers: int, n_terminals: int, n_days: int = DAYS) -> None:
    """Write a network's payments, in order of time and no two at one instant, and the reports of its frauds."""
    draw = np.random.default_rng(20_180_401)
    instants = np.unique(draw.integers(0, n_days * DAY_US, n + n // 500 + 16))
    paid_at = np.sort(draw.permutation(instants)[:n]) + BEGIN
    fraud = draw.random(n) < 0.008
    reported = np.flatnonzero(fraud)
    reported_at = paid_at[reported] + (draw.gamma(2.0, 4.0, len(reported)) * DAY_US).astype(np.int64)
    ids = np.arange(n)
    stamp = pa.timestamp("us")
    made = {
        "payment_id": pa.array(ids).cast(pa.string()),
        "paid_at": pa.array(paid_at).cast(stamp),
        "customer": pa.array(_skewed(draw, n, n_customers)),
        "terminal": pa.array(_skewed(draw, n, n_terminals)),
        "amount": pa.array(draw.gamma(1.2, 4_000, n).astype(np.int64) + 1),
        "fraud": pa.array(fraud),
    }
    cents = pa.table(made)
    pq.write_table(cents, folder / "cents.parquet")
    euros = pa.Array.from_buffers(pa.decimal128(12, 2), n, made["amount"].cast(pa.decimal128(19, 0)).buffers())
    pq.write_table(cents.set_column(4, "amount", euros), folder / "payments.parquet")
    order = np.argsort(reported_at, kind="stable")
    reports = {
        "report_id": pa.array(np.arange(len(order))).cast(pa.string()),
        "reported_at": pa.array(reported_at[order]).cast(stamp),
        "payment_id": pa.array(reported[order]).cast(pa.string()),
    }
    pq.write_table(pa.table(reports), folder / "chargebacks.parquet")


def _skewed(draw: np.random.Generator, n: int, n_entities: int) -> NDArray[np.int32]:
    weight = draw.lognormal(0.0, 1.0, n_entities)
    return draw.choice(n_entities, n, p=weight / weight.sum()).astype(np.int32)


def loaded(folder: Path) -> Columns:
    """Return the payments as numpy columns: instants in microseconds, entities as codes, amounts in cents."""
    found = pq.read_table(folder / "cents.parquet", columns=["paid_at", "customer", "terminal", "amount", "fraud"])
    columns = {name: found[name].to_numpy() for name in ("customer", "terminal", "amount")}
    return columns | {
        "paid_at": found["paid_at"].cast(pa.int64()).to_numpy(),
        "fraud": found["fraud"].cast(pa.int8()).to_numpy().astype(np.int64),
    }
