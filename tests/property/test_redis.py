"""In Redis every vector has the bits of batch, and the state the bytes of LMDB, whatever arrives in whatever order."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given

from tallystick.errors import FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.online.executor import Online
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


def test_redis_equals_batch(server: RedisServer) -> None:
    """Each record's vector, read in the transaction that appends it or in any later one, has batch's bits."""

    @given(scenarios())
    def holds(scenario: Scenario) -> None:
        vectors, questions, _ = played(server, scenario)

        assert vectors == in_batch(scenario, questions)

    holds()


def test_redis_has_the_bytes_of_lmdb(server: RedisServer) -> None:
    """Records appended in Redis, loaded there at once, or appended in LMDB leave the same entries."""

    @given(scenarios())
    def holds(scenario: Scenario) -> None:
        _, _, dump = played(server, scenario)

        assert dump == appended(None, scenario)[-1]
        assert dump == loaded(server, scenario)

    holds()


def test_redis_refuses_what_lmdb_refuses(server: RedisServer) -> None:
    """With values near the limit a record is refused in Redis exactly where it is in LMDB, with the same sentence."""

    @given(near_the_limit())
    def holds(scenario: Scenario) -> None:
        assert appended(server, scenario) == appended(None, scenario)

    holds()


def played(server: RedisServer, scenario: Scenario) -> tuple[list[bytes], list[tuple[int, int]], str]:
    """Append records, two in a transaction; return vectors read meanwhile, of which rows as of when, and the digest."""
    rows = [record for _, record in scenario.arrivals if record.stream == scenario.spine]
    vectors, questions, n_there = [], [], 0
    with opened(server, scenario) as online:
        for start in range(0, len(scenario.arrivals), 2):
            with online.transaction() as state:
                for position, record in scenario.arrivals[start : start + 2]:
                    n_there += record.stream == scenario.spine
                    state.append(record, position)
                    vectors += [state.vector(row, position) for row in rows[:n_there]]
                    questions += [(row, position) for row in range(n_there)]
                state.commit(position)
            with online.transaction() as state:
                vectors += [state.vector(row, position) for row in rows[:n_there]]
                questions += [(row, position) for row in range(n_there)]
        return bits(vectors), questions, online.dump()


def appended(server: RedisServer | None, scenario: Scenario) -> list[str]:
    """Append a scenario's records; return for each how it was refused, if it was, and at last the state's digest."""
    found = []
    with opened(server, scenario) as online:
        for position, record in scenario.arrivals:
            with online.transaction() as state:
                try:
                    state.append(record, position)
                    found.append("")
                except FeatureOverflow as error:
                    found.append(str(error))
                state.commit(position)
        return [*found, online.dump()]


def loaded(server: RedisServer, scenario: Scenario) -> str:
    """Return the digest of a state in Redis into which the dataset was loaded at once."""
    with opened(server, scenario) as online:
        if scenario.arrivals:
            online.rebuild(scenario.dataset)
        return online.dump()


@contextmanager
def opened(server: RedisServer | None, scenario: Scenario) -> Iterator[Online]:
    """Open an empty state in Redis, or in LMDB where there is no server."""
    with TemporaryDirectory() as folder:
        store = RedisStore(server.url, f"s{next(NAMES)}") if server else LmdbStore(Path(folder))
        online = Online(scenario.plan, store)
        try:
            yield online
        finally:
            online.close()


def in_batch(scenario: Scenario, questions: list[tuple[int, int]]) -> list[bytes]:
    """Return the rows' bits in batch."""
    rows, as_of = np.array(questions, dtype=np.int64).reshape(-1, 2).T
    return bits(batch.compute(scenario.plan, scenario.dataset, rows, as_of).values.tolist())


def bits(vectors: list[list[float]]) -> list[bytes]:
    """Return each vector's doubles as bytes; there is one NaN, so missing values compare equal."""
    return [np.array(vector, dtype=np.float64).tobytes() for vector in vectors]
