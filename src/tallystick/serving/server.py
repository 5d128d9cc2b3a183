"""A running server: granian around the application, the committer inside, a clean end."""

import asyncio
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from tallystick.errors import AddressUnusable
from tallystick.serving.committer import Committer
from tallystick.serving.http import App, application
from tallystick.serving.service import Service
from tallystick.serving.tokens import Tokens

LOOPBACK = "127.0.0.1"
SETTLE_S = 0.2
# Half the files that a process may usually have open: a few callers that only connect keep nobody else out.
CONNECTIONS = 512


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens; on this machine only unless told otherwise."""

    host: str = LOOPBACK
    port: int = 8710


def serve(
    service: Service,
    tokens: Tokens,
    address: Address | None = None,
    *,
    most_waiting: int = 2_000,
    on_listening: Callable[[Address], None] = lambda _: None,
) -> None:
    """Serve until the process is asked to stop (SIGTERM, SIGINT), then answer what waits and close the service.

    Parameters
    ----------
    service : ready to decide
    tokens : who may ask for what
    address : where to listen; by default port 8710 of this machine's loopback
    most_waiting : how many requests may wait before the next is refused
    on_listening : called once the server listens
    """
    where = address or Address()
    committer = Committer(service.handle, most_waiting=most_waiting)
    committer.start()
    try:
        asyncio.run(listen(application(service, committer, tokens), where, on_listening))
    finally:
        committer.stop()
        service.close()


async def listen(app: App, address: Address, on_listening: Callable[[Address], None]) -> None:
    """Run an ASGI application in this process, on one core, until SIGTERM or SIGINT.

    Parameters
    ----------
    app : what answers
    address : where to listen
    on_listening : called once, with the address, as soon as connections are taken

    Raises
    ------
    AddressUnusable
        If another process listens there, or the address is not this machine's.
    """
    _claim(address)
    server = Server(
        app,
        address=address.host,
        port=address.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    loop.call_later(0.0, on_listening, address)
    await server.serve()
    # Its threads end a moment later; an interpreter that ended before them would be aborted.
    await asyncio.sleep(SETTLE_S)


def _claim(address: Address) -> None:
    # The server shares its port with whoever asks to share it, and two projects must never answer on one.
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise AddressUnusable(address.host, address.port, reason=error.strerror or str(error)) from error
