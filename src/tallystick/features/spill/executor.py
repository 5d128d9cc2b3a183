"""The executor for more records than memory holds: whole entities at a time, by way of a disk; the same bits."""

import errno
import functools
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tallystick.data.read import Screening, hold
from tallystick.data.reasons import Code
from tallystick.data.records import Records
from tallystick.data.sources.address import pieces
from tallystick.data.sources.parted import n_rows as n_rows_of
from tallystick.data.sources.piece import Piece
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Step
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.features.plan import Plan
from tallystick.features.spill import budget
from tallystick.features.spill.folder import spill_folder
from tallystick.features.spill.intake import Manner, Sink, Taken, take_in
from tallystick.features.spill.joining import joined, matrix_schema
from tallystick.features.spill.meeting import Named, Reporting, Way, delays_of
from tallystick.features.spill.needed import laters, of_group, of_rows
from tallystick.features.spill.parts import Parts, slots_schema
from tallystick.features.spill.period import Period
from tallystick.features.spill.pile import Pile
from tallystick.features.spill.ranges import Ranges, SpineRows
from tallystick.features.spill.rows import packed, schema, without

Ints = NDArray[np.int64]

_REPORT_BYTES = 200  # that every part holds of a report that all get
_HEAP_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Written:
    """What a computation by parts has done.

    Parameters
    ----------
    n_rows : how many rows the matrix has
    n_parts : the most parts that a group's entities were cut into
    largest_part : how many events the largest of them had
    n_spilled_bytes : how much lay on the disk at most
    screenings : what came of each source
    """

    n_rows: int
    n_parts: int
    largest_part: int
    n_spilled_bytes: int
    screenings: dict[str, Screening]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is in memory at a time; ``of`` chooses it by how much memory there is.

    Parameters
    ----------
    parts : for each group, into how many parts its entities are cut
    heaps : into how many heaps ids are put that must meet
    at_a_time : how many rows are screened at a time
    a_range : how many rows of the matrix are put together at a time
    shared : so many reports of one source are given to every part; more go only to the part that they report of
    """

    parts: tuple[int, ...]
    heaps: int
    at_a_time: int
    a_range: int
    shared: int

    @classmethod
    def of(cls, plan: Plan, n_rows: Mapping[str, int], memory: int) -> "Limits":
        """Return the limits for a plan, with how many rows each source has, in an amount of memory."""
        spine = plan.definition.spine.name
        counts = [
            n_rows[group.stream] + (n_rows[spine] if group.stream != spine or group.at != group.keys else 0)
            for group in plan.groups
        ]
        return cls(
            tuple(budget.n_parts(plan, place, n, memory) for place, n in enumerate(counts)),
            1 + max(n_rows.values(), default=0) // _HEAP_ROWS,
            budget.rows_at_a_time(memory),
            budget.rows_of_a_range(plan, memory),
            memory // 32 // _REPORT_BYTES,
        )


def needed(plan: Plan, flags: Iterable[Flagged]) -> list[Source]:
    """Return the sources that the features look at, and those whose events date the outcomes among them."""
    looked_at = {plan.definition.spine.name, *plan.definition.sources}
    looked_at |= {flag.stream for flag in flags if flag.by in looked_at}
    return [source for name, source in _ordered(plan).items() if name in looked_at]


def n_told(plan: Plan, root: Path) -> int:
    """Return how many rows the files of the spine have, as far as they say so without being read."""
    spine = _ordered(plan)[plan.definition.spine.name]
    return sum(n_rows_of(piece) or 0 for piece in pieces(spine, root))


def features(
    plan: Plan,
    flags: Iterable[Flagged],
    root: Path,
    out: Path,
    *,
    now: int,
    folder: Path,
    memory: int,
    limits: Limits | None = None,
    begin: int | None = None,
    end: int | None = None,
    max_refused_share: float = 0.05,
    quarantine: Path | None = None,
    threads: int = 1,
    step: Step | None = None,
) -> Written:
    """Read a project's sources, compute the features and write them, with little of all that in memory at a time.

    Parameters
    ----------
    plan : what to compute; its sources say where they lie
    flags : the flags of the project; they say when a table's outcomes become known
    root : the project's folder
    out : the Parquet file to write; it is there whole or not at all
    now : the present instant, microseconds since 1970 UTC
    folder : where records lie meanwhile: about as much as the sources and the matrix, not compressed
    memory : how many bytes it may take. An entity's records are together in memory, however many they are
    limits : how that is divided; chosen by ``memory`` if None
    begin, end : only records with begin <= time < end
    max_refused_share : how many rows of a source may be refused, 0 to 1
    quarantine : where refused rows are written; None writes none
    threads : how many entities are replayed at a time
    step : told how far it is
    """
    flags = list(flags)
    with spill_folder(folder) as own:
        period = Period(begin, end)
        job = _Job.of(plan, flags, root=root, folder=own, period=period, memory=memory, limits=limits)
        taken = _take_in(job, now, quarantine, max_refused_share, _told(step))
        ranges = job.spine.ranges(job.limits.a_range, job.dropped[plan.definition.spine.name])
        told, largest, spilled = _slots(job, ranges, threads, _told(step))
        n_rows = _write(job, ranges, told, out, _told(step))
    return Written(n_rows, max(job.limits.parts, default=0), largest, spilled, taken)


@dataclass(frozen=True, slots=True)
class _Job:
    plan: Plan
    flags: list[Flagged]
    folder: Path
    limits: Limits
    found: dict[str, list[Piece]]
    n_rows: dict[str, int]
    spine: SpineRows
    groups: tuple[Parts, ...]
    met: frozenset[str]
    dropped: dict[str, Ints] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        plan: Plan,
        flags: list[Flagged],
        *,
        root: Path,
        folder: Path,
        period: Period,
        memory: int,
        limits: Limits | None,
    ) -> "_Job":
        found = {source.name: pieces(source, root) for source in needed(plan, flags)}
        n_rows = {name: _size(_ordered(plan)[name], own) for name, own in found.items()}
        limits = limits or Limits.of(plan, n_rows, memory)
        reporting = {later.by for group in plan.groups for later in laters(plan, group)}
        events = {group.stream for group in plan.groups} | {plan.definition.spine.name}
        met = frozenset(
            name
            for name in reporting
            if isinstance(plan.streams[name], TableDefinition) or name in events or n_rows[name] > limits.shared
        )
        groups = []
        for place, n in enumerate(limits.parts):
            own = {later.by for later in laters(plan, plan.groups[place])}
            groups.append(Parts.of(plan, place, n, period, folder=folder, reports=sorted(own & met)))
        spine = SpineRows(folder, plan.definition.spine, of_rows(plan), period)
        return cls(plan, flags, folder, limits, found, n_rows, spine, tuple(groups), met)

    def source(self, name: str) -> Source:
        return _ordered(self.plan)[name]


Told = Callable[[str, int, int], None]


def _take_in(job: _Job, now: int, quarantine: Path | None, max_share: float, told: Told) -> dict[str, Screening]:
    manner = Manner(now, job.limits.at_a_time, job.folder, job.limits.heaps, quarantine)
    shared: dict[str, list[pa.RecordBatch]] = {}
    meeting = _Meeting.of(job)
    screenings: dict[str, Screening] = {}
    outcomes: list[tuple[Source, Taken]] = []
    for name in sorted(job.found, key=lambda name: isinstance(job.source(name), TableDefinition)):
        source, so_far = job.source(name), functools.partial(_told_of, told, f"read {name}", job.n_rows[name])
        sinks = [*_sinks(job, name), *meeting.sinks(name), *_sharing(job, name, shared)]
        taken = take_in(source, job.found[name], manner, sinks, so_far)
        job.dropped[name] = taken.dropped
        if isinstance(source, TableDefinition):
            outcomes.append((source, taken))
        else:
            screenings[name] = _held(job, taken, name, max_share)
    unknown = meeting.hold(job, told)
    for source, taken in outcomes:
        taken.refusals.add_for(unknown.get(source.name, np.empty(0, np.int64)), Code.EVENT_UNKNOWN)
        screenings[source.name] = _held(job, taken, source.name, max_share)
    _share(job, shared)
    return {name: screenings[name] for name in job.found}


def _told_of(told: Told, stage: str, total: int, done: int) -> None:
    told(stage, done, total)


def _held(job: _Job, taken: Taken, name: str, max_share: float) -> Screening:
    in_order = job.spine.in_order if name == job.plan.definition.spine.name else True
    screening = taken.refusals.screening(taken.n_rows, in_order=in_order)
    hold(screening, max_share)
    return screening


def _sinks(job: _Job, name: str) -> list[Sink]:
    spine = job.plan.definition.spine.name
    groups: list[Sink] = [group.add for group in job.groups if name in (group.stream, spine)]
    return [job.spine.add, *groups] if name == spine else groups


def _sharing(job: _Job, name: str, shared: dict[str, list[pa.RecordBatch]]) -> list[Sink]:
    """Return what keeps the reports of a source in memory, where they are few."""
    fields = {
        each
        for group in job.groups
        if any(later.by == name for later in laters(job.plan, job.plan.groups[group.place]))
        for each in of_group(job.plan, group.place)[name]
    }
    if name in job.met or not fields:
        return []
    kind, kept = schema(job.source(name), fields), shared.setdefault(name, [])
    return [lambda records, rows: kept.append(packed(records, rows, kind))]


def _share(job: _Job, shared: Mapping[str, Sequence[pa.RecordBatch]]) -> None:
    for name, batches in shared.items():
        if not batches:
            continue
        table = without(pa.Table.from_batches(batches), job.dropped[name]).combine_chunks()
        for group in job.groups:
            if any(later.by == name for later in laters(job.plan, job.plan.groups[group.place])):
                group.shared[name] = table


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Reports that are many, and the records that they are about."""

    named: dict[str, Named]
    groups: dict[str, list[Parts]]
    reporting: list[Reporting]

    @classmethod
    def of(cls, job: _Job) -> "_Meeting":
        pairs: dict[tuple[str, str], set[str]] = {}
        streams: set[str] = set()
        for group in job.groups:
            for later in laters(job.plan, job.plan.groups[group.place]):
                if later.by in job.met:
                    pairs.setdefault((later.by, later.on), set()).update(of_group(job.plan, group.place)[later.by])
                    streams.add(later.stream)
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

    def hold(self, job: _Job, told: Told) -> dict[str, Ints]:
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
                if any((x.by, x.on) == (by, each.on) for x in laters(job.plan, job.plan.groups[group.place]))
            ]
            delays = delays_of(each.source, job.flags, list(job.found))
            concerned = {name: self.named[name] for name in sorted({*delays, *(way.stream for way in ways)})}
            unknown[by] = each.route(concerned, job.dropped, delays, ways)
            told("match reports", n_done + 1, len(self.reporting))
        for stream in self.named.values():
            stream.remove()
        return unknown


def _slots(job: _Job, ranges: Ranges, threads: int, told: Told) -> tuple[list[Pile], int, int]:
    total, n_done, largest = sum(group.n for group in job.groups), 0, 0
    waiting = sum(group.finish() for group in job.groups) + job.spine.finish()
    spilled, done = waiting, []
    for group in job.groups:
        out = Pile(job.folder / f"{group.place}.slots", slots_schema(job.plan, group.place))
        for part in range(group.n):
            group.slots(part, job.dropped, ranges, threads, out)
            n_done += 1
            told("features", n_done, total)
        largest = max(largest, group.largest())
        waiting += out.finish()
        spilled = max(spilled, waiting)
        waiting -= group.finish()
        group.remove()
        done.append(out)
    return done, largest, spilled


def _write(job: _Job, ranges: Ranges, told_of: Sequence[Pile], out: Path, told: Told) -> int:
    made, n_rows = job.folder / "matrix.parquet", 0
    how = {"compression": "snappy", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(made, matrix_schema(job.plan), **how) as file:
        for n_done, table in enumerate(joined(job.plan, ranges, told_of, job.dropped), 1):
            if len(table):
                file.write_table(table, row_group_size=len(table))
            n_rows += len(table)
            told("write", n_done, len(ranges))
    _move(made, out)
    return n_rows


def _move(made: Path, out: Path) -> None:
    try:
        made.replace(out)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = out.with_name(f".{out.name}.unfinished")
        try:
            shutil.copyfile(made, beside)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)


def _told(step: Step | None) -> Told:
    return (lambda _stage, _done, _total: None) if step is None else step


def _ordered(plan: Plan) -> dict[str, Source]:
    held: dict[str, Source] = {source.name: source for source in plan.sources}
    return held if plan.definition.spine.name in held else held | {plan.definition.spine.name: plan.definition.spine}


def _size(source: Source, found: Sequence[Piece]) -> int:
    field, told = next(iter(source.fields)), [n_rows_of(piece) for piece in found]
    return sum(len(p.read([field])) if n is None else n for p, n in zip(found, told, strict=True))
