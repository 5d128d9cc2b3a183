"""Reading a folder nobody vouches for yet: plain files only, of known names and bounded size, each read once."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from tallystick.definitions.stored import read_stored
from tallystick.errors import BundleShapeWrong, BundleUnreadable

MANIFEST = "manifest.json"
MAX_SIGNATURE_BYTES = 1024**2
MAX_FILES = 32
MAX_TEXT_BYTES = 32 * 1024**2
MAX_FILE_BYTES = 256 * 1024**2
MAX_TOTAL_BYTES = 512 * 1024**2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON file of a bundle: its bytes, and where they came from."""

    folder: Path
    name: str
    content: bytes

    def typed(self, kind: type[T]) -> T:
        """Return the value in it, by ``read_stored``: unknown or repeated fields are refused too."""
        return self.read(partial(read_stored, kind=kind))

    def read(self, reader: Callable[[bytes], T]) -> T:
        """Return what a reader finds in it.

        Raises
        ------
        BundleUnreadable
            If the reader raises: it is no JSON of that kind, or not in the one stored form.
        """
        try:
            return reader(self.content)
        except (ValueError, RecursionError) as error:
            raise BundleUnreadable(self.name, folder=self.folder, reason=str(error)) from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read every file of a bundle's folder into memory, once: what is verified is what is used.

    Raises
    ------
    BundleShapeWrong
        If the folder is missing, a link, or holds a subfolder, a link, a device, too many files or too much.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise BundleShapeWrong(".", folder=folder, reason="it is no folder")
    names = sorted(path.name for path in islice(folder.iterdir(), MAX_FILES + 1))
    if len(names) > MAX_FILES:
        raise BundleShapeWrong(".", folder=folder, reason=f"it holds more than {MAX_FILES} files")
    found: dict[str, bytes] = {}
    for name in names:
        left = MAX_TOTAL_BYTES - sum(map(len, found.values()))
        limit = MAX_TEXT_BYTES if name.endswith(".json") else MAX_FILE_BYTES
        found[name] = read_plain(folder, name, limit=min(limit, left))
    return found


def read_plain(folder: Path, name: str, *, limit: int) -> bytes:
    """Read one plain file of at most ``limit`` bytes.

    Parameters
    ----------
    folder : where the file lies
    name : its name there, without a path
    limit : the most bytes that are read

    Raises
    ------
    BundleShapeWrong
        If it is missing, a link, no plain file, or too large.
    """
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else f"it cannot be read ({error.strerror})"
        raise BundleShapeWrong(name, folder=folder, reason=reason) from error
    try:
        # The open file is asked, so that nobody exchanges it between the question and the reading.
        described = os.fstat(handle)
        if not stat.S_ISREG(described.st_mode):
            raise BundleShapeWrong(name, folder=folder, reason="it is no plain file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = b"" if described.st_size > limit else file.read(limit + 1)
    finally:
        os.close(handle)
    if max(described.st_size, len(content)) > limit:
        raise BundleShapeWrong(name, folder=folder, reason=f"it is larger than {limit} bytes")
    return content


def read_text(folder: Path, name: str) -> Text:
    """Read one JSON file of a bundle.

    Parameters
    ----------
    folder : where the file lies
    name : its name there, without a path

    Raises
    ------
    BundleShapeWrong
        If it is missing, no plain file, or too large.
    """
    return Text(folder, name, read_plain(folder, name, limit=MAX_TEXT_BYTES))
