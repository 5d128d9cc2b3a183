"""In Redis every vector has the bits of batch, and the state the bytes of LMDB, whatever arrives in whatever order."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given

from tallystick.data.records import Record
from tallystick.errors import FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.online.executor import Online
from tallystick.features.online.shared import Shared
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.state.redis import RedisStore
from tallystick.testing import redis_server as servers
from tallystick.testing.redis_server import RedisServer, redis_server
from tallystick.testing.scenarios import Scenario, near_the_limit, scenarios

pytestmark = pytest.mark.skipif(servers.SERVER is None, reason=servers.MISSING)
NAMES = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Start a Redis for this file."""
    with redis_server() as started:
        yield started


def test_shared_equals_batch(server: RedisServer) -> None:
    """Each record's vector, read in the step that appends it or whenever it is asked again, has batch's bits."""

    @given(scenarios())
    def holds(scenario: Scenario) -> None:
        vectors, questions, _ = played(server, scenario)

        assert vectors == in_batch(scenario, questions)

    holds()


def test_shared_leaves_the_bytes_of_lmdb(server: RedisServer) -> None:
    """Records appended in Redis, loaded there at once, or appended in LMDB leave the same entries."""

    @given(scenarios())
    def holds(scenario: Scenario) -> None:
        _, _, dump = played(server, scenario)

        assert dump == in_lmdb(scenario)
        assert dump == loaded(server, scenario)

    holds()


def test_shared_refuses_what_lmdb_refuses(server: RedisServer) -> None:
    """With values near the limit a record is refused in Redis exactly where it is in LMDB.

    Of several totals that it makes too large at once, each may name another.
    """

    @given(near_the_limit())
    def holds(scenario: Scenario) -> None:
        assert refusals(server, scenario) == refusals(None, scenario)

    holds()


def played(server: RedisServer, scenario: Scenario) -> tuple[list[bytes], list[tuple[int, int]], str]:
    """Append a scenario's records; return the vectors asked meanwhile, which they are, and the state's digest."""
    rows = [record for _, record in scenario.arrivals if record.stream == scenario.spine]
    shared, store = opened(server, scenario)
    vectors, questions, n_there = [], [], 0
    for position, record in scenario.arrivals:
        if record.stream == scenario.spine:
            vectors.append(shared.take(record, position).vector)
            questions.append((n_there, position))
            n_there += 1
        else:
            assert shared.append(record, position) == position
        vectors += [shared.vector(row).vector for row in rows[:n_there]]
        questions += [(row, position) for row in range(n_there)]
    dump = shared.dump()
    store.clear()
    shared.close()
    return bits(vectors), questions, dump


def refusals(server: RedisServer | None, scenario: Scenario) -> list[str]:
    """Return for each record whether it was refused, and at last the state's digest."""
    with TemporaryDirectory() as folder:
        state = opened(server, scenario)[0] if server else Online(scenario.plan, LmdbStore(Path(folder)))
        stated = []
        for position, record in scenario.arrivals:
            try:
                append(state, record, position)
                stated.append("taken")
            except FeatureOverflow:
                stated.append("refused")
        stated.append(state.dump())
        state.close()
    return stated


def append(state: Shared | Online, record: Record, position: int) -> None:
    """Append one record."""
    if isinstance(state, Shared):
        state.append(record, position)
        return
    with state.transaction() as transaction:
        transaction.append(record, position)
        transaction.commit(position)


def in_lmdb(scenario: Scenario) -> str:
    """Return the digest of the state in LMDB."""
    return refusals(None, scenario)[-1]


def loaded(server: RedisServer, scenario: Scenario) -> str:
    """Return the digest of a state in Redis into which the dataset was loaded at once."""
    shared, store = opened(server, scenario)
    if scenario.arrivals:
        shared.rebuild(scenario.dataset)
    dump = shared.dump()
    store.clear()
    shared.close()
    return dump


def opened(server: RedisServer, scenario: Scenario) -> tuple[Shared, RedisStore]:
    """Open an empty state."""
    store = RedisStore(server.url, f"s{next(NAMES)}")
    return Shared(scenario.plan, store), store


def in_batch(scenario: Scenario, questions: list[tuple[int, int]]) -> list[bytes]:
    """Return the rows' bits in batch."""
    rows, as_of = np.array(questions, dtype=np.int64).reshape(-1, 2).T
    return bits(batch.compute(scenario.plan, scenario.dataset, rows, as_of).values.tolist())


def bits(vectors: list[list[float]]) -> list[bytes]:
    """Return each vector's doubles as bytes; there is one NaN, so missing values compare equal."""
    return [np.array(vector, dtype=np.float64).tobytes() for vector in vectors]
