"""Decisions per second over HTTP beside the same server answering a constant, and where a decision's time goes.

    python benchmarks/decisions.py            the tables; about a minute
    python benchmarks/decisions.py --quick    a few seconds, for a look

The server has one core, the client another; both talk over loopback, and one run measures everything.
"""

import argparse
import asyncio
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tallystick.definitions.durations import DAY_US
from tallystick.features.online.executor import Transaction
from tallystick.log.sqlite import SqliteLog
from tallystick.log.sqlite_reader import SqliteLogReader
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.session import Session
from tallystick.serving import commit_batch, tokens
from tallystick.serving.requests import Request
from tallystick.serving.server import Address, listen
from tallystick.testing.server_process import ServerProcess
from tallystick.testing.world import NOW, World, build

CONNECTIONS = (1, 16)
SPACING = timedelta(seconds=60)  # so that all requests fit between the history and the present
CONSTANT = json.dumps({"decision_id": "P0000001", "action": "approve", "score": 0.1, "padding": "x" * 420}).encode()


@dataclass(frozen=True, slots=True)
class Measured:
    """What one server did for some connections."""

    server: str
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--constant", type=int, metavar="PORT", help=argparse.SUPPRESS)
    requested = parser.parse_args()
    if requested.constant:
        asyncio.run(listen(_constant, Address(port=requested.constant), lambda _: None))
        return
    n = 400 if requested.quick else 4_000
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder) / "project")
        token = tokens.create(world.folder / "tokens", "benchmark", ["decide"])

        def requests(name: str, n_requested: int | None) -> list[bytes]:
            return _requests(world, token, name, n_requested or n)

        found = [*_limit(requests), *_ours(world, token, requests)]
        console.print(_table(found))
        console.print(_stages(world, n=min(n, 800)))


Requests = Callable[[str, int | None], list[bytes]]


def _limit(requests: Requests) -> Iterator[Measured]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen([sys.executable, __file__, "--constant", str(port)])
    try:
        yield from _measured("constant", process.pid, port, requests)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ours(world: World, token: str, requests: Requests) -> Iterator[Measured]:
    with ServerProcess(world.folder, world.bundle, token=token) as process:
        yield from _measured("tallystick", process.process.pid, process.port, requests)


def _measured(server: str, pid: int, port: int, requests: Requests) -> Iterator[Measured]:
    _wait(port)
    _pin(pid, 0)
    _pin(0, 1)
    for connections in CONNECTIONS:
        load(port, requests(f"{connections}-warm", 100), connections)
        sent = requests(str(connections), None)
        begin = time.perf_counter()
        latencies = np.array(load(port, sent, connections)) * 1e3
        seconds = time.perf_counter() - begin
        p50, p99 = np.percentile(latencies, [50, 99])
        yield Measured(server, connections, len(sent) / seconds, float(p50), float(p99))


def load(port: int, requests: Sequence[bytes], connections: int) -> list[float]:
    """Send requests over keep-alive connections, one in flight on each; return how many seconds each took."""
    waiting, latencies = iter(requests), []
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        client = _Client(socket.create_connection(("127.0.0.1", port)))
        client.send(next(waiting))
        selector.register(client.connection, selectors.EVENT_READ, client)
    while selector.get_map():
        for key, _ in selector.select():
            client = key.data
            if not client.is_answered():
                continue
            latencies.append(client.seconds)
            following = next(waiting, None)
            if following is None:
                selector.unregister(client.connection)
                client.connection.close()
            else:
                client.send(following)
    return latencies


class _Client:
    """One keep-alive connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.received, self.sent_at, self.seconds = connection, b"", 0.0, 0.0
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        self.received, self.sent_at = b"", time.perf_counter()
        self.connection.sendall(request)

    def is_answered(self) -> bool:
        self.received += self.connection.recv(65_536)
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.received.decode())
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        self.seconds = time.perf_counter() - self.sent_at
        return len(body) >= length


def _requests(world: World, token: str, name: str, n: int) -> list[bytes]:
    return [
        f"POST /decisions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
        for body in _bodies(world, name, n)
    ]


_moments = count()


def _bodies(world: World, name: str, n: int) -> list[bytes]:
    """Return n payments under new ids, in order of time, between the customers and terminals of real templates."""
    templates = [json.loads(raw) for raw in world.payments(500)]
    begin = datetime.fromtimestamp((NOW - 15 * DAY_US) / 1e6, UTC)
    bodies = []
    for i in range(n):
        paid_at = begin + SPACING * next(_moments)
        own = {"payment_id": f"{name}-{i}", "paid_at": f"{paid_at:%Y-%m-%dT%H:%M:%SZ}"}
        bodies.append(json.dumps(templates[i % len(templates)] | own, separators=(",", ":")).encode())
    return bodies


async def _constant(_: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Read the body and answer the same bytes always: what HTTP costs before anything is decided."""
    await receive()
    length = str(len(CONSTANT)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": CONSTANT})


def _wait(port: int) -> None:
    for _ in range(1_500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"Nothing listens on port {port}.")


def _pin(pid: int, core: int) -> None:
    """Give a process, with all its threads, one core; a machine with one core shares it."""
    cores = range(os.cpu_count() or 1)
    for thread in Path(f"/proc/{pid or 'self'}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cores[min(core, len(cores) - 1)]})


def _table(found: Sequence[Measured]) -> Table:
    limits = {each.connections: each for each in found if each.server == "constant"}
    table = Table(
        "server", "connections", "requests/s", "p50 ms", "p99 ms", "of the limit", title="Decisions over HTTP"
    )
    for each in found:
        ratio = each.per_second / limits[each.connections].per_second
        numbers = (f"{each.per_second:,.0f}", f"{each.p50_ms:.2f}", f"{each.p99_ms:.2f}", f"{ratio:.0%}")
        table.add_row(each.server, str(each.connections), *numbers)
    return table


def _stages(world: World, n: int) -> Table:
    """Return where the service's own time goes, without HTTP, for groups of one and of sixteen."""
    table = Table("stage", *(f"us, groups of {size}" for size in CONNECTIONS), title="A decision's time in the service")
    columns = []
    with world.service() as service:
        for size in CONNECTIONS:
            requests = [Request(raw) for raw in _bodies(world, f"stages-{size}", n)]
            with _timed() as spent:
                begin = time.perf_counter()
                for start in range(0, n, size):
                    service.decide(requests[start : start + size])
                spent["all"] = time.perf_counter() - begin
            spent["everything else"] = 2 * spent["all"] - sum(spent.values())
            columns.append({stage: seconds / n * 1e6 for stage, seconds in spent.items()})
    for stage in [*(s for s in columns[0] if s != "all"), "all"]:
        table.add_row(stage, *(f"{column[stage]:,.0f}" for column in columns))
    return table


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Count the seconds spent in each stage while the block runs."""
    spent: dict[str, float] = defaultdict(float)
    stages: list[tuple[str, Any, str]] = [
        ("screen the request", commit_batch, "parse"),
        ("look up key and record in the log", SqliteLogReader, "find"),
        ("append to the state", Transaction, "prepare"),
        ("append to the state", Transaction, "enter"),
        ("features", Transaction, "vector"),
        ("score", Session, "raw_and_score"),
        ("reasons", Reasons, "explain"),
        ("write the entry's JSON", commit_batch, "encode"),
        ("commit the state", Transaction, "commit"),
    ]
    before = [(owner, name, getattr(owner, name)) for _, owner, name in stages]
    before.append((SqliteLog, "transaction", SqliteLog.transaction))
    for stage, owner, name in stages:
        setattr(owner, name, _counting(getattr(owner, name), stage, spent))
    SqliteLog.transaction = _counting_block(SqliteLog.transaction, "append to the log and sync", spent)  # type: ignore[method-assign, assignment]
    try:
        yield spent
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def _counting(function: Callable[..., Any], stage: str, spent: dict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def counted(*args: Any, **settings: Any) -> Any:
        begin = time.perf_counter()
        try:
            return function(*args, **settings)
        finally:
            spent[stage] += time.perf_counter() - begin

    return counted


def _counting_block(
    function: Callable[..., AbstractContextManager[Any]], stage: str, spent: dict[str, float]
) -> Callable[..., AbstractContextManager[Any]]:
    @contextmanager
    def counted(*args: Any) -> Iterator[Any]:
        begin = time.perf_counter()
        with function(*args) as entered:
            yield entered
        spent[stage] += time.perf_counter() - begin

    return counted


if __name__ == "__main__":
    main()
