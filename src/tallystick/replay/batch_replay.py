"""Several decisions made again with one fold of the log for each bundle that decided."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tallystick.data.merge import concat, from_parsed
from tallystick.data.records import Dataset, Records
from tallystick.definitions.progress import Progress
from tallystick.errors import EntityTooLong, FeatureOverflow, HistoryAltered, HistoryMissing, SegmentDamaged
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.log.entry import Entry
from tallystick.replay.archive import Archive
from tallystick.replay.fold import Question, features, fold, restricted
from tallystick.replay.reexecution import Case, Vector, reexecute, reopen
from tallystick.replay.verdict import Verdict
from tallystick.serving.history import record_at


def replay_entries(
    archive: Archive, entries: Sequence[Entry], *, plan: Plan | None = None, progress: Progress | None = None
) -> list[Verdict]:
    """Replay some decisions; each verdict stands in its entry's place.

    Parameters
    ----------
    archive : what was kept
    entries : decisions about one stream
    plan : features to compute instead of the bundle's own: the project's definitions as they are today
    progress : told how many of how many decisions are done
    """
    opened = [reopen(archive, entry) for entry in entries]
    cases = [case for case in opened if isinstance(case, Case)]
    verdicts = {case.position: case for case in opened if isinstance(case, Verdict)}
    for digest in dict.fromkeys(case.decision.bundle for case in cases):
        for verdict in _of_one_bundle(archive, [c for c in cases if c.decision.bundle == digest], plan):
            verdicts[verdict.position] = verdict
            if progress is not None:
                progress(len(verdicts), len(entries))
    return [verdicts[entry.position] for entry in entries]


def _of_one_bundle(archive: Archive, cases: Sequence[Case], plan: Plan | None) -> list[Verdict]:
    plan = plan or cases[0].bundle.plan
    try:
        dataset = fold(archive.log, plan, until=max(case.decision.as_of for case in cases))
    except (HistoryMissing, HistoryAltered, SegmentDamaged) as error:
        return [_without_history(case, str(error)) for case in cases]
    seen = [case for case in cases if _row(dataset, plan, case) is not None]
    vectors = dict(zip([case.entry.position for case in seen], _vectors(plan, dataset, seen), strict=True))
    return [reexecute(case, vectors.get(case.entry.position) or _unheld(plan, dataset, case)) for case in cases]


def _vectors(plan: Plan, dataset: Dataset, cases: Sequence[Case]) -> list[Vector]:
    if not cases:
        return []
    questions = [Question(case.decision.event or 0, case.decision.as_of) for case in cases]
    part = restricted(plan, dataset, questions[0].event) if len(cases) == 1 else dataset
    matrix = features(plan, part, questions)
    spine = dataset.records[plan.definition.spine.name]
    rows = [_row(dataset, plan, case) for case in cases]
    return [
        Vector(matrix.names, values, record_at(spine, row or 0))
        for values, row in zip(matrix.values.tolist(), rows, strict=True)
    ]


def _unheld(plan: Plan, dataset: Dataset, case: Case) -> Vector:
    """Offer the state, as it was then, the record that it refused then."""
    if case.decision.event is not None:
        return Vector(plan.names, None, None)
    seen = {name: _until(records, case.decision.as_of) for name, records in dataset.records.items()}
    spine = plan.definition.spine
    with_it = concat(
        Dataset(seen, "", case.decision.as_of), {spine.name: from_parsed(spine, [(case.entry.position, case.record)])}
    )
    part = restricted(plan, with_it, case.entry.position)
    before = {name: _until(records, case.decision.as_of) for name, records in part.records.items()}
    with TemporaryDirectory(prefix="tallystick-replay-") as folder:
        online = Online(plan, LmdbStore(Path(folder) / "state"))
        try:
            online.rebuild(Dataset(before, "", case.decision.as_of))
            with online.transaction() as state:
                state.append(case.record, case.entry.position)
                return Vector(plan.names, state.vector(case.record, case.entry.position), None)
        except (FeatureOverflow, EntityTooLong):
            return Vector(plan.names, None, None)
        finally:
            online.close()


def _row(dataset: Dataset, plan: Plan, case: Case) -> int | None:
    """Return the row of the decision's event, or None where nothing stands at its position."""
    position = dataset.records[plan.definition.spine.name].position
    if case.decision.event is None:
        return None
    row = int(np.searchsorted(position, case.decision.event))
    return row if row < len(position) and int(position[row]) == case.decision.event else None


def _until(records: Records, position: int) -> Records:
    return records.taken(np.flatnonzero(records.position <= position))


def _without_history(case: Case, reason: str) -> Verdict:
    decision = case.decision
    return Verdict(case.entry.id, case.entry.position, decision.at, decision.bundle, decision.action, "record", reason)
