"""A log in memory, for notebooks and tests: the whole law of the log, for as long as the process lives."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from tallystick.errors import LogUnavailable
from tallystick.log.entry import RECORDS, Draft, Entry, Head, Segment
from tallystick.log.group import chained, name_taken
from tallystick.log.history import check_segment, origin_after
from tallystick.log.turns import Turns
from tallystick.log.verification import verify


class MemoryLog:
    """A `Log` of Python objects. What it acknowledged is gone with the process, or when it is closed.

    Parameters
    ----------
    name : str
        How errors speak of it.
    folder : Path, optional
        Where the relative paths of its segments start; default, the working folder.

    Examples
    --------
    >>> with MemoryLog() as log:
    ...     (entry,) = log.append([Draft("event", "payments", "p1", 0, b"{}")])
    ...     log.find("event", "payments", "p1") == entry, log.verify() == log.head
    (True, True)
    """

    def __init__(self, name: str = "in memory", folder: Path | None = None) -> None:
        self.name = name
        self.folder = folder or Path.cwd()
        self._segments: tuple[Segment, ...] = ()
        self._entries: list[Entry] = []
        self._by_name: dict[tuple[str, str, str], Entry] = {}
        self._turns = Turns(name)
        # Held for the length of one look or one commit, so that nobody sees half of a group.
        self._looking = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Forget everything."""
        with self._looking:
            self._is_closed = True
            self._entries, self._by_name = [], {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The history attached before the first entry, in order."""
        with self._open():
            return self._segments

    @property
    def origin(self) -> Head:
        """Where the entries begin."""
        return origin_after(self.name, self.segments)

    @property
    def head(self) -> Head:
        """Where the log ends now."""
        with self._open():
            last = self._entries[-1] if self._entries else None
        return self.origin if last is None else Head(last.position, last.hash)

    def find(self, kind: str, namespace: str, name: str) -> Entry | None:
        """Return the entry of this kind, namespace and id, or None."""
        with self._open():
            return self._by_name.get((kind, namespace, name))

    def find_many(self, kind: str, namespace: str, names: Collection[str]) -> Mapping[str, Entry]:
        """Return the entries with these ids, by id."""
        return self._found((kind,), namespace, names)

    def record(self, namespace: str, name: str) -> Entry | None:
        """Return the record of this stream and id, event or outcome, or None."""
        return self.records(namespace, (name,)).get(name)

    def records(self, namespace: str, names: Collection[str]) -> Mapping[str, Entry]:
        """Return the records of this stream with these ids, by id."""
        return self._found(RECORDS, namespace, names)

    def entry(self, position: int) -> Entry | None:
        """Return the entry at a position, or None."""
        return next(self.read(after=position - 1, until=position), None)

    def last(self, kind: str, namespace: str) -> Entry | None:
        """Return the latest entry of a kind and namespace, or None."""
        with self._open():
            return next((e for e in reversed(self._entries) if (e.kind, e.namespace) == (kind, namespace)), None)

    def read(
        self,
        after: int = 0,
        until: int | None = None,
        kinds: Collection[str] | None = None,
        namespaces: Collection[str] | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in order of position."""
        before = self.origin.position
        with self._open():
            # Positions have no gaps, so they are places in the list.
            part = self._entries[max(after - before, 0) : None if until is None else max(until - before, 0)]
        for entry in part:
            if (kinds is None or entry.kind in kinds) and (namespaces is None or entry.namespace in namespaces):
                yield entry

    def verify(self, trusted: Head | None = None) -> Head:
        """Recompute every hash from the first byte on, and return the head that was proven."""
        with self._open():
            rows = [msgspec.structs.astuple(entry) for entry in self._entries]
        return verify(self.name, self.origin, [rows], trusted)

    def attach(self, segment: Segment) -> None:
        """Put history before the first entry."""
        with self._turns:
            check_segment(segment, self.segments, self.head)
            self._segments = (*self._segments, segment)

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write a group; it is there when this returns."""
        with self.transaction(drafts) as entries:
            return entries

    @contextmanager
    def transaction(self, drafts: Sequence[Draft]) -> Iterator[list[Entry]]:
        """Make a group, hand its entries to the block, and commit when the block is left without an error."""
        with self._turns:
            entries = chained(self.head, drafts)
            if (error := name_taken(entries, self.find)) is not None:
                raise error
            yield entries
            with self._open():
                self._entries += entries
                self._by_name.update({(e.kind, e.namespace, e.id): e for e in entries})

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._looking:
            if self._is_closed:
                raise LogUnavailable(self.name, reason="it was closed")
            yield

    def _found(self, kinds: Sequence[str], namespace: str, names: Collection[str]) -> dict[str, Entry]:
        with self._open():
            pairs = ((name, self._by_name.get((kind, namespace, name))) for kind in kinds for name in names)
            return {name: entry for name, entry in pairs if entry is not None}
