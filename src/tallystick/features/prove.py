"""Proof on a user's own records: every executor computes the same features, and every bit is compared."""

import functools
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records
from tallystick.definitions.progress import Step
from tallystick.features.batch import executor as batch
from tallystick.features.online.arrivals import arrivals
from tallystick.features.online.executor import Online
from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle.inputs import concerned, from_dataset
from tallystick.features.plan import Plan
from tallystick.features.spark import proving
from tallystick.features.sql import duck
from tallystick.features.state.lmdb import LmdbStore
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Row, Table
from tallystick.reporting.text import Text

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REFERENCE = "batch"
OPTIONAL = ("duckdb",)
ORACLE_ROWS = 300  # it looks at every record of an entity for every row
COMMIT_EVERY = 500
_PROVEN = (Column("feature"), Column("executors"), Column("rows", "count"), Column("mismatches", "count"))


@dataclass(frozen=True, slots=True)
class Executor:
    """A way to compute features that claims to give batch's bits.

    Parameters
    ----------
    name : what a reader of the proof calls it
    compute : returns the features of some rows, in rising order, each as on its arrival, shape (n, k)
    most_rows : how many rows it can be asked about in a bearable time
    """

    name: str
    compute: Callable[[Plan, Dataset, Ints], Floats]
    most_rows: int | None = None


class FirstDifference(msgspec.Struct, frozen=True):
    """The first row in which an executor has other bits: whose, and both values; missing is None."""

    executor: str
    record: str
    position: int
    reference: float | None
    found: float | None


class FeatureParity(msgspec.Struct, frozen=True):
    """One feature: by executor, how many rows differ from batch; and where the first is."""

    feature: str
    mismatches: dict[str, int]
    first: FirstDifference | None

    @property
    def n_mismatches(self) -> int:
        """How many values differ, all executors together."""
        return sum(self.mismatches.values())


class ParityProof(Displayed, msgspec.Struct, frozen=True):
    """What was compared, and what differs.

    Parameters
    ----------
    n_rows : by executor, how many rows it computed; the first is the one all others are held to
    missing : executors whose library is not installed
    features : in the order declared
    """

    n_rows: dict[str, int]
    missing: tuple[str, ...]
    features: tuple[FeatureParity, ...]

    @property
    def is_identical(self) -> bool:
        """Whether no bit differs."""
        return all(not feature.n_mismatches for feature in self.features)

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {"identical": self.is_identical} | plain

    def report(self) -> Report:
        """Return a row for each feature, where each first differs, and who could not be asked."""
        most = self.n_rows[REFERENCE]
        executors = ", ".join(name if n == most else f"{name} ({n:,} rows)" for name, n in self.n_rows.items())
        rows = [
            Row((each.feature, executors, most, each.n_mismatches), "fail" if each.n_mismatches else "plain")
            for each in self.features
        ]
        first = [Text.of(_difference(each.feature, each.first)) for each in self.features if each.first is not None]
        missing = [
            Text.of(f"{name} is not installed; pip install 'tallystick[sql]' compares with it too.")
            for name in self.missing
        ]
        table = Section("", (Table.of(_PROVEN, rows), *first))
        return Report("Proof, bit for bit", (table, *([Section("", tuple(missing))] if missing else [])))


def prove(
    plan: Plan,
    dataset: Dataset,
    n_rows: int = 10_000,
    *,
    executors: Sequence[Executor] | None = None,
    step: Step | None = None,
) -> ParityProof:
    """Compute the last rows' features with every executor, and compare all bits with batch's.

    Parameters
    ----------
    plan : the features
    dataset : the user's records
    n_rows : how many of the last records of the spine are computed, with all that their entities ever did
    executors : which to hold to batch; by default all that are installed
    step : told which executor runs, and how many have run

    Returns
    -------
    Proof
        Per feature and executor the number of rows that differ; two missing values are equal.
    """
    near, rows = _near(plan, dataset, n_rows)
    chosen = available_executors() if executors is None else executors
    on_progress = step or (lambda _name, _done, _total: None)
    on_progress(REFERENCE, 0, 1)
    reference = batch.compute(plan, near, rows).values
    on_progress(REFERENCE, 1, 1)
    found = {}
    for executor in chosen:
        on_progress(executor.name, 0, 1)
        places = _sample(len(rows), executor.most_rows)
        found[executor.name] = places, executor.compute(plan, near, rows[places])
        on_progress(executor.name, 1, 1)
    spine = near.records[plan.definition.spine.name].taken(rows)
    features = [_compared(name, i, reference, found, spine) for i, name in enumerate(plan.names)]
    counts = {REFERENCE: len(rows)} | {name: len(places) for name, (places, _) in found.items()}
    return ParityProof(counts, tuple(name for name in OPTIONAL if name not in counts), tuple(features))


def available_executors() -> tuple[Executor, ...]:
    """Return the executors that can be held to batch on this machine."""
    here = [Executor("online", _online), Executor("oracle", _oracle, ORACLE_ROWS)]
    if importlib.util.find_spec("duckdb") is not None:
        here.append(Executor("duckdb", _sql))
    return tuple(here)


def with_spark(master: str) -> tuple[Executor, ...]:
    """Return these and Spark, at a master such as ``local[2]``; it starts slowly, so only who names one has it."""
    return *available_executors(), Executor("spark", functools.partial(proving.compute, master=master))


def _near(plan: Plan, dataset: Dataset, n_rows: int) -> tuple[Dataset, Ints]:
    """Return the last rows with all that concerns them, and where they stand in that."""
    spine = dataset.records[plan.definition.spine.name]
    last = np.arange(max(0, len(spine) - n_rows), len(spine), dtype=np.int64)
    kept = concerned(plan.definition, dataset, last)
    needed = {source.name for source in plan.sources}
    records = {name: each for name, each in dataset.records.items() if name in needed}
    records |= {name: dataset.records[name].taken(places) for name, places in kept.items()}
    near = Dataset(records, dataset.fingerprint, dataset.last_position)
    return near, np.searchsorted(kept[spine.source.name], last).astype(np.int64)


def _sample(n: int, most: int | None) -> Ints:
    """Return all places, or the most there may be, evenly spread; the last is always among them."""
    if most is None or n <= most:
        return np.arange(n, dtype=np.int64)
    return np.linspace(0, n - 1, most).astype(np.int64)


def _online(plan: Plan, dataset: Dataset, rows: Ints) -> Floats:
    """Load what came before the first row at once, as a start of the server does; then take record by record."""
    spine = dataset.records[plan.definition.spine.name]
    wanted = spine.position[rows]
    first = int(wanted[0]) if len(rows) else dataset.last_position + 1
    cuts = {name: int(np.searchsorted(each.position, first)) for name, each in dataset.records.items()}
    before = {name: each.taken(np.arange(cuts[name])) for name, each in dataset.records.items()}
    after = {name: each.taken(np.arange(cuts[name], len(each))) for name, each in dataset.records.items()}
    with TemporaryDirectory() as folder:
        online = Online(plan, LmdbStore(Path(folder)))
        try:
            online.rebuild(Dataset(before, "", first - 1))
            return _served(online, Dataset(after, "", dataset.last_position), set(wanted.tolist()))
        finally:
            online.close()


def _served(online: Online, dataset: Dataset, wanted: set[int]) -> Floats:
    vectors, arriving = [], list(arrivals(dataset))
    for start in range(0, len(arriving), COMMIT_EVERY):
        with online.transaction() as state:
            for position, record in arriving[start : start + COMMIT_EVERY]:
                state.append(record, position)
                if position in wanted:
                    vectors.append(state.vector(record, position))
            state.commit(position)
    return np.array(vectors, dtype=np.float64).reshape(-1, len(online.plan.names))


def _oracle(plan: Plan, dataset: Dataset, rows: Ints) -> Floats:
    streams, places = from_dataset(plan.definition, dataset, rows)
    vectors = oracle.compute(plan.definition, plan.streams, streams, places)
    return np.array(vectors, dtype=np.float64).reshape(-1, len(plan.names))


def _sql(plan: Plan, dataset: Dataset, rows: Ints) -> Floats:
    return duck.compute(plan, dataset, rows).values


def _compared(
    feature: str, column: int, reference: Floats, found: Mapping[str, tuple[Ints, Floats]], spine: Records
) -> FeatureParity:
    mismatches, first = {}, None
    for executor, (places, values) in found.items():
        wrong = np.flatnonzero(_differs(reference[places, column], values[:, column]))
        mismatches[executor] = len(wrong)
        if len(wrong) and first is None:
            place = int(places[wrong[0]])
            pair = _shown(reference[place, column]), _shown(values[wrong[0], column])
            first = FirstDifference(executor, spine.ids[place].as_py(), int(spine.position[place]), *pair)
    return FeatureParity(feature, mismatches, first)


def _differs(expected: Floats, found: Floats) -> NDArray[np.bool_]:
    """Return where the bits differ; a missing value has no bits that matter."""
    bits, others = (np.ascontiguousarray(column).view(np.int64) for column in (expected, found))
    differs: NDArray[np.bool_] = (bits != others) & ~(np.isnan(expected) & np.isnan(found))
    return differs


def _difference(feature: str, first: FirstDifference) -> str:
    """Say where a feature differs first."""
    found, reference = ("missing" if value is None else repr(value) for value in (first.found, first.reference))
    return f"{feature} of {first.record}: {first.executor} has {found} and batch has {reference}."


def _shown(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
