"""A Redis of our own: on a socket in a folder, without a port, and nothing on the disk."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SERVER = shutil.which("redis-server")
MISSING = "redis-server is not on the PATH (the Debian package redis-server brings it)"
POLL_S = 0.02
MOST_S = 20.0


class RedisServer:
    """A running redis-server, which is reached through a socket.

    Parameters
    ----------
    folder : where the socket lies
    port : of this machine's loopback where it is reached as well; 0 for none
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.socket, self._port = folder / "redis.sock", port
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until its socket is there.

        Raises
        ------
        TimeoutError
            If it is not there in time, or it ended.
        """
        command = [SERVER or "redis-server", "--port", str(self._port), "--unixsocket", str(self.socket), "--save", ""]
        command += ["--bind", "127.0.0.1", "--appendonly", "no", "--dir", str(self.socket.parent), "--daemonize", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)  # noqa: S603 - ours
        begin = time.perf_counter()
        while not self.socket.exists():
            if self.process.poll() is not None or time.perf_counter() - begin > MOST_S:
                raise TimeoutError("redis-server did not start.")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End it; nothing of what it held is left."""
        self.process.terminate()
        self.process.wait(timeout=MOST_S)
        self.socket.unlink(missing_ok=True)


@contextmanager
def redis_server(port: int = 0) -> Iterator[RedisServer]:
    """Start a Redis, and end it when the block is left."""
    with TemporaryDirectory(prefix="tally-redis-") as folder:
        server = RedisServer(Path(folder), port)
        try:
            yield server
        finally:
            server.stop()
