"""The log folded again: the records it holds, up to a position, and the features they give under a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records
from tallystick.features.batch import compute
from tallystick.features.matrix import Matrix
from tallystick.features.plan import Plan
from tallystick.log.reader import LogReader
from tallystick.serving.catch_up import everything
from tallystick.serving.history import History

Ints = NDArray[np.int64]


def fold(log: LogReader, plan: Plan, *, until: int) -> Dataset:
    """Return history and everything the log added to it up to a position, as the plan's sources read it."""
    sources = {source.name: source for source in plan.sources}
    return everything(log, sources, History.of(log, plan.sources), until=until)


@dataclass(frozen=True, slots=True)
class Question:
    """Which record's features are asked for, and the last position they see."""

    event: int
    as_of: int


def features(plan: Plan, dataset: Dataset, questions: Sequence[Question]) -> Matrix:
    """Compute the features of some records, each as of its own position."""
    spine = dataset.records[plan.definition.spine.name]
    rows = np.searchsorted(spine.seq, np.array([question.event for question in questions], np.int64))
    as_of = np.array([question.as_of for question in questions], np.int64)
    return compute(plan, dataset, rows.astype(np.int64), as_of)


def restricted(plan: Plan, dataset: Dataset, event: int) -> Dataset:
    """Return only the records that one record's features can see: those of its own entities, and their reports."""
    spine = dataset.records[plan.definition.spine.name]
    row = int(np.searchsorted(spine.seq, event))
    kept = spine.taken(_related(plan, spine, row))
    reports = {
        name: found.taken(np.flatnonzero(_names_one_of(kept, found, plan)))
        for name, found in dataset.records.items()
        if name != spine.source.name
    }
    return Dataset(reports | {spine.source.name: kept}, dataset.fingerprint, dataset.last_seq)


def _related(plan: Plan, spine: Records, row: int) -> Ints:
    related = np.zeros(len(spine), np.bool_)
    related[row] = True
    for group in plan.groups:
        if group.key in spine.keys:
            codes = spine.keys[group.key].codes
            related |= (codes == codes[row]) & (codes >= 0)
    return np.flatnonzero(related)


def _names_one_of(kept: Records, reports: Records, plan: Plan) -> NDArray[np.bool_]:
    """Return which reports name one of the kept records, by any of the plan's flags."""
    names_one = np.zeros(len(reports), np.bool_)
    for flag in plan.flags:
        if flag.by == reports.source.name:
            named = reports.ids
            if flag.on in reports.keys:
                keys = reports.keys[flag.on]
                named = keys.names.take(pa.array(keys.codes, mask=keys.codes < 0))
            names_one |= pc.is_in(named, value_set=kept.ids).to_numpy(zero_copy_only=False)
    return names_one
