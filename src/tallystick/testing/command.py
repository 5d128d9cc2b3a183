"""The command line as a test uses it: a verb runs here or as a process of its own, and what came of it is a value."""

import contextlib
import http.client
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import msgspec

Main = Callable[[list[str]], NoReturn]
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of a verb: its exit code, and what stands on stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout.

        Raises
        ------
        AssertionError
            If something stands on stderr.
        msgspec.DecodeError
            If stdout is anything but one document.
        """
        if self.err:
            raise AssertionError(self.err)
        return msgspec.json.decode(self.out)


def run(main: Main, *arguments: str) -> CommandResult:
    """Run the command line in this process: what a process of its own would do, without its start.

    Parameters
    ----------
    main : the command's entry, which ends by raising ``SystemExit``
    *arguments : of the command line, such as "check", "--json"
    """
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
    return CommandResult(code, out.getvalue(), err.getvalue())


def start(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """Start the command as a process of its own, which hears Ctrl-C even where this one runs in the background.

    Parameters
    ----------
    *arguments : of the command line
    folder : where the process works; None for here
    **environment : variables beside those of this process
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "tallystick", *arguments],
            cwd=folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def ended(process: subprocess.Popen[str]) -> CommandResult:
    """Wait until a process has ended, and say what came of it."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return CommandResult(process.returncode, out, err)


def free_port() -> int:
    """Return a port of this machine's loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def connected(port: int, process: subprocess.Popen[Any] | None = None) -> http.client.HTTPConnection:
    """Wait until a server answers on a port of the loopback, and return a connection to it.

    Parameters
    ----------
    port : of the loopback
    process : the server, where it is ours: nobody waits for one that has ended

    Raises
    ------
    TimeoutError
        If none does.
    """
    gives_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < gives_up_at and (process is None or process.poll() is None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.03)
        else:
            return connection
    raise TimeoutError(f"Nobody answers on port {port}.")
