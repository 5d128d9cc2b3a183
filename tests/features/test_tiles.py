"""Tiles tell of a window what its events tell, whatever arrives in whatever order."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.features.online.tiles import FEW, LEVELS, Tiles, cover
from tallystick.features.state import keys
from tallystick.features.state.lmdb import LmdbStore, LmdbTransaction

EVENTS, ANN = keys.list_of(keys.TRACK, 0, 0), keys.length_prefixed(b"ann")
DAY = 86_400_000_000
NEAR = [0, 1, -1, 2**26, 2**26 - 1, 2**30, 2**34 + 5, 2**38, -(2**38), 3 * 2**38, 40 * DAY]
INSTANTS = st.sampled_from(NEAR) | st.integers(-40 * DAY, 40 * DAY) | st.integers(0, 200_000_000)


@given(INSTANTS, INSTANTS)
def test_a_window_is_covered_once(one: int, other: int) -> None:
    """The stretches of a window are disjoint and together it, and there are few of them."""
    older, newer = sorted((one, other))

    pieces = cover(older, newer)

    widths = (0, *LEVELS)
    spans = sorted((first << widths[level + 1], last << widths[level + 1]) for level, first, last in pieces)
    ends = [end for span in spans for end in span]
    assert ends[0] == older + 1
    assert ends[-1] == newer + 1
    assert ends[1:-1:2] == ends[2:-1:2]
    assert all(last - first < 2 * 16 for level, first, last in pieces if 0 <= level < len(LEVELS) - 1)


@given(st.lists(st.tuples(INSTANTS, st.integers(-5, 5)), min_size=FEW, max_size=4 * FEW), INSTANTS, INSTANTS)
def test_tiles_are_their_events(events: list[tuple[int, int]], one: int, other: int) -> None:
    """Extremes and different values over any window are those of the events in it, in any order of arrival."""
    older, newer = sorted((one, other))
    values = {value for time, value in events if older < time <= newer}
    with transaction() as state:
        extreme, distinct = (Tiles(kind, 0, 0, EVENTS) for kind in (keys.EXTREME, keys.DISTINCT))
        for position, (time, value) in enumerate(events):
            append(state, (extreme, distinct), time, position, keys.pack_whole(value))

        found = extreme.extremes(state, ANN, older, newer), distinct.n_distinct(state, ANN, older, newer, 100)
        capped = distinct.n_distinct(state, ANN, older, newer, 2)

    assert found == ((min(values), max(values)) if values else None, len(values))
    assert capped == min(len(values), 3)


@pytest.mark.parametrize("n", [FEW, 20 * FEW])
def test_long_texts_are_told_apart(n: int) -> None:
    """Texts longer than a key can hold differ if they differ anywhere."""
    with transaction() as state:
        distinct = Tiles(keys.DISTINCT, 0, 0, EVENTS)
        for position in range(n):
            append(state, (distinct,), position * 1_000_000, position, b"x" * 1_000 + b"%d" % (position % 7))

        assert distinct.n_distinct(state, ANN, -1, n * 1_000_000, 10) == 7


def test_many_events_are_few_entries() -> None:
    """A window over thirty days of an event a minute reads hundreds of times fewer entries than it has events."""
    with transaction() as state:
        extreme = Tiles(keys.EXTREME, 0, 0, EVENTS)
        for position in range(30 * 24 * 60):
            append(state, (extreme,), position * 60_000_000, position, keys.pack_whole(position))
        counted = Counting(state)

        assert extreme.extremes(counted, ANN, DAY, 30 * DAY) == (24 * 60 + 1, 30 * 24 * 60 - 1)
        assert counted.n_read < 43_200 / 200


class Counting:
    """Counts the entries that are read onwards."""

    def __init__(self, state: LmdbTransaction) -> None:
        self.state, self.n_read = state, 0

    def onwards(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the entries, counted."""
        for entry in self.state.onwards(key):
            self.n_read += 1
            yield entry


def append(state: LmdbTransaction, tiles: tuple[Tiles, ...], time: int, position: int, packed: bytes) -> None:
    """Let an event enter its track and tiles."""
    entries = {EVENTS + ANN + keys.at(time, position): packed}
    for each in tiles:
        entries.update(each.entering(state, ANN, time, packed))
    state.put_all(entries)


@contextmanager
def transaction() -> Iterator[LmdbTransaction]:
    """Open a transaction of a store in a folder of its own."""
    with TemporaryDirectory() as folder:
        store = LmdbStore(Path(folder))
        state = store.begin()
        try:
            yield state
        finally:
            state.abort()
            store.close()
