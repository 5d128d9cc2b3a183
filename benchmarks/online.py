"""How long features of one record take as it arrives, by how much is known about its entities already.

    python benchmarks/online.py            the tables; about a minute
    python benchmarks/online.py --quick    a few seconds, for a look
    python benchmarks/online.py --feast PYTHON    and Feast's online reads, by an interpreter that has it

One event at a time: it is appended, its features are read, and the state is committed, as a server with one request at
a time does. Twelve windowed features of two entities; the history of each entity lies within the windows. Redis is
measured where redis-server is on the PATH: a read is one round trip, an append one for each list that a record enters.
"""

import argparse
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Record, Records
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import key, money
from tallystick.definitions.streams import Stream
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.state.redis import RedisStore
from tallystick.testing import redis_server

HISTORIES = (10, 1_000, 100_000)
SPAN_US = 37 * DAY_US
SPACING_US = 1_000_000
PATIENCE_S = 60
"""How long a Redis may take: to load a history it is kept busy by this process alone."""

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={"customer": key, "terminal": key, "country": key, "amount": money("EUR")},
)
reports = Stream("reports", id="report_id", time="reported_at", fields={"payment_id": key})
customer, terminal = payments.by("customer"), payments.by("terminal")
fraud = payments.flagged_by(reports, on="payment_id")


class Windowed(FeatureSet, spine=payments):
    """Twelve windowed features."""

    n = customer.count().over("1d", "7d", "30d")
    spend = customer.sum(payments.amount).over("1d", "7d", "30d")
    n_terminal = terminal.count().over("1d", "7d", "30d", delay="7d")
    risk = terminal.mean(fraud).over("1d", "7d", "30d", delay="7d")


class Last(FeatureSet, spine=payments):
    """The last amount."""

    last = customer.last(payments.amount).over("30d")


class Largest(FeatureSet, spine=payments):
    """The largest amount."""

    largest = customer.max(payments.amount).over("30d")


class Countries(FeatureSet, spine=payments):
    """Few different values."""

    countries = customer.distinct(payments.country, cap=100).over("30d")


class Ids(FeatureSet, spine=payments):
    """As many different values as there are events, told apart up to a thousand."""

    ids = customer.distinct(payments.payment_id, cap=1_000).over("30d")


TRACKS = {"last": Last, "largest": Largest, "3 different": Countries, "all different": Ids}


@dataclass(frozen=True, slots=True)
class History:
    """What is known before the measured events, and these.

    Parameters
    ----------
    n_each : how many events each customer and each terminal has
    dataset : all of them, in order of time
    following : the measured events
    """

    n_each: int
    dataset: Dataset
    following: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Laps:
    """Seconds of each measured event: to append it, to read its features, to do both, to commit."""

    append: np.ndarray
    read: np.ndarray
    both: np.ndarray
    commit: np.ndarray


Contender = Callable[[Plan, History], Laps]
"""Loads a history of a plan's sources, plays the following events one by one, and says how long each took."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--feast", metavar="PYTHON", help="an interpreter that has feast[redis]")
    options = parser.parse_args()
    n_total, n = (20_000, 500) if options.quick else (200_000, 5_000)
    histories = [history(each, n_total, n) for each in HISTORIES if each <= n_total]
    console = Console(width=120)
    console.print(_table("Twelve windowed features of two entities", _measured(CONTENDERS, Windowed, histories)))
    rows = [row for name, what in TRACKS.items() for row in _measured({name: in_lmdb}, what, histories)]
    console.print(_table("One feature of single events over 30 days, in LMDB", rows))
    console.print(feast(options.feast))


def in_lmdb(plan: Plan, past: History) -> Laps:
    """Measure the state as it is embedded."""
    with _lmdb() as store:
        return played(Online(plan, store), past)


def in_redis(plan: Plan, past: History) -> Laps:
    """Measure a Redis of this machine, through its socket."""
    with redis_server.redis_server() as server:
        return played(Online(plan, RedisStore(server.url, plan.state_digest, PATIENCE_S)), past)


def in_redis_tcp(plan: Plan, past: History) -> Laps:
    """Measure a Redis of this machine, through the loopback."""
    port = _free_port()
    with redis_server.redis_server(port):
        url = f"redis://127.0.0.1:{port}/0"
        return played(Online(plan, RedisStore(url, plan.state_digest, PATIENCE_S)), past)


CONTENDERS: dict[str, Contender] = {"LMDB": in_lmdb}
if redis_server.SERVER is not None:
    CONTENDERS |= {"Redis, socket": in_redis, "Redis, loopback": in_redis_tcp}


def played(online: Online, past: History) -> Laps:
    """Load a history and play what follows, one transaction each."""
    online.rebuild(past.dataset)
    laps = np.empty((len(past.following), 4))
    clock = time.perf_counter
    for i, record in enumerate(past.following):
        position = past.dataset.last_position + 1 + i
        with online.transaction() as state:
            begin = clock()
            state.append(record, position)
            appended = clock()
            state.vector(record, position)
            read = clock()
            state.commit(position)
            laps[i] = begin, appended, read, clock()
    alone = np.diff(laps, axis=1).T
    return Laps(alone[0], alone[1], alone[0] + alone[1], alone[2])


def feast(interpreter: str | None) -> Table:
    """Measure Feast's reads of twelve constants of one entity, from SQLite and from Redis."""
    table = Table("online store", title="Feast: get_online_features of one entity, twelve features computed before")
    table.add_column("microseconds, p50 (p99)", justify="right")
    if interpreter is None:
        table.add_row("not measured: no --feast", "")
        return table
    table.add_row("SQLite", _by_feast(interpreter, "sqlite"))
    if redis_server.SERVER is not None:
        port = _free_port()
        with redis_server.redis_server(port):
            table.add_row("Redis, loopback", _by_feast(interpreter, "redis", f"127.0.0.1:{port}"))
    return table


def _by_feast(interpreter: str, *arguments: str) -> str:
    command = [interpreter, str(Path(__file__).with_name("feast_reads.py")), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        return f"not measured: {ran.stderr.strip().splitlines()[-1]}"
    figures = json.loads(ran.stdout.splitlines()[-1])
    return f"{figures['p50']:,.0f} ({figures['p99']:,.0f})"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def _lmdb() -> Iterator[LmdbStore]:
    with tempfile.TemporaryDirectory() as folder:
        store = LmdbStore(Path(folder) / "state")
        try:
            yield store
        finally:
            store.close()


def history(n_each: int, n_total: int, n: int) -> History:
    """Return customers and terminals with some events each, one in a hundred reported, and n events to measure."""
    chance, n_entities = np.random.default_rng(0), n_total // n_each
    times = np.linspace(0, SPAN_US, n_total).astype(np.int64)
    codes = [chance.permutation(np.arange(n_total, dtype=np.int32) % n_entities) for _ in range(2)]
    names = pa.array([f"{number:08}" for number in range(n_entities)])
    ids = pa.array([f"P{number:09}" for number in range(n_total)])
    keys = {
        "customer": EncodedKeys(codes[0], names),
        "terminal": EncodedKeys(codes[1], names),
        "country": EncodedKeys(chance.integers(0, 3, n_total).astype(np.int32), pa.array(["DE", "FR", "NL"])),
    }
    amounts = FixedPoint(chance.integers(100, 20_000, n_total), np.zeros(n_total, dtype=np.bool_), 2)
    paid = Records(
        payments.definition, np.arange(1, n_total + 1, dtype=np.int64), times, ids, keys, {"amount": amounts}
    )
    bad = np.flatnonzero(chance.random(n_total) < 0.01)
    found = {"payments": paid, "reports": _reports(ids.take(pa.array(bad)), times[bad] + DAY_US, n_total + 1)}
    following = [_following(i, int(chance.integers(n_entities)), int(chance.integers(n_entities))) for i in range(n)]
    return History(n_each, Dataset(found, "", n_total + len(bad)), following)


def _reports(about: pa.Array, times: np.ndarray, first: int) -> Records:
    ids = pa.array([f"R{number:09}" for number in range(len(about))])
    keys = {"payment_id": EncodedKeys(np.arange(len(about), dtype=np.int32), about)}
    return Records(reports.definition, np.arange(first, first + len(about)), times, ids, keys, {})


def _following(number: int, customer_code: int, terminal_code: int) -> Record:
    named: dict[str, str | None] = {
        "customer": f"{customer_code:08}",
        "terminal": f"{terminal_code:08}",
        "country": "DE",
    }
    at = SPAN_US + SPACING_US * (number + 1)
    return Record("payments", f"N{number:09}", at, named, {"amount": 100 + number})


@dataclass(frozen=True, slots=True)
class Measured:
    """What one contender took for one history."""

    contender: str
    n_each: int
    laps: Laps


def _measured(
    contenders: Mapping[str, Contender], features: type[FeatureSet], histories: Sequence[History]
) -> list[Measured]:
    plan = Plan(features.definition, (payments.definition, reports.definition))
    return [
        Measured(name, past.n_each, measure(plan, past)) for name, measure in contenders.items() for past in histories
    ]


def _table(title: str, found: Sequence[Measured]) -> Table:
    table = Table("state", title=f"{title}; microseconds an event, p50 (p99)")
    for column in ("events of an entity", "append", "read", "read + append", "commit", "all"):
        table.add_column(column, justify="right")
    for each in found:
        laps = each.laps
        cells = [_cell(of) for of in (laps.append, laps.read, laps.both, laps.commit, laps.both + laps.commit)]
        table.add_row(each.contender, f"{each.n_each:,}", *cells)
    return table


def _cell(seconds: np.ndarray) -> str:
    p50, p99 = np.percentile(seconds * 1e6, [50, 99])
    return f"{p50:,.0f} ({p99:,.0f})"


if __name__ == "__main__":
    main()
