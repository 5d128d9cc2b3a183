"""The compiled replay: every entity's records in order of arrival, every question answered as of its moment.

For each entity it keeps running totals in order of time, in plain arrays. A record in time order is appended; a late
one is put in its place and the totals after it are corrected. Every edge of a window remembers where it stood last
and walks from there, so data in time order costs one pass of two pointers, and late data stays right.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallystick.features import finalise
from tallystick.features.known import crossing
from tallystick.features.native import native
from tallystick.features.plan import COUNT, SUM

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FINE = -1
LARGEST_TOTAL = finalise.LARGEST_TOTAL
STEPS = 24  # an edge walks this far before it searches by halves

_count, _total, _mean = native(finalise.count), native(finalise.total), native(finalise.mean)
_crossing = native(crossing)


class Events(NamedTuple):
    """Records by entity, then order of arrival: those of entity e stand at starts[e] to starts[e + 1].

    ``rows`` tells which record stands there; ``weights``, shape (n, channels - 1), what it adds to the totals.
    """

    starts: Ints
    rows: Ints
    time: Ints
    seq: Ints
    weights: Ints


class Flags(NamedTuple):
    """Changes of flags by entity, then order of arrival, each with its flag's place and its record's time."""

    starts: Ints
    flag: Ints
    seq: Ints
    time: Ints
    known: Ints
    before: Ints


class Questions(NamedTuple):
    """What is asked by entity, then as-of: the time, the last visible place, the row of ``answers`` to fill."""

    starts: Ints
    rows: Ints
    time: Ints
    as_of: Ints
    answers: Floats


class Layout(NamedTuple):
    """A group's plan as arrays: offsets (n,), series (n, 3), slots (n, 6), their scales and columns (n,)."""

    offsets: Ints
    series: Ints
    slots: Ints
    scales: Floats
    columns: Ints


class Counted(NamedTuple):
    """The flag series of one entity: the first ``sizes[i]`` crossings of each, and the totals before each."""

    times: Ints
    totals: Ints
    sizes: Ints


@native
def by_entity(codes: NDArray[np.int32], n_entities: int) -> tuple[Ints, Ints]:
    """Return where each entity's rows start, and the rows by entity in their own order; code -1 has no entity."""
    starts = np.zeros(n_entities + 1, np.int64)
    for code in codes:
        if code >= 0:
            starts[code + 1] += 1
    for entity in range(n_entities):
        starts[entity + 1] += starts[entity]
    rows = np.empty(starts[n_entities], np.int64)
    place = starts[:-1].copy()
    for row in range(len(codes)):
        code = codes[row]
        if code >= 0:
            rows[place[code]] = row
            place[code] += 1
    return starts, rows


@native
def replay(
    entities: tuple[int, int], events: Events, flags: Flags, questions: Questions, layout: Layout
) -> tuple[int, int]:
    """Answer every question about the entities from the first of a pair up to, not including, the second.

    Returns
    -------
    tuple of int
        The row and channel of the record whose totals grew too large; the row is FINE where there is none.
    """
    first, last = entities
    n_events, n_crossings = _most(events.starts, first, last), 2 * _most(flags.starts, first, last)
    times = np.empty(n_events, np.int64)
    totals = np.zeros((n_events + 1, events.weights.shape[1] + 1), np.int64)
    n = len(layout.series)
    counted = Counted(
        np.empty((n, n_crossings), np.int64), np.zeros((n, n_crossings + 1), np.int64), np.zeros(n, np.int64)
    )
    edges, hints, found = np.zeros(len(layout.offsets), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for entity in range(first, last):
        size, event, change = 0, events.starts[entity], flags.starts[entity]
        edges[:], hints[:], counted.sizes[:] = 0, 0, 0
        for q in range(questions.starts[entity], questions.starts[entity + 1]):
            at, as_of = questions.time[q], questions.as_of[q]
            while event < events.starts[entity + 1] and events.seq[event] <= as_of:
                wrong = _insert(times, totals, size, events.time[event], events.weights[event])
                if wrong >= 0:
                    return events.rows[event], wrong
                size, event = size + 1, event + 1
            while change < flags.starts[entity + 1] and flags.seq[change] <= as_of:
                _report(counted, flags, change, layout.series)
                change += 1
            for i in range(len(layout.offsets)):
                edges[i] = _after(times, size, at - layout.offsets[i], edges[i])
            for i in range(n):
                hints[i] = _after(counted.times[i], counted.sizes[i], at, hints[i])
                found[i] = counted.totals[i, hints[i]]
            _answer(layout, totals, edges, found, questions.answers[questions.rows[q]])
    return FINE, 0


@native
def _most(starts: Ints, first: int, last: int) -> int:
    most = 0
    for entity in range(first, last):
        most = max(most, starts[entity + 1] - starts[entity])
    return most


@native
def _insert(times: Ints, totals: Ints, size: int, time: int, weights: Ints) -> int:
    """Put one record in its place by time, after its equals; return the channel that grew too large, or FINE.

    totals[i] are the totals before entry i, so totals[0] is 0 and a window's total is one difference.
    """
    place = size
    while place > 0 and times[place - 1] > time:
        times[place] = times[place - 1]
        place -= 1
    times[place] = time
    totals[size + 1, 0] = size + 1
    for channel in range(1, totals.shape[1]):
        weight = weights[channel - 1]
        if weight > LARGEST_TOTAL or weight < -LARGEST_TOTAL:
            return channel
        for i in range(size, place - 1, -1):
            moved = totals[i, channel] + weight
            if moved > LARGEST_TOTAL or moved < -LARGEST_TOTAL:
                return channel
            totals[i + 1, channel] = moved
    return FINE


@native
def _report(counted: Counted, flags: Flags, change: int, series: Ints) -> None:
    """Let one change of a flag enter and leave every series of that flag."""
    for i in range(len(series)):
        if series[i, 0] == flags.flag[change]:
            enters, leaves = _crossing(
                flags.known[change], flags.before[change], flags.time[change], series[i, 1], series[i, 2]
            )
            if enters < leaves:
                _cross(counted, i, enters, 1)
                _cross(counted, i, leaves, -1)


@native
def _cross(counted: Counted, i: int, time: int, weight: int) -> None:
    """Put one crossing in its place by time, and correct the totals after it."""
    times, totals, place = counted.times[i], counted.totals[i], counted.sizes[i]
    while place > 0 and times[place - 1] > time:
        times[place] = times[place - 1]
        totals[place + 1] = totals[place] + weight
        place -= 1
    times[place] = time
    totals[place + 1] = totals[place] + weight
    counted.sizes[i] += 1


@native
def _after(times: Ints, size: int, bound: int, hint: int) -> int:
    """Return how many entries lie at or before ``bound``, searching from where the last answer was."""
    place, steps = min(hint, size), 0
    while place < size and times[place] <= bound and steps < STEPS:
        place, steps = place + 1, steps + 1
    while place > 0 and times[place - 1] > bound and steps < STEPS:
        place, steps = place - 1, steps + 1
    if steps < STEPS:
        return place
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if times[middle] <= bound:
            low = middle + 1
        else:
            high = middle
    return low


@native
def _answer(layout: Layout, totals: Ints, edges: Ints, found: Ints, out: Floats) -> None:
    """Finalise every aggregate from the totals at the edges of its window."""
    for i in range(len(layout.slots)):
        function, number, total = layout.slots[i, 0], layout.slots[i, 1], layout.slots[i, 2]
        series, newer, older = layout.slots[i, 3], layout.slots[i, 4], layout.slots[i, 5]
        n = s = 0
        if newer >= 0:
            n = totals[edges[newer], number] - totals[edges[older], number]
        if series >= 0:
            s = found[series]
        elif total >= 0:
            s = totals[edges[newer], total] - totals[edges[older], total]
        if function == COUNT:
            out[layout.columns[i]] = _count(n)
        elif function == SUM:
            out[layout.columns[i]] = _total(s, layout.scales[i])
        else:
            out[layout.columns[i]] = _mean(s, n, layout.scales[i])
