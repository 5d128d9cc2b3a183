"""The state of a plan: a cache of the log, thrown away without regret where it is in doubt, and made anew."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb

from tallystick.errors import StateDoubtful, StateHeld, TallystickError
from tallystick.features.online import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.state.session import held


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


@dataclass(frozen=True, slots=True)
class Remade:
    """A state that was made anew.

    Parameters
    ----------
    folder : where it lies
    position : how far in the order of arrival it goes
    was : how far the one before went; None where there was none, or it could not be read
    is_same : whether that one held the same, byte for byte; None where it went less far, or was none
    """

    folder: Path
    position: int
    was: int | None
    is_same: bool | None


def remake_state(root: Path, plan: Plan, fill: Callable[[Online], None]) -> Remade:
    """Make the state of a plan anew beside the one that is there, and put it in its place at once.

    Whatever interrupts it leaves the old state where it was.

    Parameters
    ----------
    root : the folder of states
    plan : whose state
    fill : brings an empty state to where the log is

    Raises
    ------
    StateHeld
        If a server, or anybody else, has it open.
    """
    folder = root / plan.state_digest
    was, before = _found(folder, plan)
    with held(folder) as hold:
        for left in root.glob(f".{plan.state_digest}-*"):  # by one that was killed; we hold the state, so it is dead
            shutil.rmtree(left)
        with TemporaryDirectory(prefix=f".{plan.state_digest}-", dir=root) as unfinished:
            with closing(Online(plan, LmdbStore(Path(unfinished)))) as online:
                fill(online)
                position, made = online.position, online.dump()
            hold.take(Path(unfinished) / "data.mdb")
    return Remade(folder, position, was, made == before if was == position else None)


def _found(folder: Path, plan: Plan) -> tuple[int | None, str]:
    """Return the position and digest of the state that is there, if it can be read."""
    if not (folder / "data.mdb").is_file():
        return None, ""
    try:
        with closing(Online(plan, LmdbStore(folder))) as online:
            return online.position, online.dump()
    except StateHeld:
        raise
    except (TallystickError, lmdb.Error):
        return None, ""
