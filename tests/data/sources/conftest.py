"""One history as Parquet files, and the same sources read from elsewhere."""

from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.data.read import Reading, read

DAY = 86_400_000_000
Elsewhere = Callable[..., Reading]


@pytest.fixture
def history(world: Any) -> Any:
    """Return the world with 40 payments, some values missing, 10 reports and 30 outcomes, as Parquet files."""
    amounts = ["0.10", "12.30", "1e2", "90071992547409.93", "7"]
    payments = [
        world.payment(
            f"P{n}",
            n * DAY + n,
            customer_id=f"Müller, {n % 7}",
            terminal_id=None if n % 5 == 0 else 'the "T" ' + str(n % 3),
            amount=amounts[n % 5],
            rate=None if n % 4 == 0 else f"0.{n}",
            due_at=None if n % 3 == 0 else (n + 1) * DAY,
        )
        for n in range(40)
    ]
    reports = [
        {"report_id": n, "reported_at": (n + 50) * DAY, "payment_id": f"P{n}", "real": n % 2 == 0} for n in range(10)
    ]
    world.write(
        payments, reports=reports, outcomes=[{"payment_id": f"P{n}", "is_fraud": n % 6 == 0} for n in range(30)]
    )
    return world


@pytest.fixture
def content(history: Any) -> Callable[[str], pa.Table]:
    """Return the function that gives a source's Parquet file as a table."""
    return lambda name: pq.read_table(history.root / f"{name}.parquet")


@pytest.fixture
def elsewhere(history: Any) -> Elsewhere:
    """Return the function that reads the world with other addresses for some sources, however many rows are refused."""

    def reading(**addresses: object) -> Reading:
        settings = {"max_refused_share": 1.0, "quarantine_dir": history.root / "quarantine"}
        sources = [
            msgspec.structs.replace(source, source=str(addresses.get(source.name, source.source)))
            for source in history.sources
        ]
        return read(sources, history.flags, history.root, now=history.now, **settings)

    return reading
