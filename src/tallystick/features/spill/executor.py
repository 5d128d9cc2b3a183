"""The executor for more records than memory holds: whole entities at a time, by way of a disk; the same bits."""

import errno
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from tallystick.data.read import Screening
from tallystick.data.sources.address import pieces
from tallystick.data.sources.parted import n_rows as n_rows_of
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Step
from tallystick.durable import place, replacing
from tallystick.features.plan import Plan
from tallystick.features.spill.folder import spill_folder
from tallystick.features.spill.job import Job, Limits, ordered
from tallystick.features.spill.joining import joined, matrix_schema
from tallystick.features.spill.partitioning import OnProgress, ingest_all
from tallystick.features.spill.parts import slots_schema
from tallystick.features.spill.period import Period
from tallystick.features.spill.ranges import Ranges
from tallystick.features.spill.spill_file import SpillFile


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


def n_stored_rows(plan: Plan, root: Path) -> int:
    """Return how many rows the files of the spine have, as far as they say so without being read.

    Parameters
    ----------
    plan : whose spine
    root : the project's folder
    """
    spine = ordered(plan)[plan.definition.spine.name]
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
        job = Job.of(plan, flags, root=root, folder=own, period=period, memory=memory, limits=limits)
        taken = ingest_all(job, now, quarantine, max_refused_share, _on_progress(step))
        # Only now it is known which rows do not count, since their id came before somewhere in the files.
        ranges = job.spine.ranges(job.limits.a_range, job.dropped[plan.definition.spine.name])
        on_progress, spilled = _slots(job, ranges, threads, _on_progress(step))
        n_rows, joining = _write(job, ranges, on_progress, out, _on_progress(step))
    largest = max((group.largest() for group in job.groups), default=0)
    return Written(n_rows, max(job.limits.parts, default=0), largest, max(spilled, joining), taken)


def _slots(job: Job, ranges: Ranges, threads: int, on_progress: OnProgress) -> tuple[list[SpillFile], int]:
    """Return the piles of all groups' slots, and how many bytes lay on the disk at most."""
    total, n_done, done = sum(group.n for group in job.groups), 0, []
    waiting = spilled = sum(group.finish() for group in job.groups) + ranges.spill_file.finish()
    # Group by group, so that each group's records leave the disk as soon as its slots are there.
    for group in job.groups:
        out = SpillFile(job.folder / f"{group.place}.slots", slots_schema(job.plan, group.place))
        for part in range(group.n):
            group.slots(part, job.dropped, ranges, threads, out)
            n_done += 1
            on_progress("features", n_done, total)
        waiting += out.finish()
        spilled = max(spilled, waiting)
        waiting -= group.finish()
        group.remove()
        done.append(out)
    return done, spilled


def _write(
    job: Job, ranges: Ranges, slot_files: Sequence[SpillFile], out: Path, on_progress: OnProgress
) -> tuple[int, int]:
    """Write the matrix; return how many rows it has, and how many bytes lay on the disk then."""
    # Written where it is thrown away if anything fails, and moved when it is whole.
    made, n_rows = job.folder / "matrix.parquet", 0
    how = {"compression": "snappy", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(made, matrix_schema(job.plan), **how) as file:
        for n_done, table in enumerate(joined(job.plan, ranges, slot_files, job.dropped), 1):
            if len(table):
                file.write_table(table, row_group_size=len(table))
            n_rows += len(table)
            on_progress("write", n_done, len(ranges))
    n_bytes = made.stat().st_size + ranges.spill_file.finish() + sum(spill_file.finish() for spill_file in slot_files)
    _move(made, out)
    return n_rows, n_bytes


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
