"""What the demo needs around the project: a server process with a caller, and a copy with one byte flipped."""

import http.client
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tallystick.journal.decision import decisions
from tallystick.lifecycle import Project
from tallystick.serving import tokens
from tallystick.settings import Places
from tallystick.testing.command import connected, free_port

BEARER, PATIENCE_S = "demo", 30.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token, on one kept-alive connection."""

    connection: http.client.HTTPConnection
    token: str

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """Send a record and return the answer.

        Parameters
        ----------
        path : such as ``/decisions``
        body : the record as JSON
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request("POST", path, body, headers)
        answer: dict[str, Any] = msgspec.json.decode(self.connection.getresponse().read())
        return answer


@contextmanager
def server(project: Project, *, clock_at: int) -> Iterator[Caller]:
    """Run ``tally serve`` as a process of its own until the block is left, its clock starting at an instant.

    Parameters
    ----------
    project : opened by whom the server acts for
    clock_at : microseconds since 1970 UTC
    """
    token = tokens.create(project.places.tokens, BEARER, tokens.SCOPES)
    port, at = free_port(), datetime.fromtimestamp(clock_at / 1e6, UTC).isoformat()
    command = [sys.executable, "-m", "tallystick", "--project", str(project.root), "--as", project.actor]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "serve", "--port", str(port), "--rehearse-at", at], stdout=subprocess.DEVNULL
    )
    try:
        yield Caller(connected(port, process), token)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        tokens.revoke(project.places.tokens, BEARER)


def declined(project: Project, model: str) -> set[str]:
    """Return the records that a model declined so far: nobody ever reports them."""
    if not project.places.log.exists():
        return set()
    with project.archive() as archive:
        made = decisions(archive.log, model)
        return {each.decision.record_id for each in made if each.decision.action == "decline"}


@contextmanager
def flipped_copy(root: Path, decision: str) -> Iterator[Path]:
    """Copy a project, flip one bit in the request behind a decision, and yield the copy.

    Parameters
    ----------
    root : the project's folder
    decision : its id
    """
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
