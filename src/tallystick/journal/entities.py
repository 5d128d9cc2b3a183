"""Where the records of one entity stand: what a single decision saw is found without reading all the others.

Reading the whole history of a bank to make one decision again would take minutes for what concerns a hundred records.
One cheap pass over the log takes from each record only the keys that a plan asks by; what is kept is a hash and a
position for each, sixteen bytes. Two texts may share a hash: what is found by it is parsed, and then held against the
texts themselves, so that a hash decides how much is read, and never what is answered.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.data.merge import extended, from_parsed, no_records
from tallystick.data.parsing import parser
from tallystick.data.records import Dataset, EncodedKeys, Record, Records, id_field
from tallystick.definitions.streams import Source
from tallystick.features.entities import keys_of
from tallystick.features.plan import Plan
from tallystick.features.visibility import seen_by
from tallystick.journal.history import History, record_at
from tallystick.journal.records import reread
from tallystick.log.entry import RECORDS
from tallystick.log.protocol import LogReader

Ints = NDArray[np.int64]
Hashing = Callable[[str], int]
Lookup = tuple[str, tuple[str, ...]]
"""A source, and the key fields by which its records are looked up."""

_MISSING = 0
_FACTOR = 1_000_003  # odd, so that multiplying loses no bit


@dataclass(frozen=True, slots=True)
class EntityIndex:
    """Positions of records by what they are about, as a plan looks them up.

    Parameters
    ----------
    plan : by whose groups' keys records are found, and by which ids the reports that it reads
    log : where the records are
    past : those from before the log's first entry, by source
    until : the last position that is indexed
    """

    plan: Plan
    log: LogReader
    past: Mapping[str, Records]
    until: int
    _origin: int
    _hashing: Hashing
    _found: "Mapping[Lookup, _Positions]"

    @classmethod
    def of(cls, log: LogReader, plan: Plan, *, hashing: Hashing = hash) -> "EntityIndex":
        """Index everything that the log and its history hold now.

        Parameters
        ----------
        log : where the records are
        plan : which looks them up
        hashing : of a key's text; whichever it is, the answers are the same

        Raises
        ------
        HistoryMissing, HistoryAltered, SegmentDamaged
            If history cannot be read as it was attached.
        """
        history, until = History.of(log, plan.sources).dataset(), log.head.position
        past = {source.name: no_records(source) for source in plan.sources}
        past |= {} if history is None else history.records
        lookups = _lookups(plan)
        columns = _columns(plan, lookups, hashing)
        for entry in log.read(until=until, kinds=RECORDS, namespaces=tuple(columns)):
            columns[entry.namespace].add(entry.position, entry.body)
        found = {(name, fields): columns[name].positions(past[name], fields) for name, fields in lookups}
        return cls(plan, log, past, until, log.origin.position, hashing, found)

    def record(self, position: int) -> Record | None:
        """Return the spine's record at a position; None where there is none that the plan's contract reads."""
        spine = self.plan.definition.spine
        if position <= self._origin:
            records = self.past[spine.name]
            row = int(np.searchsorted(records.position, position))
            is_there = row < len(records) and int(records.position[row]) == position
            return record_at(records, row) if is_there else None
        entry = self.log.entry(position)
        if entry is None or entry.kind not in RECORDS or entry.namespace != spine.name:
            return None
        return reread(spine, entry)

    def seen_by(self, record: Record, position: int, until: int) -> tuple[Dataset, int]:
        """Return what one record's features can see, itself included, and its row among the spine's records.

        Of each aggregated stream these are the events of the entities that the record asks about; of reports and
        corrections, those about these events. Features computed from them have the bits of those from all records.

        Parameters
        ----------
        record : of the spine, as the plan's contract reads it
        position : its place in the order of arrival; it need not be in the log
        until : the last position that it sees, at most the one that is indexed
        """
        spine = self.plan.definition.spine
        records = {source.name: no_records(source) for source in self.plan.sources}
        records[spine.name] = from_parsed(spine, [(position, record)])
        records = self._with(records, self._events(record), until)
        # In two steps, since which reports are about these events is known only once their ids are.
        records = self._with(records, self._reports(records), until)
        row = int(np.searchsorted(records[spine.name].position, position))
        # A hash that two texts share has brought strangers; they are told apart by their texts.
        exact = seen_by(self.plan, Dataset(records, "", until), np.array([row]))
        return exact, int(np.searchsorted(exact.records[spine.name].position, position))

    def _events(self, record: Record) -> Iterable[tuple[str, Ints]]:
        """Yield for each group its stream, and where the events of the entity stand that the record asks about."""
        own = id_field(self.plan.definition.spine)
        for group in self.plan.groups:
            texts = [record.id if field == own else record.keys[field] for field in group.at]
            hashes = [np.array([_hash(text, self._hashing)]) for text in texts]
            yield group.stream, self._found[group.stream, group.keys].of(_combined(hashes))

    def _reports(self, records: Mapping[str, Records]) -> Iterable[tuple[str, Ints]]:
        """Yield for each value that becomes known later who reports it, and where reports about some events stand."""
        for later in self.plan.later:
            ids = records[later.stream].ids.to_pylist()
            hashes = np.array([_hash(name, self._hashing) for name in ids], np.int64)
            yield later.by, self._found[later.by, (later.on,)].of(hashes)

    def _with(self, records: dict[str, Records], found: Iterable[tuple[str, Ints]], until: int) -> dict[str, Records]:
        """Return the records with those at the positions found, each once, as far as they can be seen."""
        wanted: dict[str, list[Ints]] = {}
        for name, positions in found:
            wanted.setdefault(name, []).append(positions[positions <= until])
        sources = {source.name: source for source in self.plan.sources}
        for name, parts in wanted.items():
            new = np.setdiff1d(np.concatenate(parts), records[name].position)
            n_past = int(np.searchsorted(new, self._origin, side="right"))
            rows = np.searchsorted(self.past[name].position, new[:n_past])
            added = {name: _few(self.past[name], rows)}
            records = extended(extended(records, added), {name: self._read(sources[name], new[n_past:])})
        return records

    def _read(self, source: Source, positions: Ints) -> Records:
        entries = (self.log.entry(position) for position in positions.tolist())
        read = [(entry.position, reread(source, entry)) for entry in entries if entry is not None]
        return from_parsed(source, [(position, record) for position, record in read if record is not None])


@dataclass(frozen=True, slots=True)
class _Positions:
    """Positions by a hash, in order of the hash, and then of arrival."""

    hashes: Ints
    positions: Ints

    def of(self, requested: Ints) -> Ints:
        """Return the positions of all records that have one of some hashes; those of a missing key are nobody's."""
        wanted = np.unique(requested[requested != _MISSING])
        first, last = (np.searchsorted(self.hashes, wanted, side=side) for side in ("left", "right"))
        spans = [self.positions[begin:end] for begin, end in zip(first.tolist(), last.tolist(), strict=True)]
        return np.concatenate([np.empty(0, np.int64), *spans])


@dataclass(frozen=True, slots=True)
class _Columns:
    """The hashes of one source's keys, filled from its history's columns and then entry by entry."""

    decode: Callable[[bytes], Any]
    parsers: tuple[Callable[[object], object], ...]
    hashing: Hashing
    added: "array[int]"
    by_field: "dict[str, array[int]]"

    @classmethod
    def of(cls, source: Source, fields: Sequence[str], hashing: Hashing) -> "_Columns":
        # A struct of a few fields passes over all others without making objects of them.
        members = [(f"field_{place}", Any, None) for place in range(len(fields))]
        names = {member[0]: field for member, field in zip(members, fields, strict=True)}
        wanted = msgspec.defstruct("Wanted", members, rename=names, gc=False)
        decode = msgspec.json.Decoder(wanted).decode
        parsers = tuple(parser(source.fields[field]) for field in fields)
        return cls(decode, parsers, hashing, array("q"), {field: array("q") for field in fields})

    def add(self, position: int, body: bytes) -> None:
        """Take the keys of one record, whatever else is right or wrong in it."""
        try:
            found = msgspec.structs.astuple(self.decode(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # no contract reads it either
        self.added.append(position)
        for column, parse, value in zip(self.by_field.values(), self.parsers, found, strict=True):
            column.append(_hash(parse(value), self.hashing))

    def positions(self, past: Records, fields: Sequence[str]) -> _Positions:
        """Return the positions by the hashes of some fields, of history and log."""
        hashes = _combined([self._hashes(past, field) for field in fields])
        positions = np.concatenate([past.position, np.frombuffer(self.added, np.int64)])
        kept = np.flatnonzero(hashes != _MISSING)
        order = kept[np.argsort(hashes[kept], kind="stable")]
        return _Positions(hashes[order], positions[order])

    def _hashes(self, past: Records, field: str) -> Ints:
        keys = keys_of(past, field)
        # Code -1, a missing key, finds the last.
        by_code = np.array([*(_hash(name, self.hashing) for name in keys.names.to_pylist()), _MISSING], np.int64)
        return np.concatenate([by_code[keys.codes], np.frombuffer(self.by_field[field], np.int64)])


def _lookups(plan: Plan) -> list[Lookup]:
    """Return by what records are looked up, each once: entities of groups, and what reports and corrections name."""
    groups = [(group.stream, group.keys) for group in plan.groups]
    return list(dict.fromkeys([*groups, *((later.by, (later.on,)) for later in plan.later)]))


def _columns(plan: Plan, lookups: Sequence[Lookup], hashing: Hashing) -> dict[str, _Columns]:
    fields: dict[str, dict[str, None]] = {}
    for name, used in lookups:
        fields.setdefault(name, {}).update(dict.fromkeys(used))
    sources = {source.name: source for source in plan.sources}
    return {name: _Columns.of(sources[name], tuple(used), hashing) for name, used in fields.items()}


def _hash(text: object, hashing: Hashing) -> int:
    """Return a key's hash; of one that is missing or wrong, the number that stands for nobody."""
    return hashing(text) or 1 if type(text) is str else _MISSING


def _combined(hashes: Sequence[Ints]) -> Ints:
    """Return one hash for the keys of several fields; nobody's where one of them is missing."""
    combined = hashes[0]
    for own in hashes[1:]:
        is_missing = (combined == _MISSING) | (own == _MISSING)
        mixed = combined * _FACTOR + own
        mixed[mixed == _MISSING] = 1
        combined = np.where(is_missing, _MISSING, mixed)
    return combined


def _few(records: Records, rows: Ints) -> Records:
    """Return a few of many rows, with the names that they use alone: all names of a bank would be searched else."""
    taken = records.taken(rows)
    return Records(
        taken.source,
        taken.position,
        taken.time,
        taken.ids,
        {name: _used(keys) for name, keys in taken.keys.items()},
        taken.values,
    )


def _used(keys: EncodedKeys) -> EncodedKeys:
    used, codes = np.unique(keys.codes[keys.codes >= 0], return_inverse=True)
    own = np.full(len(keys.codes), -1, np.int32)
    own[keys.codes >= 0] = codes
    return EncodedKeys(own, keys.names.take(used))
