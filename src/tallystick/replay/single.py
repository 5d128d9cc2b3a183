"""One decision, made again."""

from tallystick.errors import DecisionUnknown
from tallystick.features.plan import Plan
from tallystick.replay.archive import Archive
from tallystick.replay.batch_replay import HISTORY_GONE
from tallystick.replay.case import Case, reopen
from tallystick.replay.reexecution import reexecute
from tallystick.replay.vectors import vector
from tallystick.replay.verdict import Differs, Verdict, verdict


def replay(archive: Archive, model: str, key: str, *, plan: Plan | None = None) -> Verdict:
    """Make one decision again, from its raw request, its positions and the digests it names.

    Only the records that it could see are read: those of its own entities, and what was reported about them.

    Parameters
    ----------
    archive : what was kept
    model : whose decision it is
    key : the decision's id
    plan : features to compute instead of the bundle's own: the project's definitions as they are today

    Raises
    ------
    DecisionUnknown
        If the log has no such decision.
    """
    entry = archive.log.find("decision", model, key)
    if entry is None:
        raise DecisionUnknown(key, models=[model])
    case = reopen(archive, entry)
    if not isinstance(case, Case):
        return case
    try:
        found = vector(archive, plan or case.bundle.plan, case)
    except HISTORY_GONE as error:
        return verdict(entry, case.decision, Differs("record", str(error)))
    return reexecute(case, found)
