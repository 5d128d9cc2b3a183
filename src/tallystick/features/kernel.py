"""The compiled replay of running totals: every question about an entity answered as of its moment.

Entities are replayed one by one, with all that is theirs in a few small arrays. Where an entity's records arrived in
order of time, its totals are summed once, and what a question sees is a beginning of them. Where one came late, records
enter one by one in order of arrival, each into its place by time. Every edge of a window remembers where it stood last
and walks from there, so data in time order costs one pass of two pointers, and late data stays right.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallystick.features import finalise
from tallystick.features.groups import COUNT, STD, SUM
from tallystick.features.native import native

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Outcome = tuple[int, int, int, int]

FINE, CHANNEL, SERIES = range(3)
"""How a replay ends: well; or with a channel's or a series' running total that grew too large."""

LARGEST_TOTAL = finalise.LARGEST_TOTAL
LARGEST_WHOLE = 2**63 - 1
STEPS = 24  # an edge walks this far before it searches by halves

_count, _total = native(finalise.count), native(finalise.total)
_mean, _std = native(finalise.mean), native(finalise.std)


class Events(NamedTuple):
    """A stream's records, and which of them are whose.

    Those of entity e are rows[starts[e]] to rows[starts[e + 1]], in order of arrival; ``time``, ``seq`` and
    ``weights``, shape (n, channels - 1), are in the records' own order.
    """

    starts: Ints
    rows: Ints
    time: Ints
    seq: Ints
    weights: Ints


class Crossings(NamedTuple):
    """Entries and exits of values that became known later, by entity, then order of arrival: +weight, then -weight.

    A weight beyond the largest total says that a total is too large from this arrival on.
    """

    starts: Ints
    series: Ints
    seq: Ints
    enters: Ints
    leaves: Ints
    weight: Ints


class Questions(NamedTuple):
    """What is asked, and about whom: of entity e, rows[starts[e]] to rows[starts[e + 1]], by as-of.

    ``time``, ``as_of`` (the last visible place in the order of arrival) and ``answers`` are in the asked order.
    ``is_own`` says that the questions are the events themselves, each as of its own arrival.
    """

    starts: Ints
    rows: Ints
    time: Ints
    as_of: Ints
    answers: Floats
    is_own: bool


class Layout(NamedTuple):
    """Which edges and slots a group has, as arrays: offsets and every (n,), slots (n, 8), scales and columns (n,).

    A slot is function, number, total, high, low, series, newer, older.
    """

    offsets: Ints
    every: Ints
    n_series: int
    slots: Ints
    scales: Floats
    columns: Ints


class Asked(NamedTuple):
    """An entity's questions: their times, what they see, what their series amount to, and room for the answers."""

    time: Ints
    as_of: Ints
    found: Ints
    answers: Floats


class Counted(NamedTuple):
    """What entered (0) and left (1) the series of one entity: the first ``sizes`` of each, and the totals before each.

    Entries and exits stand apart, since each alone mostly come in order of time; hints are where questions stood last.
    """

    times: Ints
    totals: Ints
    sizes: Ints
    hints: Ints


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
def first_beyond(seq: Ints, enters: Ints, leaves: Ints, weight: Ints) -> int:
    """Return the crossing of one series with which a total in order of time is first too large, or -1.

    Totals are looked at after every arrival; what one arrival does at one instant is one step.
    """
    n = 0
    times, seqs = np.empty(2 * len(seq), np.int64), np.empty(2 * len(seq), np.int64)
    weights, totals = np.empty(2 * len(seq), np.int64), np.zeros(2 * len(seq) + 1, np.int64)
    lowest = 2 * len(seq)
    for i in range(len(seq)):
        if weight[i] > LARGEST_TOTAL or weight[i] < -LARGEST_TOTAL:
            return i
        for time, sign in ((enters[i], 1), (leaves[i], -1)):
            place = n
            while place > 0 and times[place - 1] > time:
                times[place], seqs[place], weights[place] = times[place - 1], seqs[place - 1], weights[place - 1]
                place -= 1
            times[place], seqs[place], weights[place] = time, seq[i], sign * weight[i]
            lowest, n = min(lowest, place), n + 1
        if i + 1 == len(seq) or seq[i + 1] != seq[i]:
            if _is_beyond(times, seqs, weights, totals, lowest, n):
                return i
            lowest = n
    return -1


@native
def _is_beyond(times: Ints, seqs: Ints, weights: Ints, totals: Ints, first: int, last: int) -> bool:
    """Correct the totals from a place on, and return whether one is too large between two steps."""
    while first > 0 and times[first - 1] == times[first] and seqs[first - 1] == seqs[first]:
        first -= 1
    for i in range(first, last):
        before = totals[i - 1] if i else 0
        if (before > 0 and weights[i] > LARGEST_WHOLE - before) or (
            before < 0 and weights[i] < -LARGEST_WHOLE - before
        ):
            return True
        total = totals[i] = before + weights[i]
        is_step = i + 1 == last or times[i + 1] != times[i] or seqs[i + 1] != seqs[i]
        if is_step and (total > LARGEST_TOTAL or total < -LARGEST_TOTAL):
            return True
    return False


@native
def replay(
    entities: tuple[int, int], events: Events, crossings: Crossings, questions: Questions, layout: Layout
) -> Outcome:
    """Answer every question about the entities from the first of a pair up to, not including, the second.

    Returns
    -------
    tuple of int
        How it ended, the channel or series that is to blame, the entity, and the record's row or the crossing's place among
        the entity's.
    """
    first, last = entities
    n_events, n_asked, n = most(events.starts, first, last), most(questions.starts, first, last), layout.n_series
    times, totals = np.empty(n_events, np.int64), np.zeros((n_events + 1, events.weights.shape[1]), np.int64)
    edges = np.empty((len(layout.offsets), n_asked), np.int64)
    counted = _counted(n, most(crossings.starts, first, last) if n else 0)
    times_asked, as_of = np.empty(n_asked, np.int64), np.empty(n_asked, np.int64)
    found, answers = np.zeros((n, n_asked), np.int64), np.empty((len(layout.slots), n_asked))
    for entity in range(first, last):
        size = questions.starts[entity + 1] - questions.starts[entity]
        if size == 0:
            continue
        asked = Asked(times_asked[:size], as_of[:size], found[:, :size], answers[:, :size])
        ask(questions, entity, asked.time, asked.as_of)
        wrong = _follow(crossings, entity, asked, counted) if n else -1
        if wrong >= 0:
            return SERIES, crossings.series[wrong], entity, wrong - crossings.starts[entity]
        rows = _visible(events, entity, as_of[size - 1])
        if _gather(events.time, rows, times):
            kind, place, row = _straight(events, rows, times, totals, edges, layout, asked, questions.is_own)
        else:
            kind, place, row = _arrived(events, rows, times, totals, edges[:, 0], layout, asked)
        if kind != FINE:
            return kind, place, entity, row
        tell(questions, entity, asked.answers, layout.columns)
    return FINE, 0, 0, 0


@native
def most(starts: Ints, first: int, last: int) -> int:
    """Return how many rows the entity with the most of them has."""
    most = 0
    for entity in range(first, last):
        most = max(most, starts[entity + 1] - starts[entity])
    return most


@native
def ask(questions: Questions, entity: int, time: Ints, as_of: Ints) -> None:
    """Gather the times and as-ofs of an entity's questions."""
    start = questions.starts[entity]
    for q in range(len(time)):
        row = questions.rows[start + q]
        time[q], as_of[q] = questions.time[row], questions.as_of[row]


@native
def tell(questions: Questions, entity: int, answers: Floats, columns: Ints) -> None:
    """Write the answers, shape (slots, questions), to their rows and columns."""
    start, out = questions.starts[entity], questions.answers
    for q in range(answers.shape[1]):
        row = questions.rows[start + q]
        for i in range(len(columns)):
            out[row, columns[i]] = answers[i, q]


@native
def after(times: Ints, size: int, bound: int, hint: int) -> int:
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
def end(time: int, offset: int, every: int) -> int:
    """Return the instant of an edge."""
    bound = time - offset
    return bound // every * every if every > 0 else bound


@native
def _visible(events: Events, entity: int, as_of: int) -> Ints:
    """Return the entity's records that its last question sees."""
    start, n = events.starts[entity], events.starts[entity + 1]
    while n > start and events.seq[events.rows[n - 1]] > as_of:
        n -= 1
    return events.rows[start:n]


@native
def _gather(time: Ints, rows: Ints, out: Ints) -> bool:
    """Gather the records' times, and return whether none is before the one that arrived before it."""
    before, rises = -LARGEST_WHOLE, True
    for i in range(len(rows)):
        at = time[rows[i]]
        rises = rises and at >= before
        out[i] = before = at
    return rises


@native
def _counted(n_series: int, n_crossings: int) -> Counted:
    return Counted(
        np.empty((n_series, 2, n_crossings), np.int64),
        np.zeros((n_series, 2, n_crossings + 1), np.int64),
        np.zeros((n_series, 2), np.int64),
        np.zeros((n_series, 2), np.int64),
    )


@native
def _follow(crossings: Crossings, entity: int, asked: Asked, counted: Counted) -> int:
    """Fill in what every series amounts to at every question; return the crossing that is too large, or -1."""
    change, last = crossings.starts[entity], crossings.starts[entity + 1]
    counted.sizes[:], counted.hints[:] = 0, 0
    if change == last:
        asked.found[:] = 0
        return -1
    for q in range(len(asked.time)):
        while change < last and crossings.seq[change] <= asked.as_of[q]:
            series, weight = crossings.series[change], crossings.weight[change]
            if weight > LARGEST_TOTAL:
                return int(change)
            _cross(counted, series, 0, crossings.enters[change], weight)
            _cross(counted, series, 1, crossings.leaves[change], weight)
            change += 1
        for i in range(len(counted.sizes)):
            entered, left = _passed(counted, i, 0, asked.time[q]), _passed(counted, i, 1, asked.time[q])
            asked.found[i, q] = entered - left
    return -1


@native
def _cross(counted: Counted, i: int, side: int, time: int, weight: int) -> None:
    """Put one entry or exit in its place by time, and correct the totals after it."""
    times, totals, place = counted.times[i, side], counted.totals[i, side], counted.sizes[i, side]
    counted.sizes[i, side] += 1
    while place > 0 and times[place - 1] > time:
        times[place] = times[place - 1]
        totals[place + 1] = totals[place] + weight
        place -= 1
    times[place] = time
    totals[place + 1] = totals[place] + weight


@native
def _passed(counted: Counted, i: int, side: int, time: int) -> int:
    """Return the total of what entered or left up to an instant."""
    place = after(counted.times[i, side], counted.sizes[i, side], time, counted.hints[i, side])
    counted.hints[i, side] = place
    return int(counted.totals[i, side, place])


@native
def _straight(
    events: Events, rows: Ints, times: Ints, totals: Ints, edges: Ints, layout: Layout, asked: Asked, is_own: bool
) -> tuple[int, int, int]:
    """Answer about an entity whose records came in order of time: what a question sees is a beginning of them."""
    n = len(rows)
    for channel in range(totals.shape[1]):
        total = 0
        for i in range(n):
            weight = events.weights[rows[i], channel]
            if weight > LARGEST_TOTAL or weight < -LARGEST_TOTAL:
                return CHANNEL, channel + 1, rows[i]
            total += weight
            if total > LARGEST_TOTAL or total < -LARGEST_TOTAL:
                return CHANNEL, channel + 1, rows[i]
            totals[i + 1, channel] = total
    for i in range(len(layout.offsets)):
        offset, every, place, seen = layout.offsets[i], layout.every[i], 0, 0
        for q in range(len(asked.time)):
            place = after(times, n, end(asked.time[q], offset, every), place)
            if is_own:
                seen = q + 1
            else:
                while seen < n and events.seq[rows[seen]] <= asked.as_of[q]:
                    seen += 1
            edges[i, q] = min(place, seen)
    for i in range(len(layout.slots)):
        newer, older = layout.slots[i, 6], layout.slots[i, 7]
        for q in range(len(asked.time)):
            until, since = (edges[newer, q], edges[older, q]) if newer >= 0 else (0, 0)
            _answer(layout, i, totals, until, since, asked, q)
    return FINE, 0, 0


@native
def _arrived(
    events: Events, rows: Ints, times: Ints, totals: Ints, edges: Ints, layout: Layout, asked: Asked
) -> tuple[int, int, int]:
    """Answer about an entity with late records, which enter one by one in order of arrival."""
    size = 0
    edges[:] = 0
    for q in range(len(asked.time)):
        while size < len(rows) and events.seq[rows[size]] <= asked.as_of[q]:
            wrong = _insert(times, totals, size, events.time[rows[size]], events.weights[rows[size]])
            if wrong >= 0:
                return CHANNEL, wrong + 1, rows[size]
            size += 1
        for i in range(len(layout.offsets)):
            edges[i] = after(times, size, end(asked.time[q], layout.offsets[i], layout.every[i]), edges[i])
        for i in range(len(layout.slots)):
            newer, older = layout.slots[i, 6], layout.slots[i, 7]
            until, since = (edges[newer], edges[older]) if newer >= 0 else (0, 0)
            _answer(layout, i, totals, until, since, asked, q)
    return FINE, 0, 0


@native
def _insert(times: Ints, totals: Ints, size: int, time: int, weights: Ints) -> int:
    """Put one record in its place by time, after its equals; return the channel that grew too large, or -1.

    totals[i] are the totals before entry i, so totals[0] is 0 and a window's total is one difference.
    """
    place = size
    while place > 0 and times[place - 1] > time:
        times[place] = times[place - 1]
        place -= 1
    times[place] = time
    for channel in range(totals.shape[1]):
        weight = weights[channel]
        if weight > LARGEST_TOTAL or weight < -LARGEST_TOTAL:
            return channel
        for i in range(size, place - 1, -1):
            moved = totals[i, channel] + weight
            if moved > LARGEST_TOTAL or moved < -LARGEST_TOTAL:
                return channel
            totals[i + 1, channel] = moved
    return -1


@native
def _answer(layout: Layout, i: int, totals: Ints, until: int, since: int, asked: Asked, q: int) -> None:
    """Finalise one aggregate from the totals at the ends of its window."""
    slot, scale = layout.slots[i], layout.scales[i]
    function, number, total, series = slot[0], slot[1], slot[2], slot[5]
    n = s = 0
    if number == 0:
        n = until - since
    elif number > 0:
        n = totals[until, number - 1] - totals[since, number - 1]
    if total >= 0:
        s = totals[until, total - 1] - totals[since, total - 1]
    if function == COUNT:
        asked.answers[i, q] = _count(n)
    elif function == STD:
        high = totals[until, slot[3] - 1] - totals[since, slot[3] - 1]
        asked.answers[i, q] = _std(n, s, high, totals[until, slot[4] - 1] - totals[since, slot[4] - 1], scale)
    else:
        whole = _sum(s, asked.found[series, q]) if series >= 0 else float(s)
        if function == SUM:
            asked.answers[i, q] = _total(whole, scale)  # type: ignore[arg-type]  # the double it would make first
        else:
            asked.answers[i, q] = _mean(whole, n, scale)  # type: ignore[arg-type]


@native
def _sum(left: int, right: int) -> float:
    """Return the sum of two whole numbers as the nearest double, even where it does not fit 64 bits."""
    too_large, too_small = left > LARGEST_WHOLE - max(right, 0), left < -LARGEST_WHOLE - min(right, 0)
    if not (too_large or too_small):
        return float(left + right)
    # Half of the sum fits. Its lost bit only tells a tie from what is a little more, so any place below will do.
    half = (left >> 1) + (right >> 1) + (left & right & 1)
    return float(half | ((left ^ right) & 1)) * 2.0
