"""One writer at a time: a lock that the operating system drops when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from tallystick.errors import LogHeld, LogUnavailable


class WriterLock:
    """Holds `<path>.lock` until closed or until the process ends, kill -9 included.

    It locks a side file, because closing any handle of a file drops the locks SQLite holds on it.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take the lock of the log at `path`, or say who has it.

        Raises
        ------
        LogHeld
            When another writer has the log open.
        LogUnavailable
            When the lock file cannot be opened.
        """
        side = path.with_name(f"{path.name}.lock")
        try:
            handle = os.open(side, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogUnavailable(str(path), reason=f"{side.name}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            os.close(handle)
            raise LogHeld(str(path), holder=int(holder) if holder.isdecimal() else None) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return cls(handle)

    def close(self) -> None:
        """Give the lock back. The side file stays: removing it would let two writers in."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
