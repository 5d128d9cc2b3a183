"""The one order over all records, and the fingerprint of what was read, within Spark: the same as on one machine.

Both need every record of the project once: a sort of all by when they arrived, and a digest of each block of places, of
which only the digests come to the driver.
"""

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from tallystick.data.fingerprint import BLOCK, of_blocks, total
from tallystick.features.spark import worker
from tallystick.features.spark.packed import COLUMNS
from tallystick.features.spark.reading import ScreenedSource
from tallystick.features.spark.session import functions

ROWS_OF_A_TASK = 500_000
_PART_BITS = 33  # Spark's rising ids have the number of the part above so many bits, and the row's place in it below


def numbered(found: Mapping[str, ScreenedSource]) -> dict[str, ScreenedSource]:
    """Return records that are known, and arrived, by their place in the one order, as ``data.numbering`` gives it.

    Parameters
    ----------
    found : all sources of the project that can be read, in its order
    """
    f = functions()
    everything = _united(found)
    spread = everything.repartitionByRange(_n_tasks(found, everything), "arrived", "place", "row")
    # Kept, so that nothing is sorted and counted a second time, when the parts might end elsewhere.
    kept = spread.sortWithinPartitions("arrived", "place", "row").withColumn("at", f.monotonically_increasing_id())
    kept = kept.withColumn("part", f.shiftright("at", _PART_BITS)).persist()
    starts, last = [], 0
    for row in sorted(kept.groupBy("part").count().collect(), key=lambda row: row["part"]):
        starts.append((row["part"], last + 1 - (row["part"] << _PART_BITS)))
        last += row["count"]
    begins = kept.sparkSession.createDataFrame(starts, "part long, start long")
    place = (f.col("at") + f.col("start")).alias("row")
    placed = kept.join(f.broadcast(begins), "part").select("place", place, "time", "id", "keys", "values")
    placed = placed.withColumn("arrived", f.col("row"))
    for source in found.values():
        source.kept.unpersist()
    return {
        name: replace(source, frame=placed.where(f.col("place") == number).select(*COLUMNS), kept=kept)
        for number, (name, source) in enumerate(found.items())
    }


def fingerprint(found: Mapping[str, ScreenedSource]) -> str:
    """Return the fingerprint of numbered records, as ``data.fingerprint`` tells it.

    Parameters
    ----------
    found : the sources that count, with their places as ``row``
    """
    f = functions()
    everything = _united(found).withColumn("block", f.expr(f"row div {BLOCK}"))
    spread = everything.repartition(_n_tasks(found, everything), "place", "block")
    sources = msgspec.json.encode([each.source for each in found.values()])
    digests = spread.mapInArrow(functools.partial(worker.blocks, sources=sources), worker.BLOCKS).collect()
    made = {}
    for number, (name, each) in enumerate(found.items()):
        own = [row for row in digests if row["place"] == number]
        made[name] = of_blocks(each.source, sum(row["n"] for row in own), {row["block"]: row["digest"] for row in own})
    return total(made)


def _united(found: Mapping[str, ScreenedSource]) -> Any:
    f = functions()
    frames = [each.frame.select(f.lit(number).alias("place"), *COLUMNS) for number, each in enumerate(found.values())]
    return functools.reduce(lambda above, below: above.unionByName(below), frames)


def _n_tasks(found: Mapping[str, ScreenedSource], frame: Any) -> int:
    n_rows = sum(each.n_rows for each in found.values())
    return max(int(frame.sparkSession.sparkContext.defaultParallelism), 1 + n_rows // ROWS_OF_A_TASK)
