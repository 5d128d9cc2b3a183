"""The promises of a store of running totals, as tests: whoever writes a store inherits them."""

from collections.abc import Iterable, Iterator

import pytest

from tallystick.features.state.store import Entry, OrderedStore

SOME = [(b"a", b"1"), (b"a\x00", b"2"), (b"a\xff", b"3"), (b"b", b"4")]


class Reiterable:
    """Entries that can be iterated more than once, as ``load`` may need."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)


def put(store: OrderedStore, entries: Iterable[Entry]) -> None:
    """Put entries and commit.

    Parameters
    ----------
    store : no transaction of it may be open
    entries : keys and values, in any order
    """
    transaction = store.begin()
    for key, value in entries:
        transaction.put(key, value)
    transaction.commit()


class OrderedStoreContract:
    """Subclass me, provide a ``store`` fixture with an empty store, and inherit the tests."""

    def test_what_was_committed_is_there(self, store: OrderedStore) -> None:
        """A committed entry is found under its key, and no other key has one."""
        put(store, SOME)

        assert store.get(b"a\x00") == b"2"
        assert store.get(b"c") is None

    def test_entries_rise_as_bytes_do(self, store: OrderedStore) -> None:
        """Entries come in the order of their keys as unsigned bytes, whatever the order they were put in."""
        put(store, reversed(SOME))

        assert list(store.entries()) == SOME

    def test_before_is_strict(self, store: OrderedStore) -> None:
        """The entry before a key is the greatest below it, never the key's own; before the first there is none."""
        put(store, SOME)
        transaction = store.begin()

        found = [transaction.before_all([key]) for key in (b"a", b"a\x00", b"a\x80", b"b", b"zz")]
        transaction.abort()

        assert found == [[None], [SOME[0]], [SOME[1]], [SOME[2]], [SOME[3]]]

    def test_several_keys_are_looked_before_at_once(self, store: OrderedStore) -> None:
        """Several keys, in any order, are answered as one by one; no keys have no answers."""
        put(store, SOME)
        transaction = store.begin()
        keys = [b"b", b"a", b"zz", b"a\x80", b"b"]

        found = transaction.before_all(keys)
        nothing = transaction.before_all([])
        transaction.abort()

        assert found == [SOME[2], None, SOME[3], SOME[1], SOME[2]]
        assert nothing == []

    def test_around_is_before_and_the_next_key(self, store: OrderedStore) -> None:
        """The neighbours of a key are the entry before it, and the first key from it on."""
        put(store, SOME)
        transaction = store.begin()

        found = [transaction.around(key) for key in (b"A", b"a", b"a\x80", b"b", b"zz")]
        transaction.abort()

        assert found == [(None, b"a"), (None, b"a"), (SOME[1], b"a\xff"), (SOME[2], b"b"), (SOME[3], None)]

    def test_several_are_put_as_one_by_one(self, store: OrderedStore) -> None:
        """Entries put together are there, in place of what was, in any order, with values of no bytes."""
        put(store, SOME)
        transaction = store.begin()

        transaction.put_all({b"c": b"new", b"a": b""})
        transaction.put_all({})
        seen = transaction.get(b"a"), transaction.before_all([b"d"])
        transaction.commit()

        assert seen == (b"", [(b"c", b"new")])
        assert list(store.entries()) == [(b"a", b""), *SOME[1:], (b"c", b"new")]

    def test_before_and_onwards_of_nothing(self, store: OrderedStore) -> None:
        """An empty store has no entry before or after any key."""
        transaction = store.begin()

        assert transaction.before_all([b"a"]) == [None]
        assert transaction.around(b"a") == (None, None)
        assert list(transaction.onwards(b"a")) == []
        transaction.abort()

    def test_onwards_includes_the_key(self, store: OrderedStore) -> None:
        """Going onwards begins with the key itself, if it is there, and rises."""
        put(store, SOME)
        transaction = store.begin()

        assert list(transaction.onwards(b"a\x00")) == SOME[1:]
        assert list(transaction.onwards(b"a\x01")) == SOME[2:]
        assert list(transaction.onwards(b"c")) == []
        transaction.abort()

    def test_a_transaction_sees_its_own_writes(self, store: OrderedStore) -> None:
        """What was put is found by get, before_all and onwards, and nobody else sees it before the commit."""
        put(store, SOME)
        transaction = store.begin()
        transaction.put(b"aa", b"new")

        assert transaction.get(b"aa") == b"new"
        assert transaction.before_all([b"b", b"ab"]) == [SOME[2], (b"aa", b"new")]
        assert next(transaction.onwards(b"a\x02")) == (b"aa", b"new")
        assert store.get(b"aa") is None
        transaction.abort()

    def test_an_aborted_transaction_leaves_nothing(self, store: OrderedStore) -> None:
        """After abort the store is what it was; aborting twice, or after a commit, does nothing."""
        put(store, SOME)
        transaction = store.begin()
        transaction.put(b"a", b"other")
        transaction.abort()
        transaction.abort()

        assert list(store.entries()) == SOME

    def test_a_later_value_takes_the_place(self, store: OrderedStore) -> None:
        """Putting under a key that is there replaces its value."""
        put(store, SOME)
        put(store, [(b"a", b"other")])

        assert store.get(b"a") == b"other"
        assert len(list(store.entries())) == len(SOME)

    def test_a_load_is_putting_one_by_one(self, store: OrderedStore) -> None:
        """Many rising entries loaded at once are there afterwards."""
        many = [(number.to_bytes(4, "big"), bytes(100)) for number in range(5_000)]

        store.load(Reiterable(many))

        assert list(store.entries()) == many

    def test_a_broken_load_leaves_nothing(self, store: OrderedStore) -> None:
        """If the entries fail on the way, none is there."""

        def broken() -> Iterator[Entry]:
            yield b"a", b"1"
            raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011 - raised two lines above
            store.load(broken())

        assert list(store.entries()) == []

    def test_a_load_must_rise_into_an_empty_store(self, store: OrderedStore) -> None:
        """Entries out of order, or below what is there, are refused, and nothing of them is kept."""
        with pytest.raises(ValueError, match="do not rise"):
            store.load(list(reversed(SOME)))
        assert list(store.entries()) == []

        put(store, SOME[-1:])
        with pytest.raises(ValueError, match="not empty"):
            store.load(SOME[:-1])
        assert list(store.entries()) == SOME[-1:]

    def test_the_longest_key_fits(self, store: OrderedStore) -> None:
        """A key of the longest length is stored and found."""
        key = b"k" * store.longest_key
        put(store, [(key, b"1")])

        assert store.get(key) == b"1"
