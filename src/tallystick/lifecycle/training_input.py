"""What is trained from: a feature table, the facts of its rows, and the records that checks look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.progress import Step, named_step
from tallystick.features import table_file
from tallystick.features.batch.executor import compute
from tallystick.features.table import FeatureTable, Origin
from tallystick.lifecycle.datasets import Datasets
from tallystick.training.facts import RowFacts
from tallystick.validation.records import AllRecords, SomeRecords


@contextmanager
def training_input(
    datasets: Datasets, model: ModelDefinition, features: Path | None, memory: int | None, step: Step | None
) -> Iterator[tuple[FeatureTable, RowFacts, AllRecords | SomeRecords]]:
    """Open what is trained from; who computes the table has all records in memory, who reads one need not.

    Parameters
    ----------
    datasets : the project's records
    model : what is trained
    features : a feature table that was written before; computed here if None
    memory : with a table, how many bytes the reading of records may take beside it; all at once if None
    step : called with how far it is

    Raises
    ------
    TableOfOtherPlan, TableOfOtherData
        If the table is of other features, or of other records.
    """
    plan = datasets.workspace.plan(model)
    if features is not None:
        made_by = table_file.read_header(features).origin
        made_by.require(Origin.of(plan, made_by.data))  # before any record is read
    if features is not None and memory is not None:
        table = table_file.read(features)
        with datasets.pieces(model.name, memory=memory, step=step) as records:
            with records.pieces() as pieces:
                facts = RowFacts.read(model, plan, table, pieces)
            yield table, facts, SomeRecords(model, plan, table, records)
        return
    dataset = datasets.dataset(step, model=model.name)
    if features is None:
        table = compute(plan, dataset, threads=2, progress=named_step(step, "features"))
    else:
        made_by.require(Origin.of(plan, dataset.fingerprint))
        table = table_file.read(features)
    yield table, RowFacts.of(model, plan, table, dataset), AllRecords(dataset)
