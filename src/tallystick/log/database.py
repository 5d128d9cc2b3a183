"""An SQLite file opened our way: durable, checked for its format, its troubles raised as our own errors."""

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
    """What sort of SQLite file it is, and which errors name its troubles.

    Attributes
    ----------
    application_id : int
        The integer in the file's header that says whose file it is.
    formats : tuple of int
        The versions of its layout that can be read, rising; new files get the last one, and only it is written to.
    schema : tuple of str
        The statements that make an empty one.
    damaged, busy, unavailable : callable
        Make the error for a path and SQLite's own words.
    unknown : callable
        Makes the error for a path and the format found there.
    """

    application_id: int
    formats: tuple[int, ...]
    schema: tuple[str, ...]
    damaged: Callable[[Path, str], TallystickError]
    busy: Callable[[Path, str], TallystickError]
    unavailable: Callable[[Path, str], TallystickError]
    unknown: Callable[[Path, int], TallystickError]

    @contextmanager
    def translated(self, path: Path) -> Iterator[None]:
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
        with self.translated(path):
            connection = _connect(path, "rwc")
            try:
                self._create_if_new(connection)
                self._check_format(connection, path, self.formats[-1:])
                # With a write-ahead log, readers see the last commit while the next one is written; FULL syncs it
                # before COMMIT returns, where NORMAL could lose acknowledged groups with the machine's power.
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
        with self.translated(path):
            connection = _connect(path, "ro")
            try:
                self._check_format(connection, path, self.formats)
            except sqlite3.OperationalError as error:
                connection.close()
                if not _can_be_opened_immutable(path, error):
                    raise
                # On a read-only medium SQLite cannot make its shared memory, and needs none: nobody writes.
                connection = _connect(path, "ro&immutable=1")
                self._check_format(connection, path, self.formats)
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
            if format_of(connection) == 0 and not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                for statement in self.schema:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {self.application_id}")
                connection.execute(f"PRAGMA user_version = {self.formats[-1]}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _check_format(self, connection: sqlite3.Connection, path: Path, formats: tuple[int, ...]) -> None:
        found = format_of(connection)
        if _pragma(connection, "application_id") != self.application_id:
            raise self.damaged(path, "it is an SQLite file of another program")
        if found not in formats:
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


def format_of(connection: sqlite3.Connection) -> int:
    """Return the version of a file's layout, 0 where it was never made."""
    return _pragma(connection, "user_version")


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
