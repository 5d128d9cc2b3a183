"""What the demo needs around the project: a server process with a caller, and a copy with one byte flipped."""

import http.client
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tallystick.errors import ConfigError
from tallystick.lifecycle import Project
from tallystick.serving import tokens
from tallystick.serving.record import decode
from tallystick.settings import Places

LOOPBACK, PATIENCE_S = "127.0.0.1", 30.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token, on one kept-alive connection."""

    connection: http.client.HTTPConnection
    token: str

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """Send a record and return the answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request("POST", path, body, headers)
        answer: dict[str, Any] = msgspec.json.decode(self.connection.getresponse().read())
        return answer


@contextmanager
def server(project: Project, *, clock_at: int) -> Iterator[Caller]:
    """Run ``tally serve`` as a process of its own until the block is left, its clock starting at an instant.

    Raises
    ------
    ConfigError
        If it does not answer within half a minute.
    """
    tokens.create(project.places.tokens, "demo", ["decide", "record", "read"]) if not _has_token(project) else None
    tokens.revoke(project.places.tokens, "demo")
    token = tokens.create(project.places.tokens, "demo", ["decide", "record", "read"])
    port, at = _free_port(), datetime.fromtimestamp(clock_at / 1e6, UTC).isoformat()
    command = [sys.executable, "-m", "tallystick", "--project", str(project.root), "--as", project.actor]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "serve", "--port", str(port), "--rehearse-at", at], stdout=subprocess.DEVNULL
    )
    try:
        yield Caller(_connected(process, port), token)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def stopped(project: Project) -> set[str]:
    """Return the records that were stopped so far: nobody ever reports them."""
    if not project.places.log.exists():
        return set()
    with project.archive() as archive:
        return {d.record_id for d in map(decode, _bodies(archive)) if d.action == "stop"}


@contextmanager
def flipped_copy(root: Path, decision: str) -> Iterator[Path]:
    """Copy a project, flip one bit in the request behind a decision, and yield the copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns("state"))
        with sqlite3.connect(Places(copy).log) as log:
            # The log refuses changes through SQL; whoever tampers would not ask.
            log.execute("DROP TRIGGER entries_are_written_once")
            where = "kind = 'event' AND id = ?"
            body = bytearray(log.execute(f"SELECT body FROM entries WHERE {where}", (decision,)).fetchone()[0])
            body[body.index(b'"amount":"') + 10] ^= 1
            log.execute(f"UPDATE entries SET body = ? WHERE {where}", (bytes(body), decision))
        log.close()
        yield copy


def _bodies(archive: Any) -> Iterator[bytes]:
    return (entry.body for entry in archive.decisions("payments"))


def _has_token(project: Project) -> bool:
    return (project.places.tokens / "demo.json").exists()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _connected(process: subprocess.Popen[bytes], port: int) -> http.client.HTTPConnection:
    gives_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < gives_up_at and process.poll() is None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return connection
    sentence = f"The server did not answer on port {port} within {PATIENCE_S:.0f} s."
    raise ConfigError(sentence)
