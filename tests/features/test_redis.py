"""The Redis store keeps the promises of every store, and says clearly when it cannot be used."""

from collections.abc import Iterator
from itertools import count

import pytest

from tallystick.errors import StateConflict, StateLost, StateUnavailable
from tallystick.features.state.redis import RedisStore
from tallystick.testing import redis_server as servers
from tallystick.testing.redis_server import RedisServer, redis_server
from tallystick.testing.store_contract import SOME, OrderedStoreContract, Reiterable, put

pytestmark = pytest.mark.skipif(servers.SERVER is None, reason=servers.MISSING)
NAMES = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Start a Redis for this file."""
    with redis_server() as started:
        yield started


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    """Open an empty store."""
    opened = RedisStore(server.url, f"s{next(NAMES)}")
    yield opened
    opened.close()


class TestRedisStore(OrderedStoreContract):
    """A Redis is an ordered store."""


def test_what_was_committed_is_there_for_others(server: RedisServer, store: RedisStore) -> None:
    """Whoever opens the same name sees what was committed, and other names see nothing."""
    put(store, SOME)
    name = f"s{next(NAMES)}"
    other, same = RedisStore(server.url, name), RedisStore(server.url, name)

    put(other, SOME[:1])

    assert (list(same.entries()), list(store.entries())) == (SOME[:1], SOME)


def test_a_transaction_gives_way_to_another_writer(server: RedisServer) -> None:
    """Of two transactions that looked at the same state only one is kept; the other says so."""
    name = f"s{next(NAMES)}"
    one, other = RedisStore(server.url, name), RedisStore(server.url, name)
    slow = one.begin()
    slow.before_all([b"z"])
    put(other, SOME[:1])
    slow.put(b"b", b"mine")

    with pytest.raises(StateConflict, match="Another process wrote"):
        slow.commit()

    assert list(one.entries()) == SOME[:1]


def test_many_entries_come_in_parts(store: RedisStore) -> None:
    """More entries than fit into one answer are all yielded, our own among them, each once."""
    many = [(number.to_bytes(4, "big"), b"there") for number in range(0, 5_000, 2)]
    store.load(Reiterable(many))
    transaction = store.begin()
    ours = {number.to_bytes(4, "big"): b"ours" for number in range(1, 5_000, 1_000)}

    transaction.put_all(ours)
    transaction.put(many[7][0], b"changed")

    assert list(transaction.onwards(b"")) == sorted([*(dict(many) | ours | {many[7][0]: b"changed"}).items()])


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    """Where nobody listens, the sentence has the address without its password, and says what to do."""
    with pytest.raises(StateUnavailable, match=r"redis://127\.0\.0\.1:1/0 cannot be used: .*Start it") as caught:
        RedisStore("redis://me:secret@127.0.0.1:1/0", "s")

    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_a_sentence() -> None:
    """What is no address of a Redis is refused as such."""
    with pytest.raises(StateUnavailable, match="cannot be used"):
        RedisStore("http://cache", "s")


def test_a_restart_without_data_is_noticed() -> None:
    """A Redis that ended is away; when it is back without its data, the state is lost, until it is made anew."""
    with redis_server() as server:
        store = RedisStore(server.url, "s")
        put(store, SOME)
        server.stop()
        with pytest.raises(StateUnavailable):
            store.begin().before_all([b"b"])
        server.start()
        with pytest.raises(StateLost, match="rebuild the state from the log"):
            store.begin().before_all([b"b"])
        repeated = RedisStore(server.url, "s")

        assert list(repeated.entries()) == []
        with pytest.raises(StateLost):
            put(store, SOME)


def test_removed_values_are_noticed(server: RedisServer, store: RedisStore) -> None:
    """A state of which Redis removed a part to save memory is not read any more."""
    put(store, SOME)
    store._link.call("HDEL", store._values, SOME[0][0])

    with pytest.raises(StateLost):
        store.begin().before_all([b"b"])


def test_an_older_copy_is_noticed(store: RedisStore) -> None:
    """A state that went back behind what this store committed is lost, though all its parts are there."""
    put(store, SOME[:2])
    copies = [(key, key + b":copy") for key in store._link.keys]
    for key, copy in copies:
        store._link.call("COPY", key, copy)
    put(store, SOME[2:])

    for key, copy in copies:
        store._link.call("RENAME", copy, key)

    with pytest.raises(StateLost, match="went back to an older copy"):
        store.begin().before_all([b"b"])
    with pytest.raises(StateLost):
        put(store, SOME[2:])


def test_a_large_commit_is_kept_whole(store: RedisStore) -> None:
    """A transaction of more entries than one command of Redis takes is kept at once, and read in one look."""
    many = [(number.to_bytes(4, "big"), bytes(10)) for number in range(10_000)]
    transaction = store.begin()
    transaction.put_all(dict(many))
    transaction.commit()

    found = store.begin().before_all([key for key, _ in many])

    assert list(store.entries()) == many
    assert found == [None, *many[:-1]]
