"""A group's entities in parts: where their records are put, and what each part's rows get of the group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.slot_texts import decoded_texts, text_slots
from tallystick.features.spill.needed import of_group
from tallystick.features.spill.period import Period
from tallystick.features.spill.ranges import Ranges
from tallystick.features.spill.rows import ROW, is_among, packed, schema, united, unpacked
from tallystick.features.spill.shares import entity_shares
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EntityParts:
    """The records that a group needs, by parts of its entities.

    Parameters
    ----------
    plan, place : whose group
    n : how many parts
    period : which rows are asked
    events : the records of the group's stream; where its own rows ask, these too
    asks : the rows of the spine that ask; None where they are the events
    reports : by source, what is reported of the events
    shared : by source, reports that are so few that every part gets them all
    """

    plan: Plan
    place: int
    n: int
    period: Period
    events: SpillFile
    asks: SpillFile | None
    reports: dict[str, SpillFile]
    shared: dict[str, pa.Table] = field(default_factory=dict)

    @classmethod
    def of(
        cls, plan: Plan, place: int, n: int, period: Period, *, folder: Path, reports: Sequence[str]
    ) -> "EntityParts":
        """Make room for a group's records; ``reports`` are the sources whose records come by parts, too.

        Parameters
        ----------
        plan, place : whose group
        n : into how many parts its entities are cut
        period : which rows ask
        folder : where records are put
        reports : the sources whose records come by parts, too
        """
        group, spine, needed = plan.groups[place], plan.definition.spine.name, of_group(plan, place)

        def spill_file(source: str, role: str) -> SpillFile:
            return SpillFile(folder / f"{place}.{source}.{role}", schema(plan.streams[source], needed[source]))

        # The usual case: a row of the spine is itself an event of the entity it asks about, and stands in the part
        # already.
        is_own = group.stream == spine and group.at == group.keys
        asks = None if is_own else spill_file(spine, "asks")
        named = {source: spill_file(source, "reports") for source in reports if source in needed}
        return cls(plan, place, n, period, spill_file(group.stream, "events"), asks, named)

    @property
    def stream(self) -> str:
        """Whose events they are."""
        return self.plan.groups[self.place].stream

    @property
    def _spine(self) -> str:
        return self.plan.definition.spine.name

    def part_of(self, records: Records) -> Ints:
        """Return the part of each event, -1 where it belongs to none."""
        return entity_shares(records, self.plan.groups[self.place].keys, self.n)

    def add(self, records: Records, rows: Ints) -> None:
        """Take accepted records of the group's stream or of the spine; ``rows`` are their places in the order.

        Parameters
        ----------
        records : screened, of the group's stream or of the spine
        rows : shape (n,), their places in the order of arrival
        """
        if records.source.name == self.stream:
            # Where they ask as well, rows without an entity are kept too: they get what an empty window gives.
            part = self.part_of(records)
            _put(self.events, records, rows, part if self.asks is not None else _somewhere(part, rows, self.n))
        if records.source.name == self._spine and self.asks is not None:
            # Events before the period are needed, but rows outside it do not ask.
            part = _somewhere(entity_shares(records, self.plan.groups[self.place].at, self.n), rows, self.n)
            inside = self.period.holds(records.time)
            _put(self.asks, records, rows, part if inside is None else np.where(inside, part, -1))

    def finish(self) -> int:
        """End the writing, and return how many bytes lie on the disk."""
        return sum(spill_file.finish() for spill_file in self._spill_files())

    def largest(self) -> int:
        """Return how many events the largest part has."""
        return max((self.events.size(part) for part in range(self.n)), default=0)

    def slots(self, part: int, ranges: Ranges, threads: int, out: SpillFile) -> None:
        """Compute what the group tells of the rows that ask about a part's entities, and put it into their ranges.

        Parameters
        ----------
        part : its number
        ranges : the ranges of the matrix
        threads : how many entities are replayed at a time
        out : where the slots go, with the schema of ``slots_schema``
        """
        dataset, requested = self._dataset(part)
        if not len(requested):
            return
        spine = dataset.records[self._spine]
        numbers = batch.slots(self.plan, self.place, dataset, requested, threads=threads)
        # A code stands for a text in this part alone, so the text itself leaves it.
        texts = [
            decoded_texts(self.plan, self.place, s, dataset, numbers[:, s]) for s in text_slots(self.plan, self.place)
        ]
        rows = spine.position[requested]
        flat = pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), numbers.shape[1])
        slot_values = pa.RecordBatch.from_arrays([pa.array(rows), flat, *texts], schema=out.schema)
        out.add(slot_values, ranges.of(rows))

    def remove(self) -> None:
        """Give the disk's space back."""
        for spill_file in self._spill_files():
            spill_file.remove()

    def _spill_files(self) -> Iterator[SpillFile]:
        yield self.events
        yield from () if self.asks is None else (self.asks,)
        yield from self.reports.values()

    def _dataset(self, part: int) -> tuple[Dataset, Ints]:
        """Return a part's records as a dataset of their own, and the places of the rows of the spine that ask."""
        found: dict[str, list[pa.Table]] = {}
        own = self.events.read(part)
        found.setdefault(self.stream, []).append(own)
        asks = own if self.asks is None else self.asks.read(part)
        found.setdefault(self._spine, []).extend([] if self.asks is None else [asks])
        for source, spill_file in self.reports.items():
            found.setdefault(source, []).append(spill_file.read(part))
        for source, table in self.shared.items():
            found.setdefault(source, []).append(table)
        names = [name for name in _in_project_order(self.plan) if name in found]
        # Positions are those among all records: a part's records are some of all, and only their order counts.
        records = {name: unpacked(self.plan.streams[name], united(found[name])) for name in names}
        last = max((int(each.position[-1]) for each in records.values() if len(each)), default=0)
        return Dataset(records, "", last), self._requested(records[self._spine], asks)

    def _requested(self, spine: Records, asks: pa.Table) -> Ints:
        """Return the places of the rows that ask; others are there as events, or as reports of such."""
        inside = self.period.holds(spine.time)
        if inside is None and len(spine) == len(asks):
            return np.arange(len(spine))
        # By position: the same row may stand here as an event, and be asked for by another part.
        is_requested = is_among(spine.position, asks.column(ROW).to_numpy())
        return np.flatnonzero(is_requested if inside is None else is_requested & inside)


def slots_schema(plan: Plan, place: int) -> pa.Schema:
    """Return the columns of what a group tells of a row: its place, its slots, and those that are texts.

    Parameters
    ----------
    plan, place : whose group
    """
    texts = [(f"t{slot}", pa.string()) for slot in text_slots(plan, place)]
    return pa.schema([(ROW, pa.int64()), ("slots", pa.list_(pa.float64(), len(plan.groups[place].slots))), *texts])


def _in_project_order(plan: Plan) -> list[str]:
    spine = plan.definition.spine.name
    names = [source.name for source in plan.sources]
    return names if spine in names else [*names, spine]


def _somewhere(part: Ints, rows: Ints, n: int) -> Ints:
    """Give rows that ask about no entity a part, too: they stand in the matrix like all others."""
    return np.where(part < 0, rows % n, part)


def _put(spill_file: SpillFile, records: Records, rows: Ints, part: Ints) -> None:
    batch_of, keeps = packed(records, rows, spill_file.schema), part >= 0
    if keeps.all():
        spill_file.add(batch_of, part)
    else:
        spill_file.add(batch_of.filter(pa.array(keeps)), part[keeps])
