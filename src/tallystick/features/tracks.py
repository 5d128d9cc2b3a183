"""The compiled replay of tracks: an entity's events one by one, in order of time and arrival, with their values.

An event in order of time is appended; a late one is put in its place. First, last and the time since are single
entries at the ends of a window. The smallest and largest come from a tree over the entries, of which a window takes
one node per level. Different values are counted while the ends of the window walk over the entries.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallystick.features import finalise, rowwise
from tallystick.features.groups import DISTINCT, FIRST, MAX, MIN, SINCE
from tallystick.features.native import native
from tallystick.features.questions import Questions, after, ask, end, most, tell

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MISSING = -(2**63)
"""Stands for a value that an event lacks; no column holds it."""

NAN = finalise.NAN
SHORT = 8  # a window of so few entries is looked through one by one

_decimal, _seconds, _distinct = native(rowwise.decimal), native(finalise.seconds), native(finalise.distinct)


class Track(NamedTuple):
    """A stream's records by entity, as in ``kernel.Events``, with the value of each.

    ``keeps`` tells which belong to the track; where it has no entry, all do. ``values`` has no entry where only the
    times matter. ``codes`` numbers the different values, for a track of which they are counted; there are ``n_codes``.
    """

    starts: Ints
    rows: Ints
    time: Ints
    seq: Ints
    keeps: NDArray[np.bool_]
    values: Ints
    codes: NDArray[np.int32]
    n_codes: int


class Asks(NamedTuple):
    """What is asked of a track: the ends of windows, and slots, shape (n, 6), with their scales and columns.

    A slot is function, place of its newer and of its older end, cap, whether it is a text, and its place among those
    that count different values.
    """

    offsets: Ints
    every: Ints
    slots: Ints
    scales: Floats
    columns: Ints
    n_distinct: int
    has_smallest: bool
    has_largest: bool


class Entries(NamedTuple):
    """The entries of one entity so far: times, values, codes; and trees over -values and values, empty if not asked."""

    times: Ints
    values: Ints
    codes: NDArray[np.int32]
    smallest: Ints
    largest: Ints


class Windows(NamedTuple):
    """For each slot that counts: which entries are in its window, how often each value is, how many values are."""

    since: Ints
    until: Ints
    counts: NDArray[np.int32]
    different: Ints


@native
def follow(entities: tuple[int, int], track: Track, questions: Questions, asks: Asks) -> bool:
    """Answer every question about the entities from the first of a pair up to, not including, the second."""
    first, last = entities
    n_events, n_asked = most(track.starts, first, last), most(questions.starts, first, last)
    entries, windows = _room(n_events, track, asks)
    hints = np.empty(len(asks.offsets), np.int64)
    time, as_of = np.empty(n_asked, np.int64), np.empty(n_asked, np.int64)
    answers = np.empty((len(asks.slots), n_asked))
    for entity in range(first, last):
        n = questions.starts[entity + 1] - questions.starts[entity]
        if n == 0:
            continue
        ask(questions, entity, time[:n], as_of[:n])
        hints[:] = 0
        size, event, end_of = 0, track.starts[entity], track.starts[entity + 1]
        for q in range(n):
            while event < end_of and track.seq[track.rows[event]] <= as_of[q]:
                row = track.rows[event]
                if len(track.keeps) == 0 or track.keeps[row]:
                    _enter(entries, windows, size, track, row)
                    size += 1
                event += 1
            for i in range(len(hints)):
                hints[i] = after(entries.times, size, end(time[q], asks.offsets[i], asks.every[i]), hints[i])
            for i in range(len(asks.slots)):
                span = hints[asks.slots[i, 2]], hints[asks.slots[i, 1]], time[q]
                answers[i, q] = _answer(entries, windows, asks, i, span)
        _forget(entries, windows)
        tell(questions, entity, answers, asks.columns)
    return True


@native
def _room(n_events: int, track: Track, asks: Asks) -> tuple[Entries, Windows]:
    room = 1
    while room < n_events:
        room *= 2
    entries = Entries(
        np.empty(n_events, np.int64),
        np.empty(n_events if len(track.values) else 0, np.int64),
        np.empty(n_events if asks.n_distinct else 0, np.int32),
        np.empty(2 * room if asks.has_smallest else 0, np.int64),
        np.empty(2 * room if asks.has_largest else 0, np.int64),
    )
    n = asks.n_distinct
    counts = np.zeros((n, track.n_codes), np.int32)
    return entries, Windows(np.zeros(n, np.int64), np.zeros(n, np.int64), counts, np.zeros(n, np.int64))


@native
def _enter(entries: Entries, windows: Windows, size: int, track: Track, row: int) -> None:
    """Put one event in its place by time, after its equals."""
    times, values, codes, time = entries.times, entries.values, entries.codes, track.time[row]
    place = size
    while place > 0 and times[place - 1] > time:
        place -= 1
    for i in range(size, place, -1):
        times[i] = times[i - 1]
        if len(values):
            values[i] = values[i - 1]
        if len(codes):
            codes[i] = codes[i - 1]
    times[place] = time
    if len(values):
        values[place] = track.values[row]
    if len(codes):
        codes[place] = track.codes[row]
        _make_place(windows, place, codes[place])
    if len(entries.smallest):
        _plant(entries.smallest, values, -1, place, size)
    if len(entries.largest):
        _plant(entries.largest, values, 1, place, size)


@native
def _make_place(windows: Windows, place: int, code: int) -> None:
    """Let every window keep the entries that it has, and count one that comes between them."""
    for i in range(len(windows.since)):
        if place <= windows.since[i]:
            windows.since[i] += 1
            windows.until[i] += 1
        elif place < windows.until[i]:
            windows.until[i] += 1
            _count(windows, i, code, 1)


@native
def _count(windows: Windows, i: int, code: int, by: int) -> None:
    before = windows.counts[i, code]
    windows.counts[i, code] = before + by
    if before == 0 and by > 0:
        windows.different[i] += 1
    elif before + by == 0:
        windows.different[i] -= 1


@native
def _plant(tree: Ints, values: Ints, sign: int, place: int, size: int) -> None:
    """Let a tree of largest values know the entries from ``place`` to ``size``.

    A node is right once both its children are, and only such nodes are asked.
    """
    room = len(tree) // 2
    for i in range(place, size + 1):
        tree[room + i] = sign * values[i]
    low, high = room + place, room + size
    if low == high:
        while high % 2 == 1 and high > 1:
            high //= 2
            tree[high] = max(tree[2 * high], tree[2 * high + 1])
        return
    while high > 1:
        low, high = low // 2, high // 2
        for node in range(low, high + 1):
            tree[node] = max(tree[2 * node], tree[2 * node + 1])


@native
def _largest(tree: Ints, since: int, until: int) -> int:
    """Return the largest of the entries from ``since`` up to, not including, ``until``."""
    room = len(tree) // 2
    low, high, largest = room + since, room + until, tree[room + since]
    if until - since <= SHORT:
        for i in range(low, high):
            largest = max(largest, tree[i])
        return int(largest)
    while low < high:
        if low % 2 == 1:
            largest = max(largest, tree[low])
            low += 1
        if high % 2 == 1:
            high -= 1
            largest = max(largest, tree[high])
        low, high = low // 2, high // 2
    return int(largest)


@native
def _answer(entries: Entries, windows: Windows, asks: Asks, i: int, span: tuple[int, int, int]) -> float:
    """Finalise one aggregate from the entries since a place, until another, at a time."""
    slot = asks.slots[i]
    function, (since, until, time) = slot[0], span
    if function == DISTINCT:
        _walk(windows, slot[5], entries.codes, since, until)
        return _distinct(windows.different[slot[5]], slot[3])
    if until <= since:
        return NAN
    if function == SINCE:
        return _seconds(time - entries.times[until - 1])
    if function == MIN:
        value = -_largest(entries.smallest, since, until)
    elif function == MAX:
        value = _largest(entries.largest, since, until)
    else:
        value = entries.values[since if function == FIRST else until - 1]
    if value == MISSING:
        return NAN
    return float(value) if slot[4] else _decimal(value, asks.scales[i])


@native
def _walk(windows: Windows, i: int, codes: NDArray[np.int32], since: int, until: int) -> None:
    """Move a window that counts values to where it is asked for: first it grows, then it shrinks."""
    while windows.until[i] < until:
        _count(windows, i, codes[windows.until[i]], 1)
        windows.until[i] += 1
    while windows.since[i] > since:
        windows.since[i] -= 1
        _count(windows, i, codes[windows.since[i]], 1)
    while windows.until[i] > until:
        windows.until[i] -= 1
        _count(windows, i, codes[windows.until[i]], -1)
    while windows.since[i] < since:
        _count(windows, i, codes[windows.since[i]], -1)
        windows.since[i] += 1


@native
def _forget(entries: Entries, windows: Windows) -> None:
    """Empty every window that counts values, for the next entity."""
    for i in range(len(windows.since)):
        for place in range(windows.since[i], windows.until[i]):
            windows.counts[i, entries.codes[place]] = 0
        windows.since[i] = windows.until[i] = windows.different[i] = 0
