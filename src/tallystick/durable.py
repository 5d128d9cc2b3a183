"""Writing a file or a folder whole or not at all, and so that a power cut keeps it: the one place that does."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def write_file(path: Path, content: bytes) -> Path:
    """Write a file, in the place of the one that is there, and return its path.

    Parameters
    ----------
    path : the file; its folder is there already
    content : all of it

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_file(path, b"one").read_bytes(), write_file(path, b"two").read_bytes()
    (b'one', b'two')
    """
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to; when the block ends well, that file is the one at ``path``.

    For writers that want a path and not bytes. If the block raises, nothing is left, and what was there stays.

    Parameters
    ----------
    path : the file that is to be; its folder is there already
    """
    unfinished = _beside(path)
    try:
        yield unfinished
        place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def create_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file that is not there yet; one of that name is left as it is, and refused with ``FileExistsError``.

    Parameters
    ----------
    path : the file; its folder is there already
    content : all of it
    mode : its permissions from its first byte on, less what the process's umask takes away
    """
    unfinished = _beside(path)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        _sync(unfinished)
        os.link(unfinished, path)  # unlike a rename, it never replaces
        _sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Write a folder of files, and return it; one that is there already is left as it is.

    For folders named by the digest of their content: the name says that it is the same.

    Parameters
    ----------
    folder : the folder that is to be; those above it are made
    contents : every file's bytes by its name

    Examples
    --------
    >>> import tempfile
    >>> folder = write_folder(Path(tempfile.mkdtemp()) / "a" / "3fa1", {"note.txt": b"one"})
    >>> [path.name for path in folder.iterdir()], [path.name for path in folder.parent.iterdir()]
    (['note.txt'], ['3fa1'])
    """
    if folder.exists():
        return folder
    unfinished = _beside(folder)
    unfinished.mkdir(parents=True)
    try:
        for name, content in contents.items():
            (unfinished / name).write_bytes(content)
        place(unfinished, folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, and wrote the same
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def place(unfinished: Path, path: Path) -> None:
    """Put a finished file, or a folder of files, where it belongs: synced before it is seen, and seen at once.

    Parameters
    ----------
    unfinished : what is finished, on the same disk
    path : its place; a file that is there is replaced
    """
    for file in unfinished.iterdir() if unfinished.is_dir() else ():
        _sync(file)
    _sync(unfinished)
    unfinished.replace(path)
    _sync(path.parent)


def _beside(path: Path) -> Path:
    """Return where something is written until it is whole: a name that nobody else takes, in the same folder."""
    return path.parent / f".{path.name[:64]}.{secrets.token_hex(8)}.unfinished"


def _sync(path: Path) -> None:
    """Wait until the disk has a file's content, or a folder's names: without those, a power cut undoes a rename."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
