"""Many payments in little memory: time and memory per row shall not grow with their number.

    python -m benchmarks.scale                       10, 30 and 100 million payments; about ten minutes, 16 GB of disk
    python -m benchmarks.scale --sizes 2M            a look
    python -m benchmarks.scale --memory 2GiB         with another budget

The book's fifteen features of simulated payments, from Parquet to Parquet, by parts of the entities: payments in order
of time over half a year, customers and terminals that grow with them (some with many more payments than others), and
reports of 0.3 % of them. Payments are drawn in pieces, so that the drawing, too, needs little memory.

Each size runs in a process of its own. Memory is that process's largest resident set (VmHWM); pages that the machine
keeps of files it has read or written are not in it, and are given up where something else needs them. "On disk" is the
most that lay in the folder of parts at a time.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import key, money
from tallystick.definitions.streams import Stream
from tallystick.features.plan import Plan
from tallystick.features.spill import executor
from tallystick.features.spill.budget import in_bytes, rows_at_a_time
from tallystick.features.spill.sources import How, SourceFiles
from tallystick.reporting.layout import text
from tallystick.reporting.table import Column, Row, Table

BEGIN_US, DAYS, DAY_US = 1_522_540_800_000_000, 183, 86_400_000_000
NOW_US = BEGIN_US + 2 * DAYS * DAY_US
PIECE = 1_000_000
EVENTS_OF_A_CUSTOMER, EVENTS_OF_A_TERMINAL = 350, 175  # as in the published card payments
LIMIT = 8 << 30
FLAT = 1.5
BYTES_ON_DISK = 160  # the payments, and what lies beside them at most

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    source="payments.parquet",
    fields={"customer_id": key, "terminal_id": key, "amount": money("EUR", minimum=0)},
)
reports = Stream("reports", id="report_id", time="reported_at", source="reports.parquet", fields={"payment_id": key})
fraud = payments.flagged_by(reports, on="payment_id")
customer, terminal = payments.by("customer_id"), payments.by("terminal_id")


class CardFraud(FeatureSet, spine=payments):
    """The fifteen features of the practical handbook."""

    amount = payments.amount
    weekend = payments.paid_at.weekday() >= 5
    night = payments.paid_at.hour() <= 6
    customer_n = customer.count().over("1d", "7d", "30d")
    customer_spend = customer.mean(payments.amount).over("1d", "7d", "30d")
    terminal_n = terminal.count().over("1d", "7d", "30d", delay="7d")
    terminal_risk = terminal.mean(fraud).over("1d", "7d", "30d", delay="7d")


@dataclass(frozen=True, slots=True)
class Run:
    """What one size took: seconds by phase, CPU seconds, the largest resident set and bytes on the disk."""

    n_rows: int
    wall: float
    cpu: float
    peak: int
    spilled: int
    parts: int
    phases: dict[str, float]


def main() -> int:
    """Measure every size and print the table; return 1 where memory is beyond the limit or time per row grows."""
    wanted = _arguments()
    if wanted.child is not None:
        sys.stdout.buffer.write(msgspec.json.encode(_measured(wanted.child, wanted.memory, wanted.threads)))
        return 0
    runs = []
    for n in wanted.sizes:
        if shutil.disk_usage(wanted.folder).free < n * BYTES_ON_DISK:
            sys.stderr.write(f"{n:,} payments need about {n * BYTES_ON_DISK / 2**30:.0f} GiB in {wanted.folder}.\n")
            return 2
        with tempfile.TemporaryDirectory(prefix="tally-scale-", dir=wanted.folder) as folder:
            simulate(Path(folder), n)
            runs.append(_run(Path(folder), wanted.memory, wanted.threads))
            _print(runs, wanted.memory)
    is_flat = all(run.cpu / run.n_rows <= FLAT * runs[0].cpu / runs[0].n_rows for run in runs)
    return int(not is_flat or any(run.peak > LIMIT for run in runs))


def simulate(folder: Path, n: int) -> None:
    """Write payments in order of time and the reports of some of them, the same for a number always."""
    draw = np.random.default_rng(20_180_401)
    schema = pa.schema(
        {
            "payment_id": pa.int64(),
            "paid_at": pa.timestamp("us"),
            "customer_id": pa.int64(),
            "terminal_id": pa.int64(),
            "amount": pa.decimal128(12, 2),
        }
    )
    reported: list[tuple[np.ndarray, np.ndarray]] = []
    with pq.ParquetWriter(folder / "payments.parquet", schema) as file:
        for start in range(0, n, PIECE):
            m = min(PIECE, n - start)
            span = DAYS * DAY_US * m // n
            paid_at = BEGIN_US + DAYS * DAY_US * start // n + np.sort(draw.integers(0, span, m))
            ids = np.arange(start, start + m)
            columns = [
                ids,
                paid_at,
                _skewed(draw, m, n // EVENTS_OF_A_CUSTOMER),
                _skewed(draw, m, n // EVENTS_OF_A_TERMINAL),
            ]
            cents = draw.gamma(1.2, 4_000, m).astype(np.int64) + 1
            wide = np.stack([cents, np.zeros(m, np.int64)], axis=1)
            amount = pa.Array.from_buffers(pa.decimal128(12, 2), m, [None, pa.py_buffer(wide)])
            file.write_table(pa.table([*map(pa.array, columns), amount], names=schema.names).cast(schema))
            bad = np.flatnonzero(draw.random(m) < 0.003)
            reported.append((ids[bad], paid_at[bad] + (draw.gamma(2.0, 4.0, len(bad)) * DAY_US).astype(np.int64)))
    about, at = (np.concatenate(parts) for parts in zip(*reported, strict=True))
    order = np.argsort(at, kind="stable")
    made = {
        "report_id": np.arange(len(at)),
        "reported_at": pa.array(at[order], pa.timestamp("us")),
        "payment_id": about[order],
    }
    pq.write_table(pa.table(made), folder / "reports.parquet")


def _skewed(draw: np.random.Generator, m: int, n: int) -> np.ndarray:
    """Draw entities of which the first have many times the events of the last."""
    return (n * draw.random(m) ** 1.5).astype(np.int64)


def _run(folder: Path, memory: int, threads: int) -> Run:
    command = [sys.executable, "-m", "benchmarks.scale", "--child", str(folder), "--memory", str(memory)]
    done = subprocess.run([*command, "--threads", str(threads)], check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Run)


def _measured(folder: Path, memory: int, threads: int) -> Run:
    phases: dict[str, float] = {}
    began = last = time.monotonic()

    def step(stage: str, _done: int, _total: int) -> None:
        nonlocal last
        now = time.monotonic()
        phases[stage] = phases.get(stage, 0.0) + now - last
        last = now

    plan = Plan(CardFraud.definition, (payments.definition, reports.definition))
    out, parts = folder / "features.parquet", folder / "parts"
    how = How(now=NOW_US, folder=parts, at_a_time=rows_at_a_time(memory), step=step)
    files = SourceFiles(plan.sources, plan.flags, folder, how)
    made = executor.features(plan, files, out, folder=parts, memory=memory, threads=threads, step=step)
    wall = time.monotonic() - began
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    peak = int(found[1]) << 10 if found else 0
    return Run(made.n_rows, wall, time.process_time(), peak, made.n_spilled_bytes, made.n_parts, phases)


def _print(runs: list[Run], memory: int) -> None:
    heads = (
        "payments", "seconds", "rows/s", "us/row", "CPU us/row", "of the first", "peak MiB", "bytes/row", "on disk GiB",
        "parts",
    )  # fmt: skip
    rows = []
    first = runs[0].cpu / runs[0].n_rows
    for run in runs:
        each, wall = run.cpu / run.n_rows, run.wall / run.n_rows
        rows.append(Row((
            f"{run.n_rows:,}", f"{run.wall:,.0f}", f"{run.n_rows / run.wall:,.0f}", f"{1e6 * wall:.2f}",
            f"{1e6 * each:.2f}", f"{each / first:.2f}", f"{run.peak / 2**20:,.0f}", f"{run.peak / run.n_rows:,.0f}",
            f"{run.spilled / 2**30:.1f}", f"{run.parts}",
        )))  # fmt: skip
    title = f"15 features from Parquet to Parquet, with a budget of {memory / 2**30:.1f} GiB"
    columns = tuple(Column(head, "number") for head in heads)
    print(text(Table(columns, tuple(rows), title=title), width=130))
    print(f"Limits: a peak of {LIMIT >> 20:,} MiB; CPU per row at most {FLAT} times that of the first size.")
    phases = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in runs[-1].phases.items())
    print(f"{runs[-1].n_rows:,}: {phases}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=_sizes, default=_sizes("10M,30M,100M"), help="how many payments, such as 10M,30M"
    )
    parser.add_argument("--memory", type=in_bytes, default=in_bytes("4GiB"), help="the budget of the computation")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where there is space")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    scale = {"": 1, "k": 1_000, "m": 1_000_000}
    found = [re.fullmatch(r"(\d+)([km]?)", size.strip().lower()) for size in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError("give numbers such as 500k or 10M, with commas between them")
    return [int(each[1]) * scale[each[2]] for each in found if each]


if __name__ == "__main__":
    sys.exit(main())
