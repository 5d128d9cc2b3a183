"""Several processes append to one state in Redis, and what each is told is what batch gives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.errors import (
    EntityTooLong,
    FeatureOverflow,
    PositionRefused,
    StateLost,
    StateOfOtherPlan,
    StateUnavailable,
)
from tallystick.features.batch import executor as batch
from tallystick.features.online.executor import Online
from tallystick.features.online.shared import Shared
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.state.redis import RedisStore
from tallystick.testing import redis_server as servers
from tallystick.testing.redis_server import RedisServer, redis_server

from .shared_writers import PLAN, SOURCES, records, start

pytestmark = pytest.mark.skipif(servers.SERVER is None, reason=servers.MISSING)
N_WRITERS = 4
N_EACH = 150


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Start a Redis for this file."""
    with redis_server() as started:
        yield started


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    """Open an empty store, and leave none."""
    opened = RedisStore(server.url, "state")
    yield opened
    opened.clear()
    opened.close()


@pytest.fixture
def shared(store: RedisStore, plan: Plan) -> Shared:
    """Open the executor of the small project over an empty state."""
    return Shared(plan, store)


def test_processes_that_append_at_once_get_what_batch_gives(server: RedisServer, tmp_path: Path) -> None:
    """Four processes append to the same entities: each vector is batch's as of its place, the state is LMDB's."""
    noted = [tmp_path / f"{number}.json" for number in range(N_WRITERS)]

    writers = [start(server.url, "many", number, N_EACH, path) for number, path in enumerate(noted)]
    ended = [writer.wait(timeout=120) for writer in writers]

    assert ended == [0] * N_WRITERS
    found, dataset = read(noted)
    computed = batch.compute(PLAN, dataset).values.tolist()
    given = [vector for _, record, vector in found if record.stream == "payments"]
    assert sorted(position for position, _, _ in found) == list(range(1, N_WRITERS * N_EACH + 1))
    assert given == [[value.hex() for value in row] for row in computed]
    assert digest(RedisStore(server.url, "many")) == in_lmdb(dataset, tmp_path / "state")


def test_a_vector_comes_with_its_record(shared: Shared, make: Any) -> None:
    """The state gives each record the next place, and the features as of it; a question has the place reached."""
    first = shared.take(make.payment("p1", 10, 1_000))
    shared.append(make.report("r1", 11, "p1"))
    second = shared.take(make.payment("p2", 12, 500))

    assert (first.position, second.position) == (1, 3)
    assert second.vector[2:4] == [1.0, 2.0]
    assert shared.vector(make.payment("p2", 12, 500)) == second


def test_a_place_is_taken_once(shared: Shared, make: Any) -> None:
    """A record with a place that was reached is refused, and leaves no trace: it was sent before."""
    shared.append(make.payment("p1", 1, 100), 5)
    before = shared.dump()

    with pytest.raises(PositionRefused, match="has reached 5.*5 is not later"):
        shared.take(make.payment("p1", 1, 100), 5)
    with pytest.raises(PositionRefused, match=r"not below 2\*\*53"):
        shared.append(make.payment("p1", 1, 100), 2**53)

    assert shared.dump() == before
    assert shared.append(make.payment("p2", 1, 100)) == 6


def test_a_refused_record_leaves_no_trace(shared: Shared, make: Any) -> None:
    """A record that cannot be kept takes no place."""
    shared.append(make.payment("p1", 1, 2**61))
    before = shared.dump()

    with pytest.raises(FeatureOverflow, match=r"'amount' for customer ann .* record of 2305843009213693952 "):
        shared.append(make.payment("p2", 0.5, 2**61))
    with pytest.raises(EntityTooLong):
        shared.append(make.payment("p3", 1, 1, customer="x" * 600))

    assert shared.dump() == before


def test_another_plan_cannot_use_the_state(shared: Shared, store: RedisStore, make: Any) -> None:
    """A state under the same name that was made for other features is refused."""
    shared.append(make.payment("p1", 1, 100))

    with pytest.raises(StateOfOtherPlan):
        Shared(PLAN, store)


def test_a_lost_state_is_not_appended_to(plan: Plan, make: Any) -> None:
    """A Redis that is gone is away; one that is back without data, or with another's new state, has lost this one."""
    with redis_server() as server:
        shared = Shared(plan, RedisStore(server.url, "state"))
        shared.append(make.payment("p1", 1, 100))
        server.stop()
        with pytest.raises(StateUnavailable, match="cannot be used"):
            shared.append(make.payment("p2", 1, 100))
        server.start()
        Shared(plan, RedisStore(server.url, "state")).append(make.payment("p3", 1, 100))

        with pytest.raises(StateLost):
            shared.take(make.payment("p2", 1, 100))


def test_an_older_copy_is_noticed(server: RedisServer, shared: Shared, store: RedisStore, make: Any) -> None:
    """A state that went back behind what this process has seen is lost, though all its parts are there."""
    shared.append(make.payment("p1", 1, 100))
    copy = dict(store.entries())
    shared.append(make.payment("p2", 1, 100))
    later = RedisStore(server.url, "state").begin()
    later.put_all(copy)
    later.commit()

    with pytest.raises(StateLost):
        shared.append(make.payment("p3", 1, 100))


def read(noted: list[Path]) -> tuple[list[tuple[int, Record, list[str]]], Dataset]:
    """Return all records in order of arrival, with what their writer was told; and the same as columns."""
    found = [
        (position, record, vector)
        for number, path in enumerate(noted)
        for record, (position, vector) in zip(records(number, N_EACH), json.loads(path.read_text()), strict=True)
    ]
    found.sort(key=lambda each: each[0])
    columns = {
        source.name: from_parsed(
            source, [(position, record) for position, record, _ in found if record.stream == source.name]
        )
        for source in SOURCES
    }
    return found, Dataset(columns, "", len(found))


def digest(store: RedisStore) -> str:
    """Return the digest of a state."""
    shared = Shared(PLAN, store)
    try:
        return shared.dump()
    finally:
        shared.close()


def in_lmdb(dataset: Dataset, folder: Path) -> str:
    """Return the digest of the state that the records leave in LMDB."""
    online = Online(PLAN, LmdbStore(folder))
    try:
        online.rebuild(dataset)
        return online.dump()
    finally:
        online.close()
