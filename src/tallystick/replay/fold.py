"""The log folded again: the records it holds, up to a position, and the features they give under a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.features.batch.executor import compute
from tallystick.features.matrix import Matrix
from tallystick.features.plan import Plan
from tallystick.features.visibility import seen_by
from tallystick.log.protocol import LogReader
from tallystick.serving.catch_up import everything
from tallystick.serving.history import History

Ints = NDArray[np.int64]


def fold(log: LogReader, plan: Plan, *, until: int) -> Dataset:
    """Return history and everything the log added to it up to a position, as the plan's sources read it.

    Parameters
    ----------
    log : what was decided and recorded
    plan : says which streams are read, and how
    until : the last position, included
    """
    sources = {source.name: source for source in plan.sources}
    return everything(log, sources, History.of(log, plan.sources), until=until)


@dataclass(frozen=True, slots=True)
class Question:
    """Which record's features are asked for, and the last position they see."""

    event: int
    as_of: int


def features(plan: Plan, dataset: Dataset, questions: Sequence[Question]) -> Matrix:
    """Compute the features of some records, each as of its own position.

    Parameters
    ----------
    plan : the features
    dataset : history and log, as far as the latest of the questions sees
    questions : which records, and as of which positions
    """
    spine = dataset.records[plan.definition.spine.name]
    rows = np.searchsorted(spine.position, np.array([question.event for question in questions], np.int64))
    as_of = np.array([question.as_of for question in questions], np.int64)
    return compute(plan, dataset, rows.astype(np.int64), as_of)


def restricted(plan: Plan, dataset: Dataset, event: int) -> Dataset:
    """Return only the records that one record's features can see.

    Parameters
    ----------
    plan : the features
    dataset : history and log
    event : position of the record
    """
    spine = dataset.records[plan.definition.spine.name]
    return seen_by(plan, dataset, np.array([np.searchsorted(spine.position, event)]))
