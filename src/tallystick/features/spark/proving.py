"""Records that are in memory already, given to Spark: what a proof compares with the other executors."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records
from tallystick.features.engine_names import LOCAL
from tallystick.features.plan import Plan
from tallystick.features.spark import executor
from tallystick.features.spark.packed import packed
from tallystick.features.spark.reading import ScreenedSource
from tallystick.features.spark.session import functions, session

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def compute(plan: Plan, dataset: Dataset, rows: Ints, *, master: str = LOCAL, hot: int = executor.HOT) -> Floats:
    """Compute the features of some records with Spark, each as on its arrival.

    Records are sent from this process and features come back to it, so that workers need no place that all see.

    Parameters
    ----------
    plan, dataset : as ``batch.compute`` takes them
    rows : shape (n,), rising places among the spine's records
    master : such as ``local[2]`` or ``spark://host:7077``
    hot : entities with more events than this are cut into ranges of time

    Returns
    -------
    Shape (n, k).
    """
    spine = dataset.records[plan.definition.spine.name]
    if not len(rows):
        return np.empty((0, len(plan.names)))
    with session(master) as spark:
        sources = {name: _screened(spark, records) for name, records in dataset.records.items()}
        try:
            requested = functions().col("row") >= int(spine.position[rows[0]])
            found = executor.table(plan, sources, requested, hot=hot).toArrow()
        finally:
            for source in sources.values():
                source.kept.unpersist()
    columns = [found.column(name).combine_chunks() for name in plan.names]
    values = np.column_stack([column.fill_null(np.nan).to_numpy() for column in columns])
    return np.ascontiguousarray(values[rows - rows[0]])


def _screened(spark: Any, records: Records) -> ScreenedSource:
    """Return records as if they had been read; they are known, and arrived, by their position."""
    columns = packed(records, records.position) | {"arrived": pa.array(records.position)}
    frame = spark.createDataFrame(pa.table(columns)).persist()
    return ScreenedSource(records.source, frame, len(records), 0, {}, None, frame)
