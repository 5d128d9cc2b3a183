"""The log in one SQLite file: one writer, groups of entries committed whole, durable when acknowledged."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tallystick.errors import LogDamaged, LogError
from tallystick.log.chain import genesis
from tallystick.log.entry import Draft, Entry, Head, Segment
from tallystick.log.group import chained, name_taken
from tallystick.log.history import check_segment
from tallystick.log.lock import WriterLock
from tallystick.log.sqlite_reader import LAST_POSITION, LOG_FILE, PAGE, SqliteLogReader
from tallystick.log.turns import Turns
from tallystick.log.verification import verify

_INSERT = "INSERT INTO entries (position, kind, namespace, id, at, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
_TAIL_ENTRIES = 1_000
_ATTACH = "INSERT INTO segments (digest, first, last, path) VALUES (?, ?, ?, ?)"


class SqliteLog(SqliteLogReader):
    """A `Log` in one SQLite file, opened by its one writer.

    A group that was acknowledged survives the end of the process and of the machine: it is synced to the disk before
    `append` returns. A lock beside the file, which the operating system drops with its holder, keeps out a second
    writer.

    Parameters
    ----------
    path : Path
        The log's SQLite file; `create_or_open` takes the lock first.
    lock : WriterLock
        The right to write it, given back by `close`.

    Examples
    --------
    >>> import tempfile
    >>> with SqliteLog.create_or_open(tempfile.mkdtemp() + "/log.sqlite") as log:
    ...     first, second = log.append([
    ...         Draft(kind="event", namespace="payments", id="p1", at=0, body=b"{}"),
    ...         Draft(kind="decision", namespace="card-fraud", id="p1", at=1, body=b"{}"),
    ...     ])
    ...     second.position, log.head.position, log.verify() == log.head
    (2, 2, True)
    """

    def __init__(self, path: Path, lock: WriterLock) -> None:
        self._lock = lock
        self._writing = LOG_FILE.connect_for_writing(path)
        self._turns = Turns(str(path))
        super().__init__(path, LOG_FILE.connect_for_reading(path))
        self._end = self._proven_tail()

    @classmethod
    def create_or_open(cls, path: Path | str) -> Self:
        """Open the log at a path as its writer, creating it where there is none."""
        path = Path(path)
        LOG_FILE.make_folder(path)
        lock = WriterLock.take(path)
        try:
            return cls(path, lock)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Let go of the file and of the right to write it."""
        super().close()
        self._writing.close()
        self._lock.close()

    def attach(self, segment: Segment) -> None:
        """Put history before the first entry; positions go on after it, and the chain commits to its digest."""
        with self._turns:
            segments = self.segments
            check_segment(segment, segments, self._end)
            with LOG_FILE.translated(self.path):
                self._writing.execute(_ATTACH, (segment.digest, segment.first, segment.last, segment.path))
            self._end = Head(segment.last, genesis([*segments, segment]))

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write a group in one transaction; on the disk when this returns."""
        with self.transaction(drafts) as entries:
            return entries

    @contextmanager
    def transaction(self, drafts: Sequence[Draft]) -> Iterator[list[Entry]]:
        """Write a group, hand its entries to the block, and commit when the block is left without an error.

        See `Log.transaction` for what a block may rely on, and what is refused.
        """
        with self._turns:
            entries = chained(self._end, drafts)
            self._begin()
            try:
                self._insert(entries)
                yield entries
                with LOG_FILE.translated(self.path):
                    self._writing.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            # Only a commit moves the end: what was rolled back leaves its positions to the next group.
            if entries:
                self._end = Head(entries[-1].position, entries[-1].hash)

    def _proven_tail(self) -> Head:
        """Return the head after proving the last entries: a chain is not continued from a damaged end."""
        end, origin = self.head, self.origin
        before = self.entry(end.position - _TAIL_ENTRIES)
        start = origin if before is None else Head(before.position, before.hash)
        return verify(self.name, start, self._pages(PAGE, start.position, LAST_POSITION), None)

    def _begin(self) -> None:
        with LOG_FILE.translated(self.path):
            self._writing.execute("BEGIN IMMEDIATE")

    def _insert(self, entries: list[Entry]) -> None:
        rows = [(e.position, e.kind, e.namespace, e.id, e.at, e.body, e.hash) for e in entries]
        try:
            with LOG_FILE.translated(self.path):
                self._writing.executemany(_INSERT, rows)
        except sqlite3.IntegrityError as error:
            raise self._clash(entries) from error

    def _clash(self, entries: list[Entry]) -> LogError:
        """Return what it means that SQLite found a name or a position taken."""
        detail = "an entry that this writer did not write stands there"
        foreign = LogDamaged(self.name, problem="order", position=entries[0].position, detail=detail)
        return name_taken(entries, self.find) or foreign

    def _roll_back(self) -> None:
        # After a failed commit SQLite may have rolled back by itself.
        if self._writing.in_transaction:
            self._writing.execute("ROLLBACK")
