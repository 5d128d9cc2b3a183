"""Reading with Spark: each source's files become screened records, and refused rows a quarantine."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from tallystick.data.quarantine import free_name
from tallystick.data.records import id_field
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Step
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.errors import TooManyRefused
from tallystick.features.spark import screening
from tallystick.features.spark.opening import ROWS_OF_A_FILE, RawRows, open_raw
from tallystick.features.spark.packed import COLUMNS
from tallystick.features.spark.screening import KNOWN, ROW, SCREENED
from tallystick.features.spark.session import functions


@dataclass(frozen=True, slots=True)
class ScreenedSource:
    """The accepted records of one source, where Spark keeps them.

    Parameters
    ----------
    source : the definition they obey
    frame : one row per record: as ``packed.COLUMNS`` says
    n_rows, n_refused : how many rows were read, and how many of them refused
    reasons : how often each reason was given, most often first
    quarantine : the folder with the refused rows, if there are any
    kept : what Spark keeps of them until it is told that they are done with
    """

    source: Source
    frame: Any
    n_rows: int
    n_refused: int
    reasons: dict[str, int]
    quarantine: str | None
    kept: Any


def read(
    spark: Any,
    sources: Sequence[Source],
    flags: Iterable[Flagged],
    root: Path,
    *,
    now: int,
    max_refused_share: float = 0.05,
    quarantine: str | None = None,
    progress: Step | None = None,
) -> dict[str, ScreenedSource]:
    """Read the history of some streams and tables, each by the same rules as ``data.read``.

    Parameters
    ----------
    spark : a session
    sources : in the project's order
    flags : the flags of the project; they say when a table's outcomes become known
    root : the project's folder; a source that is no address (``s3a://...``, ``hdfs://...``) lies within it
    now : the present instant, microseconds since 1970 UTC
    max_refused_share : how many rows of a source may be refused, 0 to 1
    quarantine : the folder or address under which refused rows are written; None writes none
    progress : told of each source when it has been read

    Raises
    ------
    ColumnMissing, ColumnUnusable, EngineUnfit, SourceMissing, SourceUnreadable
        If files or columns are not what the project declares, or Spark does not read their kind.
    TooManyRefused
        If more rows than the share were refused; their quarantine is written all the same.
    """
    found: dict[str, ScreenedSource] = {}
    waits = [source for source in sources if isinstance(source, TableDefinition)]
    for source in [*(s for s in sources if s not in waits), *waits]:
        files = open_raw(spark, source, root)
        if source in waits:
            files = replace(files, rows=_dated(files.rows, source, flags, found))
        found[source.name] = _screened(files, source, now, quarantine)
        _hold(found[source.name], max_refused_share)
        if progress is not None:
            progress("read", len(found), len(sources))
    return {source.name: found[source.name] for source in sources}


def _dated(rows: Any, table: Source, flags: Iterable[Flagged], found: Mapping[str, ScreenedSource]) -> Any:
    """Add when each outcome became known: its event's time and the delay of its flag, the first where several are."""
    f = functions()
    delays: dict[str, int] = {}
    for flag in flags:
        if flag.by == table.name and flag.known_after_us is not None and flag.stream in found:
            delays[flag.stream] = min(flag.known_after_us, delays.get(flag.stream, flag.known_after_us))
    key = f.col(f"r{list(table.fields).index(id_field(table))}").cast("string")
    instants = []
    for i, (stream, after) in enumerate(delays.items()):
        events = found[stream].frame.select(f.col("id").alias(f"e{i}"), (f.col("time") + after).alias(f"t{i}"))
        rows = rows.join(events, key == f.col(f"e{i}"), "left")
        instants.append(f.col(f"t{i}"))
    known = f.least(*instants) if len(instants) > 1 else instants[0] if instants else f.lit(None).cast("long")
    return rows.select(*(f"r{i}" for i in range(len(table.fields))), ROW, known.alias(KNOWN))


def _screened(files: RawRows, source: Source, now: int, quarantine: str | None) -> ScreenedSource:
    f, plain = functions(), msgspec.json.encode(source)
    work = functools.partial(screening.screened, source=plain, now=now, origin=source.source)
    judged = files.rows.mapInArrow(work, SCREENED).persist()
    fine = judged.where(f.col("codes").isNull()).select(*COLUMNS)
    refused = judged.where(f.col("codes").isNotNull())
    by_id = fine.groupBy("id").agg(f.count("*").alias("n"), f.min("row").alias("first"))
    (total,) = by_id.agg(f.count_if(f.col("n") > 1).alias("several"), f.sum("n").alias("n")).collect()
    if total["several"]:
        first = f.broadcast(by_id.where(f.col("n") > 1).select("id", "first"))
        joined = fine.join(first, "id", "left")
        is_first = f.col("first").isNull() | (f.col("row") == f.col("first"))
        late = joined.where(~is_first).select(f.col("row").alias(ROW))
        find_duplicates = functools.partial(screening.duplicates, source=plain)
        refused = refused.union(
            files.rows.join(f.broadcast(late), ROW, "left_semi").mapInArrow(find_duplicates, SCREENED)
        )
        fine = joined.where(is_first).select(*COLUMNS)
    counts = refused.groupBy("codes").count().collect()
    n_refused = sum(row["count"] for row in counts)
    n_twice = n_refused - judged.where(f.col("codes").isNotNull()).count() if total["several"] else 0
    place = None
    if n_refused and quarantine is not None:
        place = f"{quarantine.rstrip('/')}/{quote(source.name, safe='')}-spark"
        _write_refused(refused, files, source, place)
    n_rows = (total["n"] or 0) - n_twice + n_refused
    return ScreenedSource(source, fine, n_rows, n_refused, _by_reason(counts), place, judged)


def _by_reason(counts: Iterable[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in counts:
        for code in row["codes"]:
            found[code] = found.get(code, 0) + row["count"]
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _write_refused(refused: Any, files: RawRows, source: Source, place: str) -> None:
    """Write the refused rows as ``data.quarantine`` does, one file of them per task."""
    f, own = functions(), ["file", "row", "reasons"]
    texts = [f.col("found")[i].alias(free_name(name, own)) for i, name in enumerate(source.fields)]
    row = f.col("row") % ROWS_OF_A_FILE
    located = refused.join(f.broadcast(files.files), f.col("row") - row == f.col("n"), "left").withColumn("row", row)
    located.select(*own, *texts).write.mode("overwrite").parquet(place)


def _hold(found: ScreenedSource, max_share: float) -> None:
    if found.n_refused > max_share * found.n_rows:
        raise TooManyRefused(
            found.source.name,
            n_refused=found.n_refused,
            n_rows=found.n_rows,
            max_share=max_share,
            reasons=found.reasons,
            quarantine=found.quarantine,
        )
