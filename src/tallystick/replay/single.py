"""One decision, made again."""

from tallystick.errors import DecisionUnknown
from tallystick.features.plan import Plan
from tallystick.replay.archive import Archive
from tallystick.replay.batch_replay import replay_entries
from tallystick.replay.verdict import Verdict


def replay(archive: Archive, stream: str, name: str, *, plan: Plan | None = None) -> Verdict:
    """Make one decision again, from its raw request, its positions and the digests it names.

    Parameters
    ----------
    archive : what was kept
    stream, name : the stream that was decided about, and the decision's id
    plan : features to compute instead of the bundle's own: the project's definitions as they are today

    Raises
    ------
    DecisionUnknown
        If the log has no such decision.
    """
    entry = archive.log.find("decision", stream, name)
    if entry is None:
        raise DecisionUnknown(name, stream=stream)
    return replay_entries(archive, [entry], plan=plan)[0]
