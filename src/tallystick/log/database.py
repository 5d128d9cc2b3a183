"""An SQLite file opened our way: durable, checked for its format, its troubles told as our own errors."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tallystick.errors import TallystickError

_BUSY_SECONDS = 20.0
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNAVAILABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_TOOBIG,
}


@dataclass(frozen=True, slots=True)
class StoreFile:
    """What sort of SQLite file it is, and which errors tell its troubles.

    Attributes
    ----------
    application_id, format : int
        The two integers in the file's header: whose file it is, and which version of its layout.
    schema : tuple of str
        The statements that make an empty one.
    damaged, busy, unavailable : callable
        Make the error for a path and SQLite's own words.
    unknown : callable
        Makes the error for a path and the format found there.
    """

    application_id: int
    format: int
    schema: tuple[str, ...]
    damaged: Callable[[Path, str], TallystickError]
    busy: Callable[[Path, str], TallystickError]
    unavailable: Callable[[Path, str], TallystickError]
    unknown: Callable[[Path, int], TallystickError]

    @contextmanager
    def translated_errors(self, path: Path) -> Iterator[None]:
        """Turn SQLite's errors into ours; an IntegrityError passes, since only its caller knows its meaning."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise self._error_for(path, error) from error
        except UnicodeDecodeError as error:
            # SQLite quotes the damaged schema in its message, and Python cannot read it.
            raise self.damaged(path, f"its text is unreadable ({error.reason})") from error

    def connect_for_writing(self, path: Path) -> sqlite3.Connection:
        """Open the file durably (WAL, synchronous=FULL), creating folder, file and schema where missing."""
        self.make_folder(path)
        with self.translated_errors(path):
            connection = _connect(path, "rwc")
            try:
                self._create_if_new(connection)
                self._check_format(connection, path)
                # First commits after the mode is set are already in the write-ahead log.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            except BaseException:
                connection.close()
                raise
            return connection

    def connect_for_reading(self, path: Path) -> sqlite3.Connection:
        """Open an existing file without any right to change it, beside a writer or alone."""
        if not path.is_file():
            raise self.unavailable(path, "there is no such file")
        with self.translated_errors(path):
            connection = _connect(path, "ro")
            try:
                self._check_format(connection, path)
            except sqlite3.OperationalError as error:
                connection.close()
                if not _can_be_opened_immutable(path, error):
                    raise
                # On a read-only medium SQLite cannot make its shared memory, and needs none: nobody writes.
                connection = _connect(path, "ro&immutable=1")
                self._check_format(connection, path)
            except BaseException:
                connection.close()
                raise
            return connection

    def make_folder(self, path: Path) -> None:
        """Make the folder of a file, and those above it, where they are missing."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unavailable(path, str(error.strerror)) from error

    def _create_if_new(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (
                _pragma(connection, "user_version") == 0
                and not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            ):
                for statement in self.schema:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {self.application_id}")
                connection.execute(f"PRAGMA user_version = {self.format}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _check_format(self, connection: sqlite3.Connection, path: Path) -> None:
        found = _pragma(connection, "user_version")
        if _pragma(connection, "application_id") != self.application_id:
            raise self.damaged(path, "it is an SQLite file of another program")
        if found != self.format:
            raise self.unknown(path, found)

    def _error_for(self, path: Path, error: sqlite3.Error) -> TallystickError:
        if isinstance(error, sqlite3.ProgrammingError):
            return self.unavailable(path, "it was closed")
        # Extended codes keep the primary one in their low byte; errors made by Python itself have none.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _BUSY:
            return self.busy(path, str(error))
        if code in _UNAVAILABLE:
            return self.unavailable(path, str(error))
        return self.damaged(path, str(error))


def _roll_back(connection: sqlite3.Connection) -> None:
    # SQLite rolls back by itself where the disk is full; a second time would hide why.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    # A damaged or hostile file must not run what its schema says, nor make SQLite trust its pages.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _can_be_opened_immutable(path: Path, error: sqlite3.OperationalError) -> bool:
    wal = path.with_name(f"{path.name}-wal")
    unwritten = not wal.exists() or wal.stat().st_size == 0
    return unwritten and (error.sqlite_errorcode & 0xFF) in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
