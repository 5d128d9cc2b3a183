"""Windowed features by ours and by what a user could pick instead: the same work in one run, results compared.

    python -m benchmarks.features                    the tables; about four minutes
    python -m benchmarks.features --rows 200000      a look
    python -m benchmarks.features --only ours polars only those whose names begin so
    python -m benchmarks.features --spark            Spark too: Spark SQL, and ours within Spark

Twelve features of each payment: count and sum of amounts of its customer over 1, 7 and 30 days, count and frauds of its
terminal over 1, 7 and 30 days that end 7 days before. Frauds are a column of flags here, since nobody else can know
when one was reported; ours with that knowledge has a line of its own. Amounts are whole cents for all.

Everyone runs in a process of its own, bound to as many cores as its line says, on columns that lie in its memory as it
likes them best, and in the best form known of it; the fastest of two or three runs counts. "From Parquet" is the whole
path: read, screen, number, compute, and write where it says so. Memory is the process's largest resident set,
children's added. On a machine that does other things too, compare the seconds of CPU.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from benchmarks import contestants as by
from benchmarks.network import WORKS, Columns, Window, simulate
from numpy.typing import NDArray

from tallystick.reporting.layout import text
from tallystick.reporting.table import Column, Row, Table

HOT_ROWS, SHARE = 100_000, 10
PATIENCE_S = 30.0
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work.

    Parameters
    ----------
    name : with --only
    title : in the table
    cores : how many it may use
    prepare : takes the folder of data, the work and the cores, and returns what is then timed
    share : it gets a network smaller by this factor, with the same events per entity
    works : what it can do
    is_same : its result is compared with ours
    """

    name: str
    title: str
    cores: int
    prepare: Callable[[Path, list[Window], int], by.Run]
    share: int = 1
    works: tuple[str, ...] = ("network", "hot")
    is_same: bool = True


CONTESTANTS = [
    Contestant("ours", "ours", 1, by.ours),
    Contestant("ours-2", "ours", 2, by.ours),
    Contestant(
        "ours-known-at", "ours, frauds from when reported", 1, by.ours_known_at, works=("network",), is_same=False
    ),
    Contestant("ours-from-parquet", "ours, from Parquet", 1, by.ours_from_parquet, works=("network",)),
    Contestant("ours-to-parquet", "ours, from Parquet to Parquet", 1, by.ours_to_parquet, works=("network",)),
    Contestant("polars", "Polars, rolling_sum_by", 1, by.polars),
    Contestant("polars-2", "Polars, rolling_sum_by", 2, by.polars),
    Contestant("duckdb", "DuckDB, RANGE frames", 1, by.duckdb),
    Contestant("duckdb-2", "DuckDB, RANGE frames", 2, by.duckdb),
    Contestant("duckdb-ours", "DuckDB, by `--engine duckdb`", 1, by.ours_duckdb, works=("network",)),
    Contestant(
        "pandas", f"pandas, the Handbook's way, 1/{SHARE} of all", 1, by.pandas, share=SHARE, works=("network",)
    ),
    Contestant("pandas", "pandas, the Handbook's way", 1, by.pandas, works=("hot",)),
    Contestant("spark", "Spark SQL, RANGE frames", 2, by.spark),
    Contestant("spark-ours", "ours within Spark, from Parquet", 2, by.ours_spark),
]


class Measured(msgspec.Struct, frozen=True):
    """What one contestant's process reports."""

    seconds: float
    cpu_s: float
    n_rows: int
    peak_mib: float
    n_runs: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--only", nargs="*", default=[""], metavar="NAME", help="those whose names begin so")
    parser.add_argument("--work", choices=tuple(WORKS), help="the one table or the other")
    parser.add_argument("--spark", action="store_true", help="Spark too")
    parser.add_argument("--one", nargs=4, metavar=("NAME", "WORK", "FOLDER", "OUT"), help=argparse.SUPPRESS)
    requested = parser.parse_args()
    if requested.one:
        name, work, folder, out = requested.one
        _run_one(_named(name, work), work, Path(folder), Path(out))
        return
    chosen = [
        c
        for c in CONTESTANTS
        if c.name.startswith(tuple(requested.only)) and (requested.spark or "spark" not in c.name)
    ]
    # Everybody is compared with ours.
    chosen = [c for c in CONTESTANTS if c.name == "ours" or c in chosen]
    with tempfile.TemporaryDirectory() as temporary:
        for work, title, n in (
            ("network", f"Twelve features of {requested.rows:,} payments", requested.rows),
            ("hot", f"A hot key: count, sum and maximum over 30 days, {HOT_ROWS:,} events in them", HOT_ROWS),
        ):
            if requested.work not in {None, work}:
                continue
            print(text(_table(title, work, chosen, n, Path(temporary) / work), width=150))


def _table(title: str, work: str, chosen: Sequence[Contestant], n: int, folder: Path) -> Table:
    right = ("cores", "rows/s", "seconds", "CPU s", "peak MiB", "x ours", "values", "differing")
    rows = []
    limit: float | None = None
    for contestant in (c for c in chosen if work in c.works):
        data = _data(folder, work, n // contestant.share)
        found, differing = _measure(contestant, work, data)
        speed = found.n_rows / found.seconds
        limit = limit or speed
        n_values = found.n_rows * sum(len(window.names) for window in WORKS[work])
        same = (f"{n_values:,}", f"{differing:,}") if contestant.is_same else ("", "other work")
        numbers = (
            f"{speed:,.0f}",
            f"{found.seconds:.3f}",
            "" if "spark" in contestant.name else f"{found.cpu_s:.3f}",  # it spends it in other processes
            f"{found.peak_mib:,.0f}",
            f"{limit / speed:.1f}",
        )
        rows.append(Row((contestant.title, str(contestant.cores), *numbers, *same)))
        print(f"  {contestant.name}: {found.seconds:.3f} s, best of {found.n_runs}", file=sys.stderr)
    columns = (Column("who"), *(Column(name, "number") for name in right))
    return Table(columns, tuple(rows), title=title)


def _data(folder: Path, work: str, n: int) -> Path:
    """Return the folder with the data of that size, made when it is first asked for."""
    made = folder / str(n)
    if not made.exists():
        made.mkdir(parents=True)
        if work == "hot":
            simulate(made, n, 1, 1, n_days=30)
        else:
            simulate(made, n, max(n // 100, 1), max(n // 200, 1))
    return made


def _measure(contestant: Contestant, work: str, data: Path) -> tuple[Measured, int]:
    """Run a contestant in a process of its own; return its report, and how many of its values differ from ours."""
    truth = data / "ours.npy"
    if not truth.exists():
        _started(_named("ours", work), work, data, truth)
    out = data / "out.npy"
    report = _started(contestant, work, data, out)
    a, b = np.load(truth, mmap_mode="r"), np.load(out, mmap_mode="r")
    return report, sum(int(np.count_nonzero(a[i].view(np.int64) != b[i].view(np.int64))) for i in range(len(a)))


def _started(contestant: Contestant, work: str, data: Path, out: Path) -> Measured:
    requested = ["--one", contestant.name, work, str(data), str(out)]
    cores = str(contestant.cores)
    limits = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), cores)
    command = [sys.executable, "-m", "benchmarks.features", *requested]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ | limits, capture_output=True, check=False, text=True)
    if ran.returncode:
        sys.exit(f"{contestant.name} failed:\n{ran.stderr}")
    return msgspec.json.decode(ran.stdout.splitlines()[-1], type=Measured)


def _run_one(contestant: Contestant, work: str, folder: Path, out: Path) -> None:
    """Prepare, run up to three times, report, and leave the result as doubles: one row per feature."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: contestant.cores])
    pa.set_cpu_count(contestant.cores)
    run, spent = contestant.prepare(folder, WORKS[work], contestant.cores), list[tuple[float, float]]()
    # The second run counts at least: what is compiled at the first run is kept from then on.
    while len(spent) < 2 or (len(spent) < 3 and sum(seconds for seconds, _ in spent) < PATIENCE_S):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        columns = run()
        spent.append((time.perf_counter() - begin, time.process_time() - begin_cpu))
    names = [name for window in WORKS[work] for name in window.names]
    n = len(columns[names[0]])
    print(msgspec.json.encode(Measured(*min(spent), n, _peak_mib(), len(spent))).decode(), flush=True)
    np.save(out, np.stack([_doubles(columns, name, contestant) for name in names]))


def _doubles(columns: Columns, name: str, contestant: Contestant) -> NDArray[np.float64]:
    """Return a feature in the order of the payments, amounts in EUR, sums of nothing as 0."""
    found = np.ma.filled(np.ma.asarray(columns[name]).astype(np.float64), 0.0)
    is_cents = "ours" not in contestant.name and name.startswith(("customer_sum", "customer_max"))
    values = np.nan_to_num(found) / (100.0 if is_cents else 1.0)
    if "row" not in columns:
        return values
    ordered = np.empty(len(values))
    ordered[np.asarray(columns["row"])] = values
    return ordered


def _peak_mib() -> float:
    """Return the largest resident set of this process and, added, of those that it started and that still live."""
    found, of_parent = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            stated = dict(line.split(":", 1) for line in status.read_text().splitlines())
            found[int(stated["Pid"])] = int(stated.get("VmHWM", "0 kB").split()[0]) / 1024
            of_parent[int(stated["Pid"])] = int(stated["PPid"])
    own = {os.getpid()}
    while more := {pid for pid, parent in of_parent.items() if parent in own} - own:
        own |= more
    return sum(found[pid] for pid in own)


def _named(name: str, work: str) -> Contestant:
    return next(each for each in CONTESTANTS if each.name == name and work in each.works)


if __name__ == "__main__":
    main()
