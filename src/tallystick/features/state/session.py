"""Who has the state open, and whether the machine went down meanwhile."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tallystick.durable import place
from tallystick.errors import StateDoubtful, StateHeld

START_OF_MACHINE = Path("/proc/sys/kernel/random/boot_id")


class StateSession:
    """Holds ``<state>/session`` until closed or until the process ends, killed or not.

    While the state is open the file names the start of the machine, and it is emptied when the state is closed and
    safe on the disk. A file that names another start was left by a machine that went down: the operating system may
    have written some pages and lost others.

    Parameters
    ----------
    handle : of the open session file, which is locked
    is_watched : whether the machine says when it was started, so that a crash can be told
    """

    def __init__(self, handle: int, *, is_watched: bool) -> None:
        self._handle: int | None = handle
        self.is_watched = is_watched

    @classmethod
    def begin(cls, folder: Path) -> Self:
        """Take the state of a folder, or say why not.

        Raises
        ------
        StateHeld
            If another process has it open.
        StateDoubtful
            If the machine went down while it was open.
        """
        handle = _locked(folder)
        left, start = os.pread(handle, 64, 0), _start_of_machine()
        if left not in (b"", start):
            os.close(handle)
            raise StateDoubtful(folder)
        _write(handle, start)
        return cls(handle, is_watched=start != b"")

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self._handle is not None

    def end(self) -> None:
        """Say that everything is safe on the disk, and let others open the state."""
        if self._handle is not None:
            _write(self._handle, b"")
            os.close(self._handle)
            self._handle = None


@contextmanager
def held(folder: Path) -> Iterator["Hold"]:
    """Keep every other process out of a state's folder, whatever is in it, until the block is left.

    Raises
    ------
    StateHeld
        If another process has it open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = _locked(folder)
    try:
        yield Hold(folder, handle)
    finally:
        os.close(handle)


class Hold:
    """A state's folder while nobody can open it.

    Parameters
    ----------
    folder : the state's
    handle : of the session file, which is locked
    """

    def __init__(self, folder: Path, handle: int) -> None:
        self._folder, self._handle = folder, handle

    def take(self, data: Path) -> None:
        """Put a finished file in the place of the state's own, at once; from then on the state is not in doubt."""
        (self._folder / "lock.mdb").unlink(missing_ok=True)
        place(data, self._folder / data.name)
        _write(self._handle, b"")


def _locked(folder: Path) -> int:
    handle = os.open(folder / "session", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise StateHeld(folder) from error
    return handle


def _start_of_machine() -> bytes:
    """Return a name of this start of the machine; nothing where it has none, and then every commit is synced."""
    return START_OF_MACHINE.read_bytes().strip() if START_OF_MACHINE.is_file() else b""


def _write(handle: int, content: bytes) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, content, 0)
    os.fsync(handle)
