"""A folder that lives as long as one computation, and what is left of those that were killed."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.errors import SpillFull

_LOCK = "held"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def spill_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for its owner alone, and remove it with all it holds, however the work ends.

    Parameters
    ----------
    parent : where it is made; leftovers of processes that were killed are removed there

    Raises
    ------
    SpillFull
        If the disk has no space left.
    """
    with _begun(parent) as folder:
        try:
            yield folder
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise SpillFull(parent, needed=_size(folder), free=shutil.disk_usage(parent).free) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path) -> int:
    """Remove the folders of computations that were killed, and return how many there were."""
    if not parent.is_dir():
        return 0
    with _alone(parent):
        return _swept(parent)


@contextmanager
def _begun(parent: Path) -> Iterator[Path]:
    """Make a folder and hold its lock: the kernel lets go of it when the process ends, even by kill -9."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(parent):
        # One that was killed could not clean up after itself.
        _swept(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        os.close(lock)


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Let nobody else sweep between the making of a folder and of its lock."""
    ours = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(ours, fcntl.LOCK_EX)
        yield
    finally:
        os.close(ours)


def _swept(parent: Path) -> int:
    left = [folder for folder in parent.iterdir() if folder.is_dir() and not _is_held(folder)]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_held(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    # Made, but not locked yet: its maker was killed in between, or else we would still wait to be alone.
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
