"""The log in one SQLite file: one writer, groups of entries committed whole, durable when acknowledged."""

import sqlite3
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tallystick.errors import AlreadyLogged, EntryRefused, LogDamaged, SegmentRefused
from tallystick.log.chain import entry_hash, genesis
from tallystick.log.entry import KINDS, Draft, Entry, Head, Segment
from tallystick.log.lock import WriterLock
from tallystick.log.reader import LOG_FILE, LogReader
from tallystick.log.verification import verify

_INSERT = "INSERT INTO entries (position, kind, stream, id, at, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
_TAIL_ENTRIES = 1_000
_ATTACH = "INSERT INTO segments (digest, first, last, path) VALUES (?, ?, ?, ?)"


class SqliteLog(LogReader):
    """The log, opened by its one writer.

    **Acknowledged means durable.** When `append` returns, or a `transaction` block is left, the group is
    synced to the disk; killed before that, none of it is there. **Whole groups.** A group is written
    completely or not at all. **Once.** Kind, stream and id together name one entry for ever.

    Examples
    --------
    >>> import tempfile
    >>> with SqliteLog.create_or_open(tempfile.mkdtemp() + "/log.sqlite") as log:
    ...     first, second = log.append([
    ...         Draft(kind="event", stream="payments", id="p1", at=0, body=b"{}"),
    ...         Draft(kind="decision", stream="payments", id="p1", at=1, body=b"{}"),
    ...     ])
    ...     second.position, log.head.position, log.verify() == log.head
    (2, 2, True)
    """

    def __init__(self, path: Path, lock: WriterLock) -> None:
        self._lock = lock
        self._writing = LOG_FILE.connect_for_writing(path)
        self._writing_lock = threading.RLock()
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
        """Put history before the first entry; positions go on after it, and the chain commits to its digest.

        Raises
        ------
        SegmentRefused
            When entries exist already, or the segment leaves a hole after the last one.
        """
        with self._writing_lock:
            segments = self.segments
            self._check_segment(segment, Head(segments[-1].last if segments else 0, b""))
            end = Head(segment.last, genesis([*segments, segment]))
            with LOG_FILE.translated_errors(self.path):
                self._writing.execute(_ATTACH, (segment.digest, segment.first, segment.last, segment.path))
            self._end = end

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write a group in one transaction; durable when this returns. See `transaction` for what it raises."""
        with self.transaction(drafts) as entries:
            return entries

    @contextmanager
    def transaction(self, drafts: Sequence[Draft]) -> Iterator[list[Entry]]:
        """Write a group, hand its entries to the block, and commit when the block is left without an error.

        Whoever keeps a second store in step prepares it inside the block and commits it after: the log is
        then never behind. Blocks are not nested, and readers see the group only after the commit.

        Parameters
        ----------
        drafts : sequence of Draft
            The group, in the order of its positions.

        Raises
        ------
        AlreadyLogged
            When an entry of that kind, stream and id exists, or the group names it twice.
        EntryRefused
            When a draft has an unknown kind, or a number or text that no header holds.
        """
        with self._writing_lock:
            entries = _chained(self._end, drafts)
            self._begin()
            try:
                self._insert(entries)
                yield entries
                with LOG_FILE.translated_errors(self.path):
                    self._writing.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            if entries:
                self._end = Head(entries[-1].position, entries[-1].hash)

    def _proven_tail(self) -> Head:
        """Return the head after proving the last entries: a chain is not continued from a damaged end."""
        end, origin = self.head, self.origin
        before = self.entry(end.position - _TAIL_ENTRIES)
        start = origin if before is None else Head(before.position, before.hash)
        return verify(self.path, start, self._pages(start.position, None, None), None)

    def _check_segment(self, segment: Segment, end: Head) -> None:
        reason = None
        if self._rows("SELECT 1 FROM entries LIMIT 1"):
            reason = f"the log has entries up to position {self._end.position}"
        elif segment.first != end.position + 1:
            reason = f"it begins at position {segment.first}, and the next one is {end.position + 1}"
        elif segment.last < segment.first:
            reason = f"it ends at position {segment.last}, before it begins at {segment.first}"
        elif len(segment.digest) != 64 or not set(segment.digest) <= set("0123456789abcdef"):
            reason = f"{segment.digest!r} is no SHA-256 in lower-case hex"
        if reason:
            raise SegmentRefused(segment.digest, reason=reason)

    def _begin(self) -> None:
        with LOG_FILE.translated_errors(self.path):
            self._writing.execute("BEGIN IMMEDIATE")

    def _insert(self, entries: list[Entry]) -> None:
        rows = [(e.position, e.kind, e.stream, e.id, e.at, e.body, e.hash) for e in entries]
        try:
            with LOG_FILE.translated_errors(self.path):
                self._writing.executemany(_INSERT, rows)
        except sqlite3.IntegrityError as error:
            raise self._clash(entries) from error

    def _clash(self, entries: list[Entry]) -> AlreadyLogged | LogDamaged:
        seen: set[tuple[str, str, str]] = set()
        for entry in entries:
            name = (entry.kind, entry.stream, entry.id)
            there = self.find(*name)
            if there or name in seen:
                return AlreadyLogged(*name, position=there.position if there else None)
            seen.add(name)
        detail = "an entry that this writer did not write stands there"
        return LogDamaged(self.path, problem="order", position=entries[0].position, detail=detail)

    def _roll_back(self) -> None:
        # After a failed commit SQLite may have rolled back by itself.
        if self._writing.in_transaction:
            self._writing.execute("ROLLBACK")


def _chained(end: Head, drafts: Sequence[Draft]) -> list[Entry]:
    """Return the drafts as entries that follow a head."""
    position, known = end.position, end.hash
    entries = []
    for draft in drafts:
        position += 1
        known = _hash_of(draft, position, known)
        entries.append(Entry(position, draft.kind, draft.stream, draft.id, draft.at, draft.body, known))
    return entries


def _hash_of(draft: Draft, position: int, previous: bytes) -> bytes:
    name = (draft.kind, draft.stream, draft.id)
    if draft.kind not in KINDS:
        raise EntryRefused(*name, reason=f"the kinds are {', '.join(sorted(KINDS))}")
    if not isinstance(draft.body, bytes):
        raise EntryRefused(*name, reason=f"its body is {type(draft.body).__name__}, and must be bytes")
    try:
        return entry_hash(previous, position, name, draft.at, draft.body)
    except (struct.error, UnicodeEncodeError) as error:
        raise EntryRefused(*name, reason=f"its instant, or the length of a text, is out of range ({error})") from error
