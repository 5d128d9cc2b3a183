"""All records taken in, and each put where it is needed: with its entity, the rows that ask, or the reports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.fingerprint import Fingerprint
from tallystick.data.records import Records
from tallystick.features.spill.job import Job, sources_in_order
from tallystick.features.spill.needed import late_values_of, of_group
from tallystick.features.spill.parts import EntityParts
from tallystick.features.spill.pieces import Pieces
from tallystick.features.spill.report_join import NamedRecords, ReportingSource, ReportRoute
from tallystick.features.spill.rows import packed, schema

Ints = NDArray[np.int64]
OnProgress = Callable[[str, int, int], None]
Sink = Callable[[Records, Ints], None]
"""Takes records, and their places in the order of arrival."""


def ingest_all(job: Job, records: Pieces, on_progress: OnProgress) -> str:
    """Bring each record and report to the parts that need it.

    Parameters
    ----------
    job : where records are put
    records : in the order of arrival
    on_progress : hears how far it is

    Returns
    -------
    The fingerprint of the records of the plan's sources.
    """
    shared: dict[str, list[pa.RecordBatch]] = {}
    partitioner, seen = _Partitioner.of(job), Fingerprint(sources_in_order(job.plan).values())
    sinks = {
        name: [*_sinks(job, name), *partitioner.sinks(name), *_sharing(job, name, shared)]
        for name in sources_in_order(job.plan)
    }
    with records.pieces() as pieces:
        for piece in pieces:
            seen.add(piece.records)
            for name, found in piece.records.items():
                for sink in sinks.get(name, ()) if len(found) else ():
                    sink(found, found.position)
    # All records are on the disk: only now reports can be brought to them.
    partitioner.hold(job, on_progress)
    _share(job, shared)
    return seen.hexdigest()


def _sinks(job: Job, name: str) -> list[Sink]:
    spine = job.plan.definition.spine.name
    # A row of the spine is put for every group, since each has parts of its own; an event for the groups that count it.
    groups: list[Sink] = [group.add for group in job.groups if name in (group.stream, spine)]
    return [job.spine.add, *groups] if name == spine else groups


def _sharing(job: Job, name: str, shared: dict[str, list[pa.RecordBatch]]) -> list[Sink]:
    """Return what keeps the reports of a source in memory, where they are few."""
    fields = {
        each
        for group in job.groups
        if any(later.by == name for later in late_values_of(job.plan, job.plan.groups[group.place]))
        for each in of_group(job.plan, group.place)[name]
    }
    # What is met by id goes its own way; what no group reads is not kept.
    if name in job.met or not fields:
        return []
    kind, kept = schema(job.source(name), fields), shared.setdefault(name, [])
    return [lambda records, rows: kept.append(packed(records, rows, kind))]


def _share(job: Job, shared: Mapping[str, Sequence[pa.RecordBatch]]) -> None:
    for name, batches in shared.items():
        if not batches:
            continue
        table = pa.Table.from_batches(batches).combine_chunks()
        for group in job.groups:
            if any(later.by == name for later in late_values_of(job.plan, job.plan.groups[group.place])):
                group.shared[name] = table


@dataclass(frozen=True, slots=True)
class _Partitioner:
    """Reports that are many, and the records that they are about."""

    named: dict[str, NamedRecords]
    groups: dict[str, list[EntityParts]]
    reporting: list[ReportingSource]

    @classmethod
    def of(cls, job: Job) -> "_Partitioner":
        pairs: dict[tuple[str, str], set[str]] = {}
        streams: set[str] = set()
        for group in job.groups:
            for later in late_values_of(job.plan, job.plan.groups[group.place]):
                if later.by in job.met:
                    pairs.setdefault((later.by, later.on), set()).update(of_group(job.plan, group.place)[later.by])
                    streams.add(later.stream)
        groups = {name: [group for group in job.groups if group.stream == name] for name in sorted(streams)}
        n, at = job.limits.heaps, job.folder
        named = {name: NamedRecords(at / f"{name}.named", [g.place for g in own], n) for name, own in groups.items()}
        reporting = [
            ReportingSource(at / f"{by}.{i}", job.source(by), sorted(fields), on, n)
            for i, ((by, on), fields) in enumerate(sorted(pairs.items()))
        ]
        return cls(named, groups, reporting)

    def sinks(self, name: str) -> list[Sink]:
        found: list[Sink] = [each.add for each in self.reporting if each.source.name == name]
        if name in self.named:
            found.append(self._name)
        return found

    def _name(self, records: Records, rows: Ints) -> None:
        name = records.source.name
        parts = {group.place: group.part_of(records) for group in self.groups[name]}
        self.named[name].add(records, rows, parts)

    def hold(self, job: Job, on_progress: OnProgress) -> None:
        """Bring all reports to the parts that they are about."""
        for stream in self.named.values():
            stream.finish()
        for n_done, each in enumerate(self.reporting):
            each.finish()
            by = each.source.name
            ways = [
                ReportRoute(name, group.place, group.reports[by])
                for name, groups in self.groups.items()
                for group in groups
                # One source may name records by several fields, and each field is a way of its own.
                if any((x.by, x.on) == (by, each.on) for x in late_values_of(job.plan, job.plan.groups[group.place]))
            ]
            each.route({way.stream: self.named[way.stream] for way in ways}, ways)
            on_progress("match reports", n_done + 1, len(self.reporting))
        for stream in self.named.values():
            stream.remove()
