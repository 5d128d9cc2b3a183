"""A state is made anew beside the old one, compared with it, and put in its place at once."""

from contextlib import closing
from pathlib import Path

import pytest

from tallystick.definitions.clock import SettableClock
from tallystick.errors import StateHeld
from tallystick.features.online.executor import Online
from tallystick.journal.catch_up import catch_up
from tallystick.journal.history import History
from tallystick.log.opening import open_log
from tallystick.serving.requests import Request
from tallystick.serving.state import Remade, open_state, remake_state
from tallystick.testing.world import World


@pytest.fixture
def served(world: World, clock: SettableClock) -> World:
    """Return a world whose state has followed some decisions."""
    with world.service(clock=clock) as service:
        service.decide([Request(raw) for raw in world.payments(20)])
    return world


def test_the_state_of_the_log_is_the_state_that_served(served: World) -> None:
    """What was appended decision by decision and what is loaded at once are the same bytes."""
    position, before = contents(served)

    made = remade(served)

    assert (made.position, made.was, made.is_same) == (position, position, True)
    assert contents(served) == (position, before)


def test_a_state_that_held_something_else_is_told(served: World) -> None:
    """A state that was changed is found, and replaced."""
    _, before = contents(served)
    with closing(open_state(root(served), served.plan)) as online:
        transaction = online.store.begin()
        transaction.put(b"\x01more", b"")
        transaction.commit()

    assert remade(served).is_same is False
    assert contents(served)[1] == before


@pytest.mark.parametrize("damage", ["session", "data.mdb"])
def test_a_state_in_doubt_is_replaced(served: World, damage: str) -> None:
    """Where the old state cannot be trusted or read, the new one opens in its place."""
    before = contents(served)
    (root(served) / served.plan.state_digest / damage).write_bytes(b"x" * 10_000)

    made = remade(served)

    assert (made.was, made.is_same) == (None, None)
    assert contents(served) == before


def test_a_state_that_a_server_has_open_stays(served: World, clock: SettableClock) -> None:
    """While a server holds the state nothing is touched."""
    with served.service(clock=clock), pytest.raises(StateHeld):
        remade(served)


def test_what_is_interrupted_leaves_the_old_state(served: World) -> None:
    """If making it fails on the way, the old state stands, and nothing lies around."""
    before = contents(served)

    def broken(_: Online) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remake_state(root(served), served.plan, broken)

    assert contents(served) == before
    assert [path.name for path in root(served).iterdir()] == [served.plan.state_digest]


def test_what_a_killed_one_left_is_cleared(served: World) -> None:
    """The unfinished state of a process that was killed does not stay for ever."""
    (root(served) / f".{served.plan.state_digest}-abc").mkdir()

    remade(served)

    assert [path.name for path in root(served).iterdir()] == [served.plan.state_digest]


def test_nobody_opens_it_meanwhile(served: World) -> None:
    """While it is made, a server that starts is told that the state is held."""

    def started(_: Online) -> None:
        open_state(root(served), served.plan)

    with pytest.raises(StateHeld):
        remake_state(root(served), served.plan, started)


def root(world: World) -> Path:
    """Return the folder of states."""
    return world.folder / "state"


def contents(world: World) -> tuple[int, str]:
    """Return the state's position and digest."""
    with closing(open_state(root(world), world.plan)) as online:
        return online.position, online.dump()


def remade(world: World) -> Remade:
    """Make the state anew from the world's log."""
    with open_log(world.folder / "log.sqlite") as log:
        history = History.of(log, world.plan.sources)
        return remake_state(root(world), world.plan, lambda online: catch_up(online, log, history))
