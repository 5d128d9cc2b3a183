"""Which records go to which worker: whole entities together, and very long ones cut into ranges of time.

A range holds its own events and those before it that its windows reach: rule 3 lets no window look further, so that
this carried prefix is all that the range's rows could see. A window without an end (``latest``, as-of) reaches
everything: there the prefix is all that came before, which is carried where it is short, as the rows of a table are;
an entity with a long past of its own then stays whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tallystick.data.records import id_field, key_fields, value_fields
from tallystick.definitions.streams import Source
from tallystick.features.groups import ALL_TIME_US, Group
from tallystick.features.spark.packed import kept
from tallystick.features.spark.session import functions
from tallystick.features.spill.needed import Needed

MOST_RANGES = 64


@dataclass(frozen=True, slots=True)
class LongEntity:
    """An entity with so many events that they are cut into ranges of time.

    Parameters
    ----------
    entity : its key texts
    first : the number of its first range among all ranges of the group
    cuts : rising instants; a range ends with each, itself included, and one begins after the last
    """

    entity: list[str]
    first: int
    cuts: list[int]


def entity_column(source: Source, fields: Sequence[str]) -> Any:
    """Return the column with the texts that name a record's entity, missing where any of them is.

    Parameters
    ----------
    source : whose packed records
    fields : the key fields that name an entity together
    """
    f = functions()
    texts = [key_column(source, field) for field in fields]
    is_whole = texts[0].isNotNull()
    for text in texts[1:]:
        is_whole &= text.isNotNull()
    return f.when(is_whole, f.array(*texts))


def key_column(source: Source, field: str) -> Any:
    """Return the column with a key of packed records: the id itself, or one of ``keys``.

    Parameters
    ----------
    source : whose packed records
    field : one of its key fields, or its id
    """
    f = functions()
    return f.col("id") if field == id_field(source) else f.col("keys")[key_fields(source).index(field)]


def packed_columns(source: Source, needed: Needed) -> list[Any]:
    """Return the columns of packed records with the needed fields alone: the others need not be sent to anybody.

    Parameters
    ----------
    source : whose packed records
    needed : by source, the fields that somebody looks at
    """
    f = functions()
    keys, values = kept(source, needed)
    every_key, every_value = key_fields(source), tuple(value_fields(source))
    is_named = id_field(source) in needed.get(source.name, set())
    return [
        *("row", "arrived", "time"),
        f.col("id") if is_named else f.lit(None).cast("string").alias("id"),
        f.array(*(f.col("keys")[every_key.index(name)] for name in keys)).cast("array<string>").alias("keys"),
        f.array(*(f.col("values")[every_value.index(name)] for name in values)).cast("array<bigint>").alias("values"),
    ]


def reach(group: Group) -> int:
    """Return how far before a row its windows look, in microseconds; ``ALL_TIME_US`` where there is no end to it."""
    # Rounding an older end down lets a window look further back by less than one ``every``.
    far = [edge.offset_us + edge.every_us for edge in group.offsets]
    far += [series.delay_us + series.window_us + series.every_us for series in group.series]
    return min(max(far, default=0), ALL_TIME_US)


def long_entities(rows: Any, window_reach: int, most: int, *, is_own: bool) -> list[LongEntity]:
    """Return the entities with more than ``most`` rows and events, each cut where these are evenly divided.

    Ranges are at least as long as the windows reach: otherwise most of their work would be the prefix. Where windows
    reach everything, entities are cut that have few events and many rows that ask, such as the rows of a small table.

    Parameters
    ----------
    rows : packed records with ``entity_column``, ``requested`` and ``about``
    window_reach : how far windows look, in microseconds
    most : how many rows and events a range shall have
    is_own : the rows that ask are the events
    """
    f = functions()
    counts = f.count("*").alias("n"), f.count_if(f.lit(is_own) | ~f.col("requested")).alias("events")
    counted = rows.where(f.col("entity").isNotNull()).groupBy("entity").agg(*counts).where(f.col("n") > most)
    # Where windows reach everything, each range carries all events before it: of an entity with many of them that would
    # be more work than to leave it whole.
    found = [row for row in counted.collect() if window_reach < ALL_TIME_US or row["events"] <= most]
    if not found:
        return []
    n_ranges = min(MOST_RANGES, 1 + max(row["n"] for row in found) // most)
    shares = [i / n_ranges for i in range(1, n_ranges)]
    names = rows.sparkSession.createDataFrame([(row["entity"],) for row in found], "entity array<string>")
    divided = rows.join(f.broadcast(names), "entity").groupBy("entity")
    made: list[LongEntity] = []
    # Approximately is enough: where an entity is cut decides who computes it, never what.
    for row in divided.agg(f.percentile_approx("about", shares, 10_000).alias("cuts")).collect():
        cuts = _apart(row["cuts"], 0 if window_reach >= ALL_TIME_US else window_reach)
        if cuts:
            made.append(LongEntity(list(row["entity"]), 1 + sum(len(each.cuts) + 1 for each in made), cuts))
    return made


def placed(rows: Any, long: Sequence[LongEntity], window_reach: int, n_shares: int) -> Any:
    """Return records with their ``part`` and ``share``; one that several ranges need stands in each.

    Parameters
    ----------
    rows : packed records with ``entity_column``, ``requested``, and ``about``: the instant of the event they are about
    long : the entities that are cut
    window_reach : how far windows look, in microseconds
    n_shares : over how many workers' tasks they are spread
    """
    f = functions()
    rows = _ranged(rows, long, window_reach) if long else rows.withColumn("part", f.lit(0))
    # Rows without an entity would all fall to one worker. Ranges of one entity are spread as if they were several.
    mixed = f.when(f.col("entity").isNull(), f.xxhash64("row")).otherwise(f.xxhash64("entity", "part"))
    return rows.withColumn("share", f.pmod(mixed, f.lit(n_shares)).cast("int")).drop("entity", "about")


def _apart(cuts: Sequence[int], window_reach: int) -> list[int]:
    chosen: list[int] = []
    for each in cuts:
        # A shorter range would be mostly prefix, and its events stand in many ranges.
        if not chosen or each - chosen[-1] > window_reach:
            chosen.append(each)
    return chosen


def _ranged(rows: Any, long: Sequence[LongEntity], window_reach: int) -> Any:
    f = functions()
    plain = [(each.entity, each.first, each.cuts) for each in long]
    kinds = "entity array<string>, first int, cuts array<bigint>"
    known = rows.sparkSession.createDataFrame(plain, kinds)

    def range_of(instant: Any) -> Any:
        return f.size(f.filter("cuts", lambda cut: cut < instant))

    about, is_long = f.col("about"), f.col("first").isNotNull()
    # An event is seen by rows from its own instant until ``reached`` later, and stands in all their ranges. A report
    # goes where the event stands that it is about.
    needed = f.when(is_long, f.sequence(range_of(about), range_of(about + window_reach))).otherwise(f.array(f.lit(0)))
    spread = rows.join(f.broadcast(known), "entity", "left").withColumn("range", f.explode(needed))
    # A row is asked in its own range; in later ones it is only an event that their windows reach.
    requested = f.col("requested") & (~is_long | (f.col("range") == range_of(about)))
    part = f.when(is_long, f.col("first") + f.col("range")).otherwise(0)
    return spread.withColumn("requested", requested).withColumn("part", part).drop("first", "cuts", "range")
