"""The executors that make a whole table, by the names under which a user asks for them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.errors import EngineUnknown
from tallystick.features.batch import executor as batch
from tallystick.features.engine_names import ENGINES
from tallystick.features.plan import Plan
from tallystick.features.sql import duck
from tallystick.features.table import FeatureTable


def compute(
    engine: str,
    plan: Plan,
    dataset: Dataset,
    rows: NDArray[np.int64] | None = None,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureTable:
    """Compute the features of records with one of the engines; which one changes no bit.

    Parameters
    ----------
    engine : one of ENGINES
    plan, dataset, rows, threads : as the executors take them
    progress : told how many of how many pieces of work are done

    Raises
    ------
    EngineUnknown
        If there is no such engine.
    """
    if engine not in ENGINES:
        raise EngineUnknown(engine, known=ENGINES)
    if engine == "batch":
        return batch.compute(plan, dataset, rows, threads=threads, progress=progress)
    made = duck.compute(plan, dataset, rows, threads=threads)
    if progress is not None:
        progress(1, 1)
    return made
