"""A service whose state is in a Redis: it decides as with a file, and refers while the Redis is away."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tallystick.features.online.executor import Online
from tallystick.features.state.lmdb import LmdbStore
from tallystick.journal.decision import Decision
from tallystick.journal.records import records
from tallystick.log.opening import open_log
from tallystick.replay.archive import Archive
from tallystick.replay.period import replay_period
from tallystick.serving.requests import Answer, Decided, Recorded, Request
from tallystick.serving.service import Service
from tallystick.serving.state import open_state, remake_state
from tallystick.testing import redis_server as servers
from tallystick.testing.redis_server import RedisServer, redis_server
from tallystick.testing.world import World

from .served_state import state_of

pytestmark = pytest.mark.skipif(servers.SERVER is None, reason=servers.MISSING)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a Redis."""
    with redis_server() as started:
        yield started


def test_decisions_are_those_of_a_file(world: World, server: RedisServer, tmp_path: Path) -> None:
    """Features served from a Redis are the batch's, and the state is what the log alone gives."""
    with world.service(url=server.url) as service:
        service.decide(requests(world.payments(50)))
        service.record("chargebacks", requests(world.chargebacks(30)))
        answers = service.decide(requests(world.payments(30, skip=50)))
        dump = state_of(service).dump()
        stated = service.described()

    assert not any(decision.fallback for decision in decisions(answers))
    assert (stated["models"]["card-fraud"]["fallbacks"], "state" in stated) == (0, False)
    assert dump == rebuilt(world, tmp_path)


def test_without_its_redis_a_service_refers(world: World, server: RedisServer, tmp_path: Path) -> None:
    """While the Redis is away every decision is referred and counted, and what arrives is kept in the log."""
    with world.service(url=server.url) as service:
        service.decide(requests(world.payments(20)))
        server.stop()
        away = service.decide(requests(world.payments(10, skip=20)))
        kept = service.record("chargebacks", requests(world.chargebacks(5)))
        still = service.decide(requests(world.payments(5, skip=30)))
        stated = service.described()

    referred = decisions([*away, *still])
    assert {(decision.action, decision.fallback, decision.features) for decision in referred} == {("refer", True, None)}
    assert all(decision.event is not None for decision in referred)
    assert all(isinstance(answer, Recorded) for answer in kept)
    assert stated["models"]["card-fraud"]["fallbacks"] == 15
    assert "cannot be used" in stated["state"]
    with open_log(world.folder / "log.sqlite") as log:
        faults = [entry.body for entry in log.read(kinds=("fault",))]
    assert len(faults) == 15
    assert all(b"StateUnavailable" in fault for fault in faults)


def test_what_was_referred_while_it_was_away_is_replayed(world: World, server: RedisServer) -> None:
    """A replay accepts a fallback whose fault says that the state was away, and no other."""
    with world.service(url=server.url) as service:
        service.decide(requests(world.payments(5)))
        server.stop()
        service.decide(requests(world.payments(5, skip=5)))
    with open_log(world.folder / "log.sqlite") as log:
        report = replay_period(Archive(log, world.bundles, tuple(world.trusted), world.ledger), "card-fraud")

    assert (report.n_decisions, report.is_identical) == (10, True)


def test_a_state_follows_when_its_redis_is_back(world: World, server: RedisServer, tmp_path: Path) -> None:
    """After a pause of the Redis the state catches up from the log, what arrived meanwhile included, each once."""
    with world.service(url=server.url) as service:
        service.decide(requests(world.payments(20)))
        server.process.send_signal(19)  # SIGSTOP: it keeps its data and answers nobody
        paused = service.decide(requests(world.payments(5, skip=20)))
        server.process.send_signal(18)  # SIGCONT
        answers = settled(service, world, skip=25)
        dump, stated = state_of(service).dump(), service.described()

    assert all(decision.fallback for decision in decisions(paused))
    assert not decisions(answers)[-1].fallback
    assert "state" not in stated
    assert dump == rebuilt(world, tmp_path)


def test_a_redis_without_its_data_is_filled_at_the_next_start(
    world: World, server: RedisServer, tmp_path: Path
) -> None:
    """A Redis that forgot everything is refused until the service starts again, and then filled from the log."""
    with world.service(url=server.url) as service:
        service.decide(requests(world.payments(20)))
        server.stop()
        server.start()
        lost = service.decide(requests(world.payments(5, skip=20)))
        assert "has lost some of this state" in service.described()["state"]
    with world.service(url=server.url) as service:
        repeated = service.decide(requests(world.payments(5, skip=25)))
        dump = state_of(service).dump()

    assert [decision.fallback for decision in decisions([*lost, *repeated])] == [True] * 5 + [False] * 5
    assert dump == rebuilt(world, tmp_path)


def test_a_state_in_redis_is_remade(world: World, server: RedisServer) -> None:
    """A state is made anew in its place, compared with the one before, and told by its address."""
    with world.service(url=server.url) as service:
        service.decide(requests(world.payments(5)))
        position = state_of(service).position

    def fill(online: Online) -> None:
        with open_log(world.folder / "log.sqlite") as log:
            online.rebuild(records(log, world.plan, until=position))
        with online.transaction() as state:
            state.commit(position)

    made = remake_state(world.folder / "state", world.plan, fill, server.url)

    assert (made.folder, made.position, made.was, made.is_same) == (server.url, position, position, True)
    online = open_state(world.folder / "state", world.plan, server.url)
    assert online.position == position
    online.close()


def settled(service: Service, world: World, *, skip: int) -> list[Answer]:
    """Decide until the state is back: what was sent while the Redis was paused may still come in late."""
    for tried in range(5):
        answers = service.decide(requests(world.payments(1, skip=skip + tried)))
        if isinstance(answers[0], Decided) and not answers[0].decision.fallback:
            break
    return answers


def requests(raws: Sequence[bytes]) -> list[Request]:
    """Return raw records as requests."""
    return [Request(raw) for raw in raws]


def decisions(answers: Sequence[Answer]) -> list[Decision]:
    """Return answers that must be decisions."""
    return [answer.decision for answer in answers if isinstance(answer, Decided)]


def rebuilt(world: World, folder: Path) -> str:
    """Return the digest of a state of history and log alone, in LMDB."""
    online = Online(world.plan, LmdbStore(folder / "rebuilt"))
    with open_log(world.folder / "log.sqlite") as log:
        online.rebuild(records(log, world.plan))
        with online.transaction() as state:
            state.commit(log.head.position)
    digest = online.dump()
    online.close()
    return digest
