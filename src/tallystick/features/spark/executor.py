"""The executor inside Spark: the batch executor on whole entities, spread over workers; the same bits everywhere."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Progress, Step
from tallystick.definitions.streams import Source
from tallystick.features.names import LOCAL
from tallystick.features.plan import Plan
from tallystick.features.spark import worker
from tallystick.features.spark.entities import columns, cut, entity, key, placed, reach
from tallystick.features.spark.packed import COLUMNS
from tallystick.features.spark.reading import Screened, read
from tallystick.features.spark.session import functions, session, types
from tallystick.features.spark.worker import SLOTS, SPINE
from tallystick.features.spill.needed import of_group

HOT = 1_000_000
"""Entities with more events than this are cut into ranges of time."""

ROWS_OF_A_TASK = 500_000
ROWS_OF_A_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Work:
    """A plan with its screened sources, and the rows that are asked about."""

    plan: Plan
    sources: Mapping[str, Screened]
    requested: Any
    hot: int

    def place(self, source: str) -> int:
        return [each.name for each in self.plan.sources].index(source)

    @property
    def spine(self) -> Screened:
        return self.sources[self.plan.definition.spine.name]

    @property
    def text(self) -> str:
        return json.dumps(self.plan.to_stored())


def features(
    plan: Plan,
    flags: Iterable[Flagged],
    root: Path,
    out: str,
    *,
    now: int,
    master: str = LOCAL,
    begin: int | None = None,
    end: int | None = None,
    max_refused_share: float = 0.05,
    quarantine: str | None = None,
    hot: int = HOT,
    settings: Mapping[str, str] | None = None,
    progress: Step | None = None,
) -> int:
    """Read a project's sources, compute its features and write them, all with Spark.

    Parameters
    ----------
    plan : what to compute; its sources say where they lie
    flags : the flags of the project; they say when a table's outcomes become known
    root : the project's folder
    out : a new folder, or an address such as ``s3a://bank/features``
    now : the present instant, microseconds since 1970 UTC
    master : such as ``local[2]`` or ``spark://host:7077``
    begin, end : only records with begin <= time < end
    max_refused_share : how many rows of a source may be refused, 0 to 1
    quarantine : the folder or address under which refused rows are written; None writes none
    hot : entities with more events than this are cut into ranges of time
    settings : further settings of Spark
    progress : told how many of how many stages are prepared

    Returns
    -------
    How many rows were written.
    """
    flags = list(flags)
    with session(master, settings=settings) as spark:
        found = read(
            spark,
            _needed(plan, flags),
            flags,
            root,
            now=now,
            max_refused_share=max_refused_share,
            quarantine=quarantine,
            progress=progress,
        )
        on_progress = None if progress is None else functools.partial(progress, "features")
        try:
            return write(plan, found, out, begin=begin, end=end, hot=hot, progress=on_progress)
        finally:
            for source in found.values():
                source.kept.unpersist()


def write(
    plan: Plan,
    sources: Mapping[str, Screened],
    out: str,
    *,
    begin: int | None = None,
    end: int | None = None,
    hot: int = HOT,
    progress: Progress | None = None,
) -> int:
    """Write the matrix of the records with begin <= time < end as a folder of Parquet files, in order of arrival.

    Parameters
    ----------
    plan : what to compute
    sources : what ``reading.read`` found of the spine and of every source that the features look at
    out : a new folder, or an address such as ``s3a://bank/features``
    begin, end : microseconds since 1970 UTC; without a bound where None
    hot : entities with more events than this are cut into ranges of time
    progress : told how many of how many stages are prepared

    Returns
    -------
    How many rows were written.
    """
    f = functions()
    requested = f.lit(True) if begin is None else f.col("time") >= begin
    requested = requested if end is None else requested & (f.col("time") < end)
    matrix(plan, sources, requested, hot=hot, progress=progress).write.parquet(out)
    if progress is not None:
        progress(len(plan.groups) + 1, len(plan.groups) + 1)
    return int(sources[plan.definition.spine.name].frame.where(requested).count())


def matrix(
    plan: Plan, sources: Mapping[str, Screened], requested: Any, *, hot: int = HOT, progress: Progress | None = None
) -> Any:
    """Return the ids and features of the asked records as a frame, whose parts follow each other in order of arrival.

    Parameters
    ----------
    plan, sources, hot, progress : as for ``write``
    requested : a condition over ``packed.COLUMNS`` of the spine's records
    """
    task = _Work(plan, sources, requested, hot)
    rows = task.spine.frame.where(requested)
    n_files = 1 + rows.count() // ROWS_OF_A_FILE
    ranges = _range(rows, n_files)
    own = columns(task.spine.source, worker.of_matrix(plan))
    frames = [rows.select(functions().lit(SPINE).alias("place"), *own, ranges.alias("range"))]
    for place in range(len(plan.groups)):
        frames.append(_slots(task, place, ranges))
        if progress is not None:
            progress(place + 1, len(plan.groups) + 1)
    combined = functools.reduce(lambda above, below: above.unionByName(below, allowMissingColumns=True), frames)
    spread = combined.repartitionById(n_files, "range").drop("range")
    return spread.mapInArrow(functools.partial(worker.matrix, plan=task.text), _schema(plan))


def _needed(plan: Plan, flags: Iterable[Flagged]) -> list[Source]:
    """Return the sources that the features look at, and those whose events date the outcomes among them."""
    looked_at = set(plan.definition.sources)
    looked_at |= {flag.stream for flag in flags if flag.by in looked_at}
    return [source for source in plan.sources if source.name in looked_at]


def _range(requested: Any, n_files: int) -> Any:
    """Return the column that says to which file a row belongs: files divide the order of arrival."""
    f = functions()
    shares = [i / n_files for i in range(1, n_files)]
    if not shares:
        return f.lit(0)
    (found,) = requested.agg(f.percentile_approx("arrived", shares, 10_000).alias("cuts")).collect()
    cuts = f.array(*(f.lit(instant).cast("long") for instant in found["cuts"]))
    return f.size(f.filter(cuts, lambda instant: instant < f.col("arrived")))


def _slots(task: _Work, place: int, ranges: Any) -> Any:
    group, rows = task.plan.groups[place], _rows(task, place)
    window_reach, long = reach(group), []
    n_rows = task.spine.n_rows + task.sources[group.stream].n_rows
    if n_rows > task.hot:
        is_own = group.stream == task.spine.source.name and group.at == group.keys
        long = cut(rows, window_reach, task.hot, is_own=is_own)
    n_shares = max(rows.sparkSession.sparkContext.defaultParallelism, 1 + n_rows // ROWS_OF_A_TASK)
    spread = placed(rows, long, window_reach, n_shares).repartitionById(n_shares, "share").drop("share")
    computed = spread.mapInArrow(functools.partial(worker.slots, plan=task.text, place=place), SLOTS)
    return computed.withColumn("range", ranges)


def _rows(task: _Work, place: int) -> Any:
    """Return all records that a group needs: questions, events, and what is reported of these."""
    f, group = functions(), task.plan.groups[place]
    spine, stream = task.spine.source, task.sources[group.stream].source
    requested, whose, about = task.requested, entity(spine, group.at), f.col("time").alias("about")
    needed = of_group(task.plan, place)
    own = [f.lit(task.place(spine.name)).alias("source"), *columns(spine, needed)]
    questions = task.spine.frame.select(*own, requested.alias("requested"), whose.alias("entity"), about)
    if stream.name == spine.name and group.at == group.keys:
        parts = [questions.where(f.col("requested") | f.col("entity").isNotNull())]
    else:
        theirs = [
            f.lit(task.place(stream.name)).alias("source"),
            *columns(stream, needed),
            f.lit(False).alias("requested"),
        ]
        events = task.sources[stream.name].frame.select(*theirs, entity(stream, group.keys).alias("entity"), about)
        parts = [questions.where("requested"), events.where(f.col("entity").isNotNull())]
    watched = [task.plan.later[series.later] for series in group.series]
    parts += [_reports(task, place, by, on) for by, on in sorted({(later.by, later.on) for later in watched})]
    return functools.reduce(lambda above, below: above.unionByName(below), parts)


def _entities(task: _Work, place: int) -> Any:
    """Return the entity and the instant of every event of a group."""
    group = task.plan.groups[place]
    stream = task.sources[group.stream]
    found = stream.frame.select(entity(stream.source, group.keys).alias("entity"), "time", "id")
    return found.where(functions().col("entity").isNotNull())


def _reports(task: _Work, place: int, by: str, on: str) -> Any:
    """Return the records that report events of a group, each with the entity and the instant of its event."""
    f, reports = functions(), task.sources[by]
    events = _entities(task, place).withColumnsRenamed({"time": "about", "id": "reported"})
    on_progress = reports.frame.select(*COLUMNS, key(reports.source, on).alias("on")).where(f.col("on").isNotNull())
    joined = on_progress.join(events, f.col("on") == f.col("reported"))
    kept = columns(reports.source, of_group(task.plan, place))
    own = [f.lit(task.place(by)).alias("source"), *kept, f.lit(False).alias("requested")]
    return joined.select(*own, "entity", "about")


def _schema(plan: Plan) -> Any:
    """Return the matrix's columns, whose names may hold anything."""
    kinds = types()
    fields = [kinds.StructField(plan.definition.spine.id, kinds.StringType())]
    return kinds.StructType([*fields, *(kinds.StructField(name, kinds.DoubleType()) for name in plan.names)])
