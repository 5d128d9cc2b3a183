"""The state of a plan: a cache of the log, thrown away without regret where it is in doubt, and made anew."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from os.path import expandvars
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb

from tallystick.errors import StateDoubtful, StateHeld, StateLost, TallystickError
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.state.redis import RedisStore
from tallystick.features.state.session import held


def open_state(root: Path, plan: Plan, url: str | None = None) -> Online:
    """Open the state of a plan's aggregates; the service then brings it to where the log is.

    State is kept per digest of what it holds, so that a new plan is filled beside the old one, and a roll-back finds
    its state where it was.

    Parameters
    ----------
    root : the folder of states
    plan : whose state
    url : of the Redis where states are instead, if they are
    """
    if url is not None:
        return Online(plan, redis_store(url, plan))
    folder = root / plan.state_digest
    try:
        return Online(plan, LmdbStore(folder))
    except StateDoubtful:
        # The machine went down while it was open: the log has everything, so nothing is lost.
        shutil.rmtree(folder)
        return Online(plan, LmdbStore(folder))


@contextmanager
def open_states(root: Path, plans: Iterable[Plan], url: str | None = None) -> Iterator[dict[str, Online]]:
    """Open the states of several plans, by state digest, until the block is left; plans of one digest share one.

    Parameters
    ----------
    root : the folder of states
    plans : whose states
    url : of the Redis where states are instead, if they are
    """
    with ExitStack() as stack:
        states: dict[str, Online] = {}
        for plan in plans:
            if plan.state_digest not in states:
                states[plan.state_digest] = stack.enter_context(closing(open_state(root, plan, url)))
        yield states


def redis_store(url: str, plan: Plan) -> RedisStore:
    """Open the state of a plan in a Redis; one that has lost a part of it begins anew.

    Parameters
    ----------
    url : of the Redis; ``$NAME`` in it is taken from the environment, so that no password lies in a file
    plan : whose state; plans with the same state share it
    """
    try:
        return RedisStore(expandvars(url), plan.state_digest)
    except StateLost:
        # As a file after a power cut: the log has everything.
        return RedisStore.anew(expandvars(url), plan.state_digest)


@dataclass(frozen=True, slots=True)
class Remade:
    """A state that was made anew.

    Parameters
    ----------
    folder : where it lies, or the address of its Redis
    position : how far in the order of arrival it goes
    was : how far the one before went; None where there was none, or it could not be read
    is_same : whether that one held the same, byte for byte; None where it went less far, or was none
    """

    folder: Path | str
    position: int
    was: int | None
    is_same: bool | None


def remake_state(root: Path, plan: Plan, fill: Callable[[Online], None], url: str | None = None) -> Remade:
    """Make the state of a plan anew beside the one that is there, and put it in its place at once.

    Whatever interrupts it leaves the old state where it was. In a Redis the old one is deleted first: servers that
    have it open refer what they are asked, until they are started again.

    Parameters
    ----------
    root : the folder of states
    plan : whose state
    fill : brings an empty state to where the log is
    url : of the Redis where states are instead, if they are

    Raises
    ------
    StateHeld
        If a server, or anybody else, has it open.
    """
    if url is not None:
        return _remade_in_redis(url, plan, fill)
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


def _remade_in_redis(url: str, plan: Plan, fill: Callable[[Online], None]) -> Remade:
    with closing(Online(plan, redis_store(url, plan))) as old:
        was, before = (old.position, old.dump()) if old.position else (None, "")
    store = RedisStore.anew(expandvars(url), plan.state_digest)
    with closing(Online(plan, store)) as online:
        fill(online)
        position, made = online.position, online.dump()
    return Remade(store.address, position, was, made == before if was == position else None)


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
