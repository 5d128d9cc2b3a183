"""A server process of our own, started, asked over loopback, stopped or killed."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]


class ServerProcess:
    """A world's server on a free port of this machine's loopback.

    Parameters
    ----------
    folder, bundle : the world's, and the digest of what decides
    token : sent with every request that does not bring its own headers
    module : what is started
    """

    def __init__(
        self, folder: Path, bundle: str, *, token: str = "", module: str = "tallystick.testing.world_server"
    ) -> None:
        self.port, self.token = _free_port(), token
        errors = (folder / "server.stderr").open("ab")
        command = [sys.executable, "-m", module, str(folder), bundle, str(self.port)]
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(command, stderr=errors, stdin=subprocess.DEVNULL)  # noqa: S603 - our own
        errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self, *, most_s: float = 30.0) -> float:
        """Wait until it is ready; return how many seconds after its start that was.

        Raises
        ------
        TimeoutError
            If it is not ready in time, or ended.
        """
        while time.perf_counter() - self.started_at < most_s and self.process.poll() is None:
            try:
                if self.ask("GET", "/healthz").status == 200:
                    return time.perf_counter() - self.started_at
            except OSError:
                time.sleep(POLL_S)
        raise TimeoutError(f"The server is not ready after {most_s} s; see server.stderr.")

    def ask(self, verb: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request over a connection of its own.

        Parameters
        ----------
        verb : the HTTP method
        path : of the route, with its query
        body : raw bytes; None for none
        headers : in place of those that carry the token, which are sent by default
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            return send(connection, verb, path, body, headers if headers is not None else self.headers)
        finally:
            connection.close()

    @property
    def cpu_s(self) -> float:
        """How long it has worked: what its start costs, however busy the machine is with others.

        Where the system does not tell, how long ago it was started.
        """
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return time.perf_counter() - self.started_at
        fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def headers(self) -> dict[str, str]:
        """The headers that carry its token."""
        return {"authorization": f"Bearer {self.token}"}

    def stop(self) -> int:
        """Ask it to stop, and return its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """Kill it where it stands."""
        self.process.kill()
        self.process.wait(timeout=30)


def send(
    connection: http.client.HTTPConnection, verb: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> Reply:
    """Send one request over a connection, and read its JSON reply.

    Parameters
    ----------
    connection : an open one, which stays open
    verb : the HTTP method
    path : of the route, with its query
    body : raw bytes; None for none
    headers : all that are sent beside those of HTTP itself
    """
    connection.request(verb, path, body=body, headers=dict(headers))
    response = connection.getresponse()
    content = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, msgspec.json.decode(content) if content else None, found)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
