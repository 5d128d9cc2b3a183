"""A server killed under load, twenty times over: what it acknowledged is there, once, and nothing else is claimed."""

import shutil
import threading
import time
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallystick.journal import anchoring
from tallystick.journal.decision import decode
from tallystick.journal.records import records
from tallystick.log.entry import Entry
from tallystick.log.opening import open_log
from tallystick.serving import tokens
from tallystick.serving.state import open_state
from tallystick.testing.server_process import ServerProcess, send
from tallystick.testing.world import World, build

N_KILLS, N_CLIENTS = 20, 4
LOAD_S = (0.2, 0.37, 0.55)
READY_S = 5.0


@dataclass
class Client:
    """Sends payments of its own one after another, retries what failed, and keeps every answer it got."""

    number: int
    template: dict[str, Any]
    n_sent: int = 0
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: bytes | None = None
    repeated: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def run(self, process: ServerProcess, until: threading.Event) -> None:
        """Send until told to stop, or until the server is gone."""
        connection = HTTPConnection("127.0.0.1", process.port, timeout=10)
        try:
            while not until.is_set():
                self._one(connection, process.headers)
        except (OSError, HTTPException):
            pass  # the server was killed: whether the pending request was decided is what its retry finds out
        finally:
            connection.close()

    def _one(self, connection: HTTPConnection, headers: dict[str, str]) -> None:
        raw = self.pending or self._next()
        self.pending = raw
        reply = send(connection, "POST", "/decisions", raw, headers)
        if reply.status == 200:
            known = self.acknowledged.setdefault(reply.body["decision_id"], reply.body)
            if known != reply.body:
                self.wrong.append(f"{known} became {reply.body}")
            # Now and then something acknowledged is sent again: it must get its old answer.
            self.pending = raw if self.n_sent % 4 == 0 and reply.body["decision_id"] not in self.repeated else None
            self.repeated.add(reply.body["decision_id"])
        elif reply.status != 429:
            self.wrong.append(f"{reply.status} {reply.body}")

    def _next(self) -> bytes:
        self.n_sent += 1
        return msgspec.json.encode(self.template | {"payment_id": f"c{self.number}-{self.n_sent}"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world of the test's own."""
    return build(tmp_path / "project")


@pytest.mark.slow
def test_twenty_kills_lose_nothing(world: World) -> None:
    """Every acknowledged decision is in the log with the same answer, none twice; chain and state are whole."""
    token = tokens.create(world.folder / "tokens", "load", ["decide", "record", "read"])
    templates = [msgspec.json.decode(raw) for raw in world.payments(N_CLIENTS, skip=50)]
    clients = [Client(number, template) for number, template in enumerate(templates)]
    starts: list[float] = []

    for kill in range(N_KILLS):
        process = ServerProcess(world.folder, world.bundle, token=token)
        process.wait()
        starts.append(process.cpu_s)
        _load_and_kill(process, clients, LOAD_S[kill % len(LOAD_S)])
        if kill % 5 == 4:
            _check_log(world, clients)

    _check_log(world, clients)
    _check_state(world)
    assert max(starts) <= READY_S
    assert sum(len(client.acknowledged) for client in clients) > N_KILLS * N_CLIENTS


def _load_and_kill(process: ServerProcess, clients: list[Client], seconds: float) -> None:
    until = threading.Event()
    threads = [threading.Thread(target=client.run, args=(process, until)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    process.kill()
    until.set()
    for thread in threads:
        thread.join()


def _check_log(world: World, clients: list[Client]) -> None:
    """Prove the log that the killed server left, and hold every answer against it."""
    with open_log(world.folder / "log.sqlite") as log:
        log.verify(anchoring.signed(world.ledger)[-1])
        entries = list(log.read())
    decisions = {entry.id: entry for entry in entries if entry.kind == "decision"}
    events = [entry.id for entry in entries if entry.kind == "event"]
    assert len(decisions) == sum(entry.kind == "decision" for entry in entries)
    assert len(events) == len(set(events))
    for client in clients:
        assert client.wrong == []
        lost = [name for name, answer in client.acknowledged.items() if not _same(decisions.get(name), answer)]
        assert lost == []


def _same(entry: Entry | None, answer: dict[str, Any]) -> bool:
    if entry is None:
        return False
    stored = decode(entry.body)
    stated = (answer["position"], answer["action"], answer["score"], answer["threshold"], answer["bundle"])
    return stated == (entry.position, stored.action, stored.score, stored.threshold, stored.bundle)


def _check_state(world: World) -> None:
    """Hold the state of one more start against one made of history and log alone."""
    copy = replace(world, folder=world.folder.parent / "copy")
    shutil.copytree(world.folder, copy.folder, ignore=shutil.ignore_patterns("state"))
    with world.service():
        pass
    stood, rebuilt = open_state(world.folder / "state", world.plan), open_state(copy.folder / "state", world.plan)
    with open_log(world.folder / "log.sqlite") as log:
        rebuilt.rebuild(records(log, world.plan))
        with rebuilt.transaction() as state:
            state.commit(log.head.position)
    try:
        assert stood.dump() == rebuilt.dump()
    finally:
        stood.close()
        rebuilt.close()
