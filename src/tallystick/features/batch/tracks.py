"""The compiled replay of tracks: an entity's events one by one, in order of time and arrival, with their values.

An event in order of time is appended; a late one is put in its place. First, last and the time since are single
entries at the ends of a window. The smallest and largest come from a tree over the entries, of which a window takes
one node per level. Different values are counted while the ends of the window walk over the entries.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallystick.features import finalise, rowwise
from tallystick.features.batch.native import native
from tallystick.features.batch.questions import (
    Questions,
    count_until,
    edge_instant,
    find_edges,
    load_questions,
    max_rows,
    write_answers,
)
from tallystick.features.batch.trees import largest, update
from tallystick.features.groups import DISTINCT, FIRST, MAX, MIN, SINCE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MISSING = -(2**63)
"""Stands for a value that an event lacks; no column holds it."""

NAN, LARGEST_WHOLE = finalise.NAN, 2**63 - 1

_decimal, _seconds, _distinct = native(rowwise.decimal), native(finalise.seconds), native(finalise.distinct)


class EventValues(NamedTuple):
    """A stream's records by entity, as in ``kernel.Events``, with the value of each.

    ``keeps`` tells which belong to the track; where it has no entry, all do. ``values`` has no entry where only the
    times matter. ``codes`` numbers the different values, for a track of which they are counted; there are ``n_codes``.
    """

    starts: Ints
    rows: Ints
    time: Ints
    position: Ints
    keeps: NDArray[np.bool_]
    values: Ints
    codes: NDArray[np.int32]
    n_codes: int


class TrackQuestions(NamedTuple):
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


class EntityQuestions(NamedTuple):
    """An entity's questions: their times and as-ofs, where every edge stands, how many entries they see, answers."""

    time: Ints
    as_of: Ints
    places: Ints
    seen: Ints
    answers: Floats


@native
def replay_tracks(entities: tuple[int, int], track: EventValues, questions: Questions, asks: TrackQuestions) -> bool:
    """Answer every question about the entities from the first of a pair up to, not including, the second.

    Parameters
    ----------
    entities : the first entity and the one after the last
    track : the events of all entities
    questions : about all entities; their answers are written here
    asks : which edges and slots are asked of the track
    """
    first, last = entities
    n_events, n_requested = max_rows(track.starts, first, last), max_rows(questions.starts, first, last)
    entries, windows = _room(n_events, track, asks)
    time, as_of, seen = (
        np.empty(n_requested, np.int64),
        np.empty(n_requested, np.int64),
        np.empty(n_requested, np.int64),
    )
    places, answers = np.empty((len(asks.offsets), n_requested), np.int64), np.empty((len(asks.slots), n_requested))
    for entity in range(first, last):
        n = questions.starts[entity + 1] - questions.starts[entity]
        if n == 0:
            continue
        requested = EntityQuestions(time[:n], as_of[:n], places, seen[:n], answers)
        load_questions(questions, entity, requested.time, requested.as_of)
        # All events enter, those that arrive after the last question too: nothing can grow too large here, and every
        # question looks only at the first entries, as many as it sees.
        size = _entered(entries, track, entity)
        if size >= 0:
            _look(track, entity, requested)
            _stand(entries.times[:size], asks, requested, questions.is_own and len(track.keeps) == 0)
            for i in range(len(asks.slots)):
                _finish(entries, windows, asks, i, requested)
        else:
            _arrive(entries, windows, requested, asks, (track, entity))
        write_answers(questions, entity, answers, asks.columns)
    return True


@native
def _entered(entries: Entries, track: EventValues, entity: int) -> int:
    """Put an entity's events in their places, and return how many; -1 where one came late."""
    size, before = 0, -LARGEST_WHOLE
    for event in range(track.starts[entity], track.starts[entity + 1]):
        row = track.rows[event]
        if len(track.keeps) and not track.keeps[row]:
            continue
        at = track.time[row]
        # What was put so far stays: the other way begins anew, and overwrites it.
        if at < before:
            return -1
        entries.times[size] = before = at
        if len(entries.values):
            entries.values[size] = track.values[row]
        if len(entries.codes):
            entries.codes[size] = track.codes[row]
        size += 1
    if size and len(entries.smallest):
        update(entries.smallest, entries.values, -1, 0, size - 1)
    if size and len(entries.largest):
        update(entries.largest, entries.values, 1, 0, size - 1)
    return size


@native
def _look(track: EventValues, entity: int, requested: EntityQuestions) -> None:
    """Count the entries that every question sees."""
    event, last, seen = track.starts[entity], track.starts[entity + 1], 0
    for q in range(len(requested.time)):
        while event < last and track.position[track.rows[event]] <= requested.as_of[q]:
            if len(track.keeps) == 0 or track.keeps[track.rows[event]]:
                # Only entries count, since places are places among entries; with a condition these are fewer than the
                # events.
                seen += 1
            event += 1
        requested.seen[q] = seen


@native
def _stand(times: Ints, asks: TrackQuestions, requested: EntityQuestions, is_own: bool) -> None:
    """Find the place of every edge at every question, among the entries that it sees."""
    # Where every event is an entry and asks, a question's own event is the last that it sees, and the walk knows it.
    find_edges(times, requested.time, (asks.offsets, asks.every), is_own, requested.places)
    if not is_own:
        # Time and arrival order the entries alike: a question sees the first ``seen`` of them, wherever its edge
        # stands.
        for out in requested.places:
            for q in range(len(requested.time)):
                out[q] = min(out[q], requested.seen[q])


@native
def _finish(entries: Entries, windows: Windows, asks: TrackQuestions, i: int, requested: EntityQuestions) -> None:
    """Finalise one aggregate for all questions about entries in order of time."""
    slot, scale, out = asks.slots[i], asks.scales[i], requested.answers[i][: len(requested.time)]
    function, until, since, is_text = slot[0], requested.places[slot[1]], requested.places[slot[2]], slot[4] != 0
    times, values = entries.times, entries.values
    if function == DISTINCT:
        _tell_apart(entries.codes, windows.counts[slot[5]], (since, until), slot[3], out)
    elif function == SINCE:
        for q in range(len(out)):
            out[q] = _seconds(requested.time[q] - times[until[q] - 1]) if until[q] > since[q] else NAN
    elif function in (MIN, MAX):
        sign, tree = (-1, entries.smallest) if function == MIN else (1, entries.largest)
        for q in range(len(out)):
            out[q] = _decimal(sign * largest(tree, since[q], until[q]), scale) if until[q] > since[q] else NAN
    else:
        for q in range(len(out)):
            value = MISSING
            if until[q] > since[q]:
                value = values[since[q]] if function == FIRST else values[until[q] - 1]
            out[q] = _valued(value, is_text, scale)


@native
def _valued(value: int, is_text: bool, scale: float) -> float:
    if value == MISSING:
        return NAN
    return float(value) if is_text else _decimal(value, scale)


@native
def _tell_apart(
    codes: NDArray[np.int32], counts: NDArray[np.int32], ends: tuple[Ints, Ints], cap: int, out: Floats
) -> None:
    """Count the different values of every window, whose ends walk from where they last were; leave all counts at 0."""
    since, until = ends
    low = high = different = 0
    for q in range(len(out) + 1):
        # After the last question comes an empty window at its place, so that the counts are 0 again.
        new_low, new_high = (since[q], max(since[q], until[q])) if q < len(out) else (high, high)
        # It grows at both ends before it shrinks, so that no count falls below 0 on the way, wherever the window jumps.
        # Questions in order of time cost one pass over the entries; others walk from where the last one was.
        while high < new_high:
            different += counts[codes[high]] == 0
            counts[codes[high]] += 1
            high += 1
        while low > new_low:
            low -= 1
            different += counts[codes[low]] == 0
            counts[codes[low]] += 1
        while high > new_high:
            high -= 1
            counts[codes[high]] -= 1
            different -= counts[codes[high]] == 0
        while low < new_low:
            counts[codes[low]] -= 1
            different -= counts[codes[low]] == 0
            low += 1
        if q < len(out):
            out[q] = _distinct(different, cap)


@native
def _arrive(
    entries: Entries, windows: Windows, requested: EntityQuestions, asks: TrackQuestions, of: tuple[EventValues, int]
) -> None:
    """Answer about an entity of a track with late events, which enter one by one in order of arrival."""
    track, entity = of
    size, event, last = 0, track.starts[entity], track.starts[entity + 1]
    # Only its length and type matter: one place for each edge.
    hints = requested.places[:, 0].copy()
    hints[:] = 0
    for q in range(len(requested.time)):
        while event < last and track.position[track.rows[event]] <= requested.as_of[q]:
            row = track.rows[event]
            if len(track.keeps) == 0 or track.keeps[row]:
                _enter(entries, windows, size, track, row)
                size += 1
            event += 1
        for i in range(len(hints)):
            hints[i] = count_until(
                entries.times, size, edge_instant(requested.time[q], asks.offsets[i], asks.every[i]), hints[i]
            )
        for i in range(len(asks.slots)):
            # Answered at once: after the next late event the places are others.
            span = hints[asks.slots[i, 2]], hints[asks.slots[i, 1]], requested.time[q]
            requested.answers[i, q] = _answer(entries, windows, asks, i, span)
    # Counts are kept by value over all entities' values, so they are emptied along the entries, not along the values.
    _forget(entries, windows)


@native
def _room(n_events: int, track: EventValues, asks: TrackQuestions) -> tuple[Entries, Windows]:
    room = 1
    while room < n_events:
        room *= 2
    # A power of two of leaves: each level is half of the one below, and a node's children are found by doubling.
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
def _enter(entries: Entries, windows: Windows, size: int, track: EventValues, row: int) -> None:
    """Put one event in its place by time, after its equals."""
    times, values, codes, time = entries.times, entries.values, entries.codes, track.time[row]
    place = size
    # Ties stay in order of arrival: the later one is the last of them, and so what ``last`` answers.
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
        update(entries.smallest, values, -1, place, size)
    if len(entries.largest):
        update(entries.largest, values, 1, place, size)


@native
def _make_place(windows: Windows, place: int, code: int) -> None:
    """Let every window keep the entries that it has, and count one that comes between them."""
    for i in range(len(windows.since)):
        # Windows stand at places, and remember which entries they counted: an entry before moves both ends along, one
        # inside is counted though no end passes it, one behind the window changes nothing.
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
def _answer(entries: Entries, windows: Windows, asks: TrackQuestions, i: int, span: tuple[int, int, int]) -> float:
    """Finalise one aggregate from the entries since a place, until another, at a time."""
    slot = asks.slots[i]
    function, (since, until, time) = slot[0], span
    # Of an empty window no values are different, which is an answer; all other functions are missing there.
    if function == DISTINCT:
        _walk(windows, slot[5], entries.codes, since, until)
        return _distinct(windows.different[slot[5]], slot[3])
    if until <= since:
        return NAN
    if function == SINCE:
        return _seconds(time - entries.times[until - 1])
    if function == MIN:
        # The tree of smallest values is one of negatives. The one number without a negative means missing, and is not
        # in it.
        value = -largest(entries.smallest, since, until)
    elif function == MAX:
        value = largest(entries.largest, since, until)
    else:
        value = entries.values[since if function == FIRST else until - 1]
    return _valued(value, slot[4] != 0, asks.scales[i])


@native
def _walk(windows: Windows, i: int, codes: NDArray[np.int32], since: int, until: int) -> None:
    """Move a window that counts values to where it is asked for: first it grows, then it shrinks."""
    # As where entries are in order: no count falls below 0 on the way.
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
