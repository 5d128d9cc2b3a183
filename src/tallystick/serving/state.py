"""Opening the state of a plan: a cache of the log, and thrown away without regret where it is in doubt."""

import shutil
from pathlib import Path

from tallystick.errors import StateDoubtful
from tallystick.features.online import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore


def open_state(root: Path, plan: Plan) -> Online:
    """Open the state of a plan's aggregates; the service then brings it to where the log is.

    State is kept per digest of what it holds, so that a new plan is filled beside the old one, and a roll-back finds
    its state where it was.

    Parameters
    ----------
    root : the folder of states
    plan : whose state
    """
    folder = root / plan.state_digest
    try:
        return Online(plan, LmdbStore(folder))
    except StateDoubtful:
        # The machine went down while it was open: the log has everything, so nothing is lost.
        shutil.rmtree(folder)
        return Online(plan, LmdbStore(folder))
