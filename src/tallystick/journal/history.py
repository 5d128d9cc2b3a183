"""The log's first segment: which records stood in it, found by their ids without keeping all in memory."""

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Record, Records
from tallystick.data.segment import open_segment, save, sources_in
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.errors import HistoryAltered, HistoryMissing
from tallystick.log.entry import Segment
from tallystick.log.protocol import LogReader
from tallystick.log.sqlite import SqliteLog


def begin_log(path: Path, dataset: Dataset, segments: Path) -> None:
    """Begin a log with history: its files are kept under their digest, as the log's first segment.

    The log appears with its history or not at all: a start that was interrupted leaves none that has forgotten it.

    Parameters
    ----------
    path : the log that is to be
    dataset : the history
    segments : where histories are kept, in or below the log's folder
    """
    kept = save(dataset, segments)
    relative = Path(kept.path).relative_to(path.parent)
    with TemporaryDirectory(prefix=".log-", dir=path.parent) as unfinished:
        begun = Path(unfinished) / path.name
        with SqliteLog.create_or_open(begun) as log:
            log.attach(Segment(kept.digest, 1, dataset.last_position, str(relative)))
        with suppress(FileExistsError):  # another start was faster, and its log is the log
            os.link(begun, path)


@dataclass(frozen=True, slots=True)
class History:
    """The records from before the first entry.

    Parameters
    ----------
    segment : under which digest they are known, and where they lie: relative to ``beside``, or absolute; None where
        the log began empty
    sources : their streams and tables
    beside : the log's folder
    """

    segment: Segment | None
    sources: tuple[Source, ...]
    beside: Path
    _indexes: dict[str, "_Index"] = field(default_factory=dict)
    _read: list[Dataset] = field(default_factory=list)

    @classmethod
    def of(cls, log: LogReader, sources: tuple[Source, ...]) -> "History":
        """Return the history of a log; nothing is read before it is asked for."""
        segments = log.segments
        return cls(segments[0] if segments else None, sources, log.folder)

    @classmethod
    def indexed(cls, log: LogReader, sources: tuple[Source, ...]) -> "History":
        """Return the history of a log after proving its files, with the ids in them indexed."""
        history = cls.of(log, sources)
        dataset = history.dataset()
        records = {} if dataset is None else dataset.records
        return replace(history, _indexes={name: _Index.of(found) for name, found in records.items()})

    def dataset(self) -> Dataset | None:
        """Read the records; None where there are none.

        Raises
        ------
        HistoryMissing
            If the files are not there.
        HistoryAltered
            If they are others than those attached.
        """
        folder = self.folder()
        return None if folder is None else open_segment(folder, self.sources)

    def folder(self) -> Path | None:
        """Return where the files lie; None where there are none.

        Raises
        ------
        HistoryMissing
            If the files are not there.
        HistoryAltered
            If they are others than those attached.
        """
        if self.segment is None:
            return None
        folder = self.beside / self.segment.path
        if not folder.is_dir():
            raise HistoryMissing(folder, digest=self.segment.digest)
        if folder.name != self.segment.digest:
            raise HistoryAltered(folder, attached=self.segment.digest, found=folder.name)
        return folder

    @property
    def unknown(self) -> tuple[str, ...]:
        """The streams and tables that were declared after the log began: none of their history is in it."""
        if self.segment is None:
            return ()
        known = sources_in(self.beside / self.segment.path)
        return tuple(source.name for source in self.sources if source.name not in known)

    def find(self, stream: str, name: str) -> tuple[int, Record] | None:
        """Return the sequence and the content of a record, or None where it is not here."""
        rows = self._indexes[stream].rows(name) if stream in self._indexes else ()
        if not len(rows):
            return None
        # Most services never ask; who asks once, asks again, and then the files are not read a second time.
        if not self._read and (dataset := self.dataset()) is not None:
            self._read.append(dataset)
        records = self._read[0].records[stream]
        row = next((int(row) for row in rows if records.ids[int(row)].as_py() == name), None)
        return None if row is None else (int(records.position[row]), record_at(records, row))


@dataclass(frozen=True, slots=True)
class _Index:
    """Rows by a hash of their id: sixteen bytes a record, whatever the ids' length."""

    hashes: NDArray[np.int64]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, records: Records) -> "_Index":
        hashes = np.fromiter(map(hash, records.ids.to_pylist()), dtype=np.int64, count=len(records))
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], order)

    def rows(self, name: str) -> NDArray[np.int64]:
        """Return the rows that may have this id: those whose hash it has."""
        requested = hash(name)
        first = int(np.searchsorted(self.hashes, requested))
        if first == len(self.hashes) or self.hashes[first] != requested:
            return self.order[:0]
        return self.order[first : int(np.searchsorted(self.hashes, requested, side="right"))]


def record_at(records: Records, row: int) -> Record:
    """Return one row as the record that was screened."""
    source = records.source
    time = None if isinstance(source, TableDefinition) else int(records.time[row])
    keys = {name: _key(column, row) for name, column in records.keys.items()}
    values = {name: _value(column, row) for name, column in records.values.items()}
    return Record(source.name, records.ids[row].as_py(), time, keys, values)


def _key(column: EncodedKeys, row: int) -> str | None:
    code = int(column.codes[row])
    return None if code < 0 else str(column.names[code].as_py())


def _value(column: FixedPoint, row: int) -> int | None:
    return None if column.missing[row] else int(column.values[row])
