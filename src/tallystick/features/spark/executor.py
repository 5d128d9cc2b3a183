"""The executor inside Spark: the batch executor on whole entities, spread over workers; the same bits everywhere."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.data.read import used
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Progress, Step
from tallystick.definitions.streams import Source
from tallystick.features.engine_names import LOCAL
from tallystick.features.plan import Plan
from tallystick.features.spark import worker
from tallystick.features.spark.entities import entity_column, key_column, long_entities, packed_columns, placed, reach
from tallystick.features.spark.exporting import exported
from tallystick.features.spark.numbering import ROWS_OF_A_TASK, fingerprint, numbered
from tallystick.features.spark.opening import put
from tallystick.features.spark.packed import COLUMNS
from tallystick.features.spark.reading import ScreenedSource, read
from tallystick.features.spark.session import functions, session, types
from tallystick.features.spark.worker import SLOTS, SPINE
from tallystick.features.spill.needed import of_group
from tallystick.features.spill.pieces import Pieces
from tallystick.features.table import Origin, own_columns
from tallystick.features.table_file import COMMON, Header, Rows, common_bytes

HOT = 1_000_000
"""Entities with more events than this are cut into ranges of time."""

ROWS_OF_A_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Work:
    """A plan with its screened sources, and the rows that are asked about."""

    plan: Plan
    sources: Mapping[str, ScreenedSource]
    requested: Any
    hot: int

    def place(self, source: str) -> int:
        return [each.name for each in self.plan.sources].index(source)

    @property
    def spine(self) -> ScreenedSource:
        return self.sources[self.plan.definition.spine.name]

    @property
    def text(self) -> str:
        return json.dumps(self.plan.to_stored())


def features(
    plan: Plan,
    sources: Iterable[Source],
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
) -> Header:
    """Read a project's sources, compute a plan's features and write their table, all with Spark.

    Parameters
    ----------
    plan : what to compute
    sources : all of the project, in its order, with where they lie: records of those that the plan does not look at
        take places in the order of arrival
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
    """
    known_flags = list(flags)
    with session(master, settings=settings) as spark:
        found = read(
            spark,
            used(sources, known_flags),
            known_flags,
            root,
            now=now,
            max_refused_share=max_refused_share,
            quarantine=quarantine,
            progress=progress,
        )
        on_progress = None if progress is None else functools.partial(progress, "features")
        return write(plan, found, out, begin=begin, end=end, hot=hot, progress=on_progress)


def features_of(
    plan: Plan,
    records: Pieces,
    out: str,
    *,
    folder: Path,
    master: str = LOCAL,
    begin: int | None = None,
    end: int | None = None,
    hot: int = HOT,
    progress: Step | None = None,
) -> Header:
    """Compute features of records that come piece by piece, such as a log's, and write their table with Spark.

    The records are written once by this process, for Spark to read.

    Parameters
    ----------
    plan : what to compute
    records : of the plan's sources at least, in the order of arrival
    out, master, begin, end, hot, progress : as for ``features``
    folder : where the records lie meanwhile; workers elsewhere must see it
    """
    on_progress = None if progress is None else functools.partial(progress, "features")
    with session(master) as spark, exported(spark, plan, records, folder) as (found, data):
        return _write(plan, found, out, data, _period(begin, end), hot=hot, progress=on_progress)


def write(
    plan: Plan,
    sources: Mapping[str, ScreenedSource],
    out: str,
    *,
    begin: int | None = None,
    end: int | None = None,
    hot: int = HOT,
    progress: Progress | None = None,
) -> Header:
    """Write the table of the records with begin <= time < end as a folder of Parquet files, in order of arrival.

    Parameters
    ----------
    plan : what to compute
    sources : what ``reading.read`` found of all sources of the project, in its order; Spark keeps them no longer
    out : a new folder, or an address such as ``s3a://bank/features``
    begin, end : microseconds since 1970 UTC; without a bound where None
    hot : entities with more events than this are cut into ranges of time
    progress : told how many of how many stages are prepared
    """
    found = numbered(sources)
    try:
        data = fingerprint({source.name: found[source.name] for source in plan.sources if source.name in found})
        return _write(plan, found, out, data, _period(begin, end), hot=hot, progress=progress)
    finally:
        for source in found.values():
            source.kept.unpersist()


def table(
    plan: Plan,
    sources: Mapping[str, ScreenedSource],
    requested: Any,
    *,
    hot: int = HOT,
    progress: Progress | None = None,
) -> Any:
    """Return the table of the asked records as a frame, whose parts follow each other in order of arrival.

    Parameters
    ----------
    plan, hot, progress : as for ``write``
    sources : at least those that the plan looks at, known by their places in the one order
    requested : a condition over ``packed.COLUMNS`` of the spine's records
    """
    task = _Work(plan, sources, requested, hot)
    rows = task.spine.frame.where(requested)
    n_files = 1 + rows.count() // ROWS_OF_A_FILE
    ranges = _range(rows, n_files)
    own = packed_columns(task.spine.source, worker.of_table(plan))
    frames = [rows.select(functions().lit(SPINE).alias("place"), *own, ranges.alias("range"))]
    for place in range(len(plan.groups)):
        frames.append(_slots(task, place, ranges))
        if progress is not None:
            progress(place + 1, len(plan.groups) + 1)
    combined = functools.reduce(lambda above, below: above.unionByName(below, allowMissingColumns=True), frames)
    spread = combined.repartitionById(n_files, "range").drop("range")
    return spread.mapInArrow(functools.partial(worker.table, plan=task.text), _schema(plan))


def _write(
    plan: Plan,
    sources: Mapping[str, ScreenedSource],
    out: str,
    data: str,
    requested: Any,
    *,
    hot: int,
    progress: Progress | None,
) -> Header:
    """Write the table's files, sum up what was written, and put their header beside them."""
    frame = table(plan, sources, requested, hot=hot, progress=progress)
    spark = frame.sparkSession
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    frame.write.parquet(out)
    work = functools.partial(worker.sums, features=len(plan.names))
    rows = Rows()
    for row in spark.read.schema(_schema(plan)).parquet(out).mapInArrow(work, worker.SUMS).collect():
        rows.join(Rows(row["n"], row["first"], row["last"], int(row["checksum"])))
    header = rows.header(Origin.of(plan, data), plan.names, plan.definition.spine.id)
    put(spark, f"{out.rstrip('/')}/{COMMON}", common_bytes(header))
    if progress is not None:
        progress(len(plan.groups) + 1, len(plan.groups) + 1)
    return header


def _period(begin: int | None, end: int | None) -> Any:
    f = functions()
    requested = f.lit(True) if begin is None else f.col("time") >= begin
    return requested if end is None else requested & (f.col("time") < end)


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
        long = long_entities(rows, window_reach, task.hot, is_own=is_own)
    n_shares = max(rows.sparkSession.sparkContext.defaultParallelism, 1 + n_rows // ROWS_OF_A_TASK)
    spread = placed(rows, long, window_reach, n_shares).repartitionById(n_shares, "share").drop("share")
    computed = spread.mapInArrow(functools.partial(worker.slots, plan=task.text, place=place), SLOTS)
    return computed.withColumn("range", ranges)


def _rows(task: _Work, place: int) -> Any:
    """Return all records that a group needs: questions, events, and what is reported of these."""
    f, group = functions(), task.plan.groups[place]
    spine, stream = task.spine.source, task.sources[group.stream].source
    requested, whose, about = task.requested, entity_column(spine, group.at), f.col("time").alias("about")
    needed = of_group(task.plan, place)
    own = [f.lit(task.place(spine.name)).alias("source"), *packed_columns(spine, needed)]
    questions = task.spine.frame.select(*own, requested.alias("requested"), whose.alias("entity"), about)
    if stream.name == spine.name and group.at == group.keys:
        parts = [questions.where(f.col("requested") | f.col("entity").isNotNull())]
    else:
        theirs = [
            f.lit(task.place(stream.name)).alias("source"),
            *packed_columns(stream, needed),
            f.lit(False).alias("requested"),
        ]
        events = task.sources[stream.name].frame.select(
            *theirs, entity_column(stream, group.keys).alias("entity"), about
        )
        parts = [questions.where("requested"), events.where(f.col("entity").isNotNull())]
    watched = [task.plan.later[series.later] for series in group.series]
    parts += [_reports(task, place, by, on) for by, on in sorted({(later.by, later.on) for later in watched})]
    return functools.reduce(lambda above, below: above.unionByName(below), parts)


def _entities(task: _Work, place: int) -> Any:
    """Return the entity and the instant of every event of a group."""
    group = task.plan.groups[place]
    stream = task.sources[group.stream]
    found = stream.frame.select(entity_column(stream.source, group.keys).alias("entity"), "time", "id")
    return found.where(functions().col("entity").isNotNull())


def _reports(task: _Work, place: int, by: str, on: str) -> Any:
    """Return the records that report events of a group, each with the entity and the instant of its event."""
    f, reports = functions(), task.sources[by]
    events = _entities(task, place).withColumnsRenamed({"time": "about", "id": "reported"})
    naming = reports.frame.select(*COLUMNS, key_column(reports.source, on).alias("on")).where(f.col("on").isNotNull())
    joined = naming.join(events, f.col("on") == f.col("reported"))
    kept = packed_columns(reports.source, of_group(task.plan, place))
    own = [f.lit(task.place(by)).alias("source"), *kept, f.lit(False).alias("requested")]
    return joined.select(*own, "entity", "about")


def _schema(plan: Plan) -> Any:
    """Return the table's columns, whose names may hold anything."""
    kinds = types()
    own = zip(
        own_columns(plan.definition.spine.id, plan.names),
        (kinds.StringType(), kinds.LongType(), kinds.TimestampType()),
        strict=True,
    )
    fields = [kinds.StructField(name, kind) for name, kind in own]
    return kinds.StructType([*fields, *(kinds.StructField(name, kinds.DoubleType()) for name in plan.names)])
