"""Several decisions made again with one fold of the log for each bundle that decided."""

from collections.abc import Sequence

from tallystick.definitions.progress import Progress
from tallystick.errors import HistoryAltered, HistoryMissing, SegmentDamaged
from tallystick.features.plan import Plan
from tallystick.journal.records import records
from tallystick.log.entry import Entry
from tallystick.replay.archive import Archive
from tallystick.replay.case import Case, reopen
from tallystick.replay.reexecution import reexecute
from tallystick.replay.vectors import vectors
from tallystick.replay.verdict import Differs, Verdict, verdict

HISTORY_GONE = (HistoryMissing, HistoryAltered, SegmentDamaged)
"""What says that history is not what it was when it was attached."""


def replay_entries(
    archive: Archive, entries: Sequence[Entry], *, plan: Plan | None = None, progress: Progress | None = None
) -> list[Verdict]:
    """Replay some decisions; each verdict stands in its entry's place.

    Parameters
    ----------
    archive : what was kept
    entries : decisions of one model
    plan : features to compute instead of the bundle's own: the project's definitions as they are today
    progress : told how many of how many decisions are done
    """
    opened = [reopen(archive, entry) for entry in entries]
    cases = [case for case in opened if isinstance(case, Case)]
    verdicts = {case.position: case for case in opened if isinstance(case, Verdict)}
    for digest in dict.fromkeys(case.decision.bundle for case in cases):
        for found in _of_one_bundle(archive, [c for c in cases if c.decision.bundle == digest], plan):
            verdicts[found.position] = found
            if progress is not None:
                progress(len(verdicts), len(entries))
    return [verdicts[entry.position] for entry in entries]


def _of_one_bundle(archive: Archive, cases: Sequence[Case], plan: Plan | None) -> list[Verdict]:
    plan = plan or cases[0].bundle.plan
    try:
        dataset = records(archive.log, plan, until=max(case.decision.as_of for case in cases))
        found = vectors(archive, plan, dataset, cases)
    except HISTORY_GONE as error:
        return [verdict(case.entry, case.decision, Differs("record", str(error))) for case in cases]
    return [reexecute(case, vector) for case, vector in zip(cases, found, strict=True)]
