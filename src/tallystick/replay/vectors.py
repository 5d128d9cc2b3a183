"""The features of decisions computed anew: many from one fold of the log, or one from the records it alone can see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tallystick.data.records import Dataset
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.features.table import FeatureTable
from tallystick.journal.history import record_at
from tallystick.replay.archive import Archive
from tallystick.replay.case import Case
from tallystick.replay.reexecution import Vector
from tallystick.replay.refused import refused


@dataclass(frozen=True, slots=True)
class Question:
    """Which record's features are asked for, by its position, and the last position they see."""

    event: int
    as_of: int


def features(plan: Plan, dataset: Dataset, questions: Sequence[Question]) -> FeatureTable:
    """Compute the features of some records, each as of its own position.

    Parameters
    ----------
    plan : whose features
    dataset : all records
    questions : about records that are in it
    """
    spine = dataset.records[plan.definition.spine.name]
    rows = np.searchsorted(spine.position, np.array([question.event for question in questions], np.int64))
    as_of = np.array([question.as_of for question in questions], np.int64)
    return compute(plan, dataset, rows.astype(np.int64), as_of)


def row_at(plan: Plan, dataset: Dataset, position: int | None) -> int | None:
    """Return the row of the spine's record at a position, or None where the plan's contract reads none there.

    Parameters
    ----------
    plan : whose spine
    dataset : with its records
    position : of an event; None where the state refused it
    """
    positions = dataset.records[plan.definition.spine.name].position
    row = 0 if position is None else int(np.searchsorted(positions, position))
    return row if row < len(positions) and int(positions[row]) == position else None


def vectors(archive: Archive, plan: Plan, dataset: Dataset, cases: Sequence[Case]) -> list[Vector]:
    """Compute the features of some decisions at once.

    Parameters
    ----------
    archive : what was kept
    plan : whose features
    dataset : the log folded as far as the last of them saw
    cases : the decisions; the vectors are in their order
    """
    rows = [row_at(plan, dataset, case.decision.event) for case in cases]
    visible = [case for case, row in zip(cases, rows, strict=True) if row is not None]
    questions = [Question(case.decision.event or 0, case.decision.as_of) for case in visible]
    found = iter(features(plan, dataset, questions).values.tolist() if questions else [])
    spine = dataset.records[plan.definition.spine.name]
    return [
        _unseen(archive, plan, case) if row is None else Vector(plan.names, next(found), record_at(spine, row))
        for case, row in zip(cases, rows, strict=True)
    ]


def vector(archive: Archive, plan: Plan, case: Case) -> Vector:
    """Compute the features of one decision from the records of its own entities, found by an index.

    Parameters
    ----------
    archive : what was kept
    plan : whose features
    case : the decision
    """
    event, as_of = case.decision.event, case.decision.as_of
    index = archive.entities(plan, until=as_of)
    record = None if event is None else index.record(event)
    if event is None or record is None:
        return _unseen(archive, plan, case)
    seen, row = index.seen_by(record, event, as_of)
    return Vector(plan.names, compute(plan, seen, np.array([row]), np.array([as_of])).values[0].tolist(), record)


def _unseen(archive: Archive, plan: Plan, case: Case) -> Vector:
    """Return the features of a decision whose event is not there: the state refused it, or the plan cannot read it."""
    values = refused(archive, plan, case) if case.decision.event is None else None
    return Vector(plan.names, values, None)
