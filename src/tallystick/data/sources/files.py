"""Files and folders of files: which of them are a source's pieces, on this machine as in an object store."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tallystick.data.sources.csv_file import CsvFile
from tallystick.data.sources.parquet_file import ParquetFile
from tallystick.data.sources.piece import Piece
from tallystick.definitions.streams import Source
from tallystick.errors import SourceMissing, SourceUnreadable

Opened = Callable[[], AbstractContextManager[Any]]
"""Opens a file: gives its path, or a file object where there is none, to what reads it."""

_FORMATS: dict[str, Callable[[Source, str, Opened], Piece]] = {".parquet": ParquetFile, ".csv": CsvFile}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a store holds: the address that errors tell, and how it is opened."""

    address: str
    opened: Opened

    @property
    def suffix(self) -> str:
        """The end of its name, such as ``.csv``."""
        return PurePosixPath(self.address).suffix.lower()


def local_pieces(source: Source, path: Path) -> list[Piece]:
    """Return the pieces of a file, or of a folder of files, on this machine.

    Parameters
    ----------
    source : whose pieces they are
    path : an absolute path

    Raises
    ------
    SourceMissing
        If there is nothing to read.
    SourceUnreadable
        If files of several formats lie in the folder.
    """
    if path.is_dir():
        held = (StoredFile(str(file), _opens(file)) for file in path.iterdir() if file.is_file())
        return folder_pieces(source, str(path), held)
    if not path.is_file():
        raise SourceMissing(source.name, path=str(path), reason="there is no such file or folder")
    return [file_piece(source, StoredFile(str(path), _opens(path)))]


def file_piece(source: Source, file: StoredFile) -> Piece:
    """Return the piece that a file is: CSV where its name says so, Parquet otherwise.

    Parameters
    ----------
    source : whose piece it is
    file : its format follows from the end of its name
    """
    return _FORMATS.get(file.suffix, ParquetFile)(source, file.address, file.opened)


def folder_pieces(source: Source, address: str, held: Iterable[StoredFile]) -> list[Piece]:
    """Return the pieces of a folder in order of their names; files of no format are left alone.

    Parameters
    ----------
    source : whose pieces they are
    address : the folder, for the errors' sentences
    held : the files that lie directly in it, in any order

    Raises
    ------
    SourceMissing
        If none is there.
    SourceUnreadable
        If they are of several formats, so that a row may lie there twice.
    """
    files = sorted((file for file in held if file.suffix in _FORMATS), key=lambda file: file.address)
    suffixes = sorted({file.suffix for file in files})
    if not files:
        raise SourceMissing(source.name, path=address, reason="the folder holds no .parquet file and no .csv file")
    # Somebody converted a folder and left the old files: read both, and every row is there twice.
    if len(suffixes) > 1:
        reason = f"the folder holds {' and '.join(suffixes)} files, and nothing says which of them are meant"
        raise SourceUnreadable(source.name, path=address, reason=reason)
    return [file_piece(source, file) for file in files]


def _opens(path: Path) -> Opened:
    return lambda: nullcontext(path)
