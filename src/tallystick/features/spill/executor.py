"""The executor for more records than memory holds: whole entities at a time, by way of a disk; the same bits."""

import errno
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tallystick.definitions.progress import Step
from tallystick.durable import place, replacing
from tallystick.features.plan import Plan
from tallystick.features.spill.folder import spill_folder
from tallystick.features.spill.job import Job, MemoryLimits
from tallystick.features.spill.joining import joined
from tallystick.features.spill.partitioning import OnProgress, ingest_all
from tallystick.features.spill.parts import slots_schema
from tallystick.features.spill.period import Period
from tallystick.features.spill.pieces import Pieces
from tallystick.features.spill.ranges import Ranges
from tallystick.features.spill.spill_file import SpillFile
from tallystick.features.table import Origin
from tallystick.features.table_file import Header, TableWriter


@dataclass(frozen=True, slots=True)
class SpillResult:
    """What a computation by parts has done.

    Parameters
    ----------
    header : what the table says of itself
    n_parts : the most parts that a group's entities were cut into
    largest_part : how many events the largest of them had
    n_spilled_bytes : how much lay on the disk at most
    """

    header: Header
    n_parts: int
    largest_part: int
    n_spilled_bytes: int

    @property
    def n_rows(self) -> int:
        """How many rows the table has."""
        return self.header.rows


def features(
    plan: Plan,
    records: Pieces,
    out: Path,
    *,
    folder: Path,
    memory: int,
    limits: MemoryLimits | None = None,
    begin: int | None = None,
    end: int | None = None,
    threads: int = 1,
    step: Step | None = None,
) -> SpillResult:
    """Compute features of records that come piece by piece, and write their table, with little in memory at a time.

    Parameters
    ----------
    plan : what to compute
    records : of the plan's sources at least, in the order of arrival
    out : the Parquet file to write; it is there whole or not at all
    folder : where records lie meanwhile: about as much as the sources and the table, not compressed
    memory : how many bytes it may take. An entity's records are together in memory, however many they are
    limits : how that is divided; chosen by ``memory`` if None
    begin, end : only records with begin <= time < end
    threads : how many entities are replayed at a time
    step : told how far it is
    """
    with spill_folder(folder) as own:
        period, on_progress = Period(begin, end), _on_progress(step)
        job = Job.of(plan, records.n_rows, folder=own, period=period, memory=memory, limits=limits)
        origin = Origin.of(plan, ingest_all(job, records, on_progress))
        taking_in = records.n_spilled_bytes + sum(group.finish() for group in job.groups)
        ranges = job.spine.ranges(job.limits.a_range)
        slots, computing = _slots(job, ranges, threads, on_progress)
        header, joining = _write(job, ranges, slots, origin, out=out, on_progress=on_progress)
    largest = max((group.largest() for group in job.groups), default=0)
    return SpillResult(header, max(job.limits.parts, default=0), largest, max(taking_in, computing, joining))


def _slots(job: Job, ranges: Ranges, threads: int, on_progress: OnProgress) -> tuple[list[SpillFile], int]:
    """Return the files of all groups' slots, and how many bytes lay on the disk at most."""
    total, n_done, done = sum(group.n for group in job.groups), 0, []
    waiting = spilled = sum(group.finish() for group in job.groups) + ranges.spill_file.finish()
    # Group by group, so that each group's records leave the disk as soon as its slots are there.
    for group in job.groups:
        out = SpillFile(job.folder / f"{group.place}.slots", slots_schema(job.plan, group.place))
        for part in range(group.n):
            group.slots(part, ranges, threads, out)
            n_done += 1
            on_progress("features", n_done, total)
        waiting += out.finish()
        spilled = max(spilled, waiting)
        waiting -= group.finish()
        group.remove()
        done.append(out)
    return done, spilled


def _write(
    job: Job, ranges: Ranges, slots: Sequence[SpillFile], origin: Origin, *, out: Path, on_progress: OnProgress
) -> tuple[Header, int]:
    """Write the table; return its header, and how many bytes lay on the disk then."""
    # Written where it is thrown away if anything fails, and moved when it is whole.
    made = job.folder / "table.parquet"
    with TableWriter(made, job.plan.names, job.plan.definition.spine.id) as file:
        for n_done, piece in enumerate(joined(job.plan, ranges, slots, origin), 1):
            file.add(piece)
            on_progress("write", n_done, len(ranges))
        header = file.finish(origin)
    n_bytes = made.stat().st_size + ranges.spill_file.finish() + sum(spill_file.finish() for spill_file in slots)
    _move(made, out)
    return header, n_bytes


def _move(made: Path, out: Path) -> None:
    try:
        place(made, out)
    except OSError as error:
        # Between file systems nothing is moved at once: a copy beside the goal is, under a name nobody reads.
        if error.errno != errno.EXDEV:
            raise
        with replacing(out) as unfinished:
            shutil.copyfile(made, unfinished)


def _on_progress(step: Step | None) -> OnProgress:
    return (lambda _stage, _done, _total: None) if step is None else step
