"""One decision replayed in a long log, beside what folding the whole log costs.

    python benchmarks/replay.py                       100,000 records; about a minute
    python benchmarks/replay.py --records 1000000     a bank's; several minutes

Customers have a hundred payments each and terminals five hundred, however long the log is: a replay should cost what
its own entities have. The decisions stand at the log's end.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from tallystick.definitions.durations import DAY_US
from tallystick.journal.decision import decode
from tallystick.journal.entities import EntityIndex
from tallystick.journal.records import records
from tallystick.log.entry import Draft, Kind
from tallystick.log.opening import open_log
from tallystick.log.protocol import LogReader
from tallystick.log.sqlite import SqliteLog
from tallystick.replay.archive import Archive
from tallystick.replay.period import replay_period
from tallystick.replay.single import replay
from tallystick.serving.requests import Request
from tallystick.testing.world import NOW, World, build

N_DECISIONS, GROUP = 300, 5_000
PER_CUSTOMER, PER_TERMINAL, PER_REPORT = 100, 500, 100
MODEL = "card-fraud"

T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="payments in the log")
    requested = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder) / "project")
        _fill(world, requested.records)
        keys = _decide(world, requested.records)
        Console().print(_table(requested.records, _measured(world, keys)))


def _fill(world: World, n: int) -> None:
    """Write payments and reports into the log as a service would have, in order of time."""
    draw = np.random.default_rng(7)
    times = np.sort(draw.integers(NOW - 14 * DAY_US, NOW - DAY_US, n))
    with SqliteLog.create_or_open(world.folder / "log.sqlite") as log:
        for begin in range(0, n, GROUP):
            places = range(begin, min(begin + GROUP, n))
            paid = [_draft("event", "payments", _payment(f"B{i}", int(times[i]), draw, n)) for i in places]
            late = [_report(i, int(times[i])) for i in places if i % PER_REPORT == 0]
            log.append([*paid, *(_draft("outcome", "chargebacks", report) for report in late)])


def _decide(world: World, n: int) -> list[str]:
    """Let the service decide about further payments of the same customers, and return the decisions' ids."""
    draw, keys = np.random.default_rng(8), [f"D{i}" for i in range(N_DECISIONS)]
    with world.service() as service:
        for place, key in enumerate(keys):
            payment = _payment(key, NOW - N_DECISIONS + place, draw, n)
            service.decide([Request(msgspec.json.encode(payment))])
    return keys


def _payment(name: str, at: int, draw: np.random.Generator, n: int) -> dict[str, str]:
    customer, terminal = draw.integers(max(n // PER_CUSTOMER, 1)), draw.integers(max(n // PER_TERMINAL, 1))
    own = {"customer_id": f"K{customer}", "terminal_id": f"L{terminal}", "amount": f"{draw.integers(1, 9_999)}.50"}
    return {"payment_id": name, "paid_at": _instant(at)} | own


def _report(place: int, paid_at: int) -> dict[str, str]:
    return {"report_id": f"R{place}", "payment_id": f"B{place}", "reported_at": _instant(paid_at + DAY_US // 2)}


def _draft(kind: Kind, stream: str, record: dict[str, str]) -> Draft:
    name = record["payment_id" if stream == "payments" else "report_id"]
    return Draft(kind, stream, name, NOW, msgspec.json.encode(record))


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat()


@dataclass(frozen=True, slots=True)
class Timed:
    """One thing that was measured: by the clock, and in this process's own time on a processor."""

    what: str
    clock: str
    own: str = ""


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long something took."""

    clock: float
    own: float


def _measured(world: World, keys: list[str]) -> Iterator[Timed]:
    with open_log(world.folder / "log.sqlite") as log:
        archive = Archive(log, world.bundles, tuple(world.trusted), world.ledger)
        took, _ = _timed(lambda: archive.proof(log.head.position))
        yield Timed("open and prove, s", f"{took.clock:.1f}", f"{took.own:.1f}")
        plan = archive.bundle(world.bundle).plan
        took, index = _timed(lambda: archive.entities(plan, until=log.head.position))
        yield Timed("index, s", f"{took.clock:.1f}", f"{took.own:.1f}")
        replay(archive, MODEL, keys[0])  # what is compiled once is compiled now
        alone = [_timed(partial(replay, archive, MODEL, key)) for key in keys]
        for percentile in (50, 99):
            clock, own = np.percentile([(took.clock * 1e3, took.own * 1e3) for took, _ in alone], percentile, axis=0)
            yield Timed(f"one replay, p{percentile}, ms", f"{clock:.1f}", f"{own:.1f}")
        yield Timed("records that one sees, mean", f"{np.mean([_n_seen(index, log, key) for key in keys]):.0f}")
        took, _ = _timed(lambda: records(log, plan))
        yield Timed("a fold of the whole log, s", f"{took.clock:.1f}", f"{took.own:.1f}")
        took, report = _timed(lambda: replay_period(archive, MODEL))
        n = len(report.verdicts)
        yield Timed("a period by one fold, decisions/s", f"{n / took.clock:.1f}", f"{n / took.own:.1f}")
        n_identical = sum(verdict.is_identical for _, verdict in alone)
        yield Timed("identical, alone and in the period", f"{n_identical} and {report.n_identical} of {len(keys)}")


def _n_seen(index: EntityIndex, log: LogReader, key: str) -> int:
    entry = log.find("decision", MODEL, key)
    decision = None if entry is None else decode(entry.body)
    record = None if decision is None or decision.event is None else index.record(decision.event)
    if decision is None or decision.event is None or record is None:
        return 0
    seen, _ = index.seen_by(record, decision.event, decision.as_of)
    return sum(map(len, seen.records.values()))


def _timed(measured: Callable[[], T]) -> tuple[Seconds, T]:
    clock, own = time.perf_counter(), time.process_time()
    result = measured()
    return Seconds(time.perf_counter() - clock, time.process_time() - own), result


def _table(n: int, found: Iterator[Timed]) -> Table:
    table = Table("", "by the clock", "of a processor", title=f"Replay in a log of {n:,} payments")
    for timed in found:
        table.add_row(timed.what, timed.clock, timed.own)
    return table


if __name__ == "__main__":
    main()
