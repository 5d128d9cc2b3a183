"""All sources taken in, and each record put where it is needed: with its entity, the rows that ask, or the reports."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.read import Screening, hold
from tallystick.data.reasons import Code
from tallystick.data.records import Records
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.features.spill.ingest import Ingested, Manner, Sink, ingest
from tallystick.features.spill.job import Job
from tallystick.features.spill.needed import laters, of_group
from tallystick.features.spill.parts import Parts
from tallystick.features.spill.report_join import Named, Reporting, Way, delays_of
from tallystick.features.spill.rows import packed, schema, without

Ints = NDArray[np.int64]
OnProgress = Callable[[str, int, int], None]


def ingest_all(
    job: Job, now: int, quarantine: Path | None, max_share: float, on_progress: OnProgress
) -> dict[str, Screening]:
    """Screen every source, and bring each record and report to the parts that need it.

    Parameters
    ----------
    job : where records are put; it learns which of them do not count
    now : the present instant, microseconds since 1970 UTC
    quarantine : where refused rows are written; None writes none
    max_share : how many rows of a source may be refused, 0 to 1
    on_progress : hears how far it is

    Returns
    -------
    What came of each source.
    """
    manner = Manner(now, job.limits.at_a_time, job.folder, job.limits.heaps, quarantine)
    shared: dict[str, list[pa.RecordBatch]] = {}
    partitioner = _Partitioner.of(job)
    screenings: dict[str, Screening] = {}
    outcomes: list[tuple[Source, Ingested]] = []
    # Streams first, tables last: whatever is too bad in a stream is said before the outcomes are read.
    for name in sorted(job.found, key=lambda name: isinstance(job.source(name), TableDefinition)):
        source, so_far = job.source(name), functools.partial(_at_stage, on_progress, f"read {name}", job.n_rows[name])
        sinks = [*_sinks(job, name), *partitioner.sinks(name), *_sharing(job, name, shared)]
        taken = ingest(source, job.found[name], manner, sinks, so_far)
        job.dropped[name] = taken.dropped
        # Whether an outcome's record is there is not known yet, so how many are refused is not either.
        if isinstance(source, TableDefinition):
            outcomes.append((source, taken))
        else:
            screenings[name] = _held(taken, max_share)
    # All records are on the disk, and which of them do not count is known: now reports can be brought to them.
    unknown = partitioner.hold(job, on_progress)
    for source, taken in outcomes:
        taken.refusals.add_for(unknown.get(source.name, np.empty(0, np.int64)), Code.EVENT_UNKNOWN)
        screenings[source.name] = _held(taken, max_share)
    _share(job, shared)
    return {name: screenings[name] for name in job.found}


def _at_stage(on_progress: OnProgress, stage: str, total: int, done: int) -> None:
    on_progress(stage, done, total)


def _held(taken: Ingested, max_share: float) -> Screening:
    screening = taken.refusals.screening(taken.n_rows, in_order=taken.in_order)
    hold(screening, max_share)
    return screening


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
        if any(later.by == name for later in laters(job.plan, job.plan.groups[group.place]))
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
        table = without(pa.Table.from_batches(batches), job.dropped[name]).combine_chunks()
        for group in job.groups:
            if any(later.by == name for later in laters(job.plan, job.plan.groups[group.place])):
                group.shared[name] = table


@dataclass(frozen=True, slots=True)
class _Partitioner:
    """Reports that are many, and the records that they are about."""

    named: dict[str, Named]
    groups: dict[str, list[Parts]]
    reporting: list[Reporting]

    @classmethod
    def of(cls, job: Job) -> "_Partitioner":
        pairs: dict[tuple[str, str], set[str]] = {}
        streams: set[str] = set()
        for group in job.groups:
            for later in laters(job.plan, job.plan.groups[group.place]):
                if later.by in job.met:
                    pairs.setdefault((later.by, later.on), set()).update(of_group(job.plan, group.place)[later.by])
                    streams.add(later.stream)
        # A stream that no group aggregates may still date a table's outcomes.
        for by, _ in pairs:
            streams.update(delays_of(job.source(by), job.flags, list(job.found)))
        groups = {name: [group for group in job.groups if group.stream == name] for name in sorted(streams)}
        n, at = job.limits.heaps, job.folder
        named = {name: Named(at / f"{name}.named", [g.place for g in own], n) for name, own in groups.items()}
        reporting = [
            Reporting(at / f"{by}.{i}", job.source(by), sorted(fields), on, n)
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

    def hold(self, job: Job, on_progress: OnProgress) -> dict[str, Ints]:
        """Bring all reports to the parts that they are about; return the outcomes of no known record, by table."""
        for stream in self.named.values():
            stream.finish()
        unknown = {}
        for n_done, each in enumerate(self.reporting):
            each.finish()
            by = each.source.name
            ways = [
                Way(name, group.place, group.reports[by])
                for name, groups in self.groups.items()
                for group in groups
                # One source may name records by several fields, and each field is a way of its own.
                if any((x.by, x.on) == (by, each.on) for x in laters(job.plan, job.plan.groups[group.place]))
            ]
            delays = delays_of(each.source, job.flags, list(job.found))
            concerned = {name: self.named[name] for name in sorted({*delays, *(way.stream for way in ways)})}
            unknown[by] = each.route(concerned, job.dropped, delays, ways)
            on_progress("match reports", n_done + 1, len(self.reporting))
        for stream in self.named.values():
            stream.remove()
        return unknown
