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
from tallystick.features.batch.series import LARGEST_WHOLE, Crossings, counted_of, replay_series
from tallystick.features.groups import COUNT, STD, SUM

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Outcome = tuple[int, int, int, int]

FINE, CHANNEL, SERIES = range(3)
"""How a replay ends: well; or with a channel's or a series' running total that grew too large."""

LARGEST_TOTAL = finalise.LARGEST_TOTAL

_count, _total = native(finalise.count), native(finalise.total)
_mean, _std = native(finalise.mean), native(finalise.std)


class Events(NamedTuple):
    """A stream's records, and which of them are whose.

    Those of entity e are rows[starts[e]] to rows[starts[e + 1]], in order of arrival. ``time`` and ``weights``, shape
    (n, channels - 1), are by entity too; ``position`` is in the records' own order.
    """

    starts: Ints
    rows: Ints
    time: Ints
    position: Ints
    weights: Ints


class QuestionLayout(NamedTuple):
    """What a group's questions take, as arrays: the edges' offsets and every, reads (n, 2), and slots (n, 10).

    A read is an edge and a channel: the running total there. A slot is its function, its series, and for number, sum,
    high and low the reads at the newer and the older end of its window, -1 where it needs none; scales and columns
    are the slots'.
    """

    offsets: Ints
    every: Ints
    reads: Ints
    n_series: int
    slots: Ints
    scales: Floats
    columns: Ints


class OwnEvents(NamedTuple):
    """One entity's records in order of arrival, as far as its last question sees them."""

    rows: Ints
    time: Ints
    weights: Ints


class Scratch(NamedTuple):
    """Room for one entity: its events' times and the totals before each, where its edges stand, and its questions.

    Of every question: its time, what it sees, each edge's place, what is read there, its series, and the answers.
    """

    times: Ints
    totals: Ints
    edges: Ints
    requested: Ints
    as_of: Ints
    places: Ints
    read: Ints
    found: Ints
    answers: Floats


@native
def replay_totals(
    entities: tuple[int, int], events: Events, crossings: Crossings, questions: Questions, layout: QuestionLayout
) -> Outcome:
    """Answer every question about the entities from the first of a pair up to, not including, the second.

    Parameters
    ----------
    entities : the first entity and the one after the last
    events : of all entities
    crossings : what became known later, of all entities
    questions : about all entities; their answers are written here
    layout : which totals are read at which edges, and what is made of them

    Returns
    -------
    tuple of int
        How it ended, the channel or series that is to blame, the entity, and the record's row or the crossing's place
        among the entity's.
    """
    first, last = entities
    n_series = layout.n_series
    # Made once, for the largest of these entities, and used for each in turn.
    room = _room(max_rows(events.starts, first, last), max_rows(questions.starts, first, last), events, layout)
    counted = counted_of(n_series, max_rows(crossings.starts, first, last) if n_series else 0)
    for entity in range(first, last):
        n = questions.starts[entity + 1] - questions.starts[entity]
        # An entity that nobody asks about is not replayed, so a total of its own that grew too large refuses nothing.
        if n == 0:
            continue
        own = _for_questions(room, n)
        seen, rises = _seen(events, crossings, questions, entity, own)
        wrong = replay_series(crossings, entity, (own.requested, own.as_of), counted, own.found) if n_series else -1
        if wrong >= 0:
            return SERIES, crossings.series[wrong], entity, wrong - crossings.starts[entity]
        # Where no record was late, one sum and one walk do; else records enter one by one. Both give the same numbers
        # where both may be taken.
        if rises:
            channel, at = _sum_up(seen.weights, own.totals)
            if channel < 0:
                _read(events.position, seen, own, layout, questions.is_own)
        else:
            channel, at = _arrive(events.position, seen, own, layout)
        if channel >= 0:
            return CHANNEL, channel, entity, seen.rows[at]
        for i in range(len(layout.slots)):
            _finish(layout.slots[i], layout.scales[i], own, own.answers[i][:n])
        write_answers(questions, entity, own.answers, layout.columns)
    return FINE, 0, 0, 0


@native
def _room(n_events: int, n_requested: int, events: Events, layout: QuestionLayout) -> Scratch:
    return Scratch(
        np.empty(n_events, np.int64),
        np.zeros((n_events + 1, events.weights.shape[1]), np.int64),
        np.zeros(len(layout.offsets), np.int64),
        np.empty(n_requested, np.int64),
        np.empty(n_requested, np.int64),
        np.empty((len(layout.offsets), n_requested), np.int64),
        np.empty((len(layout.reads) + 1, n_requested), np.int64),  # the last for what is not read
        np.zeros((layout.n_series, n_requested), np.int64),
        np.empty((len(layout.slots), n_requested)),
    )


@native
def _for_questions(room: Scratch, n: int) -> Scratch:
    """Return the room for an entity with n questions; rows of what has two dimensions are cut where they are used."""
    # A slice of two dimensions would not be contiguous, which is another type, and everything compiled once more.
    return Scratch(
        room.times,
        room.totals,
        room.edges,
        room.requested[:n],
        room.as_of[:n],
        room.places,
        room.read,
        room.found,
        room.answers,
    )


@native
def _seen(
    events: Events, crossings: Crossings, questions: Questions, entity: int, room: Scratch
) -> tuple[OwnEvents, bool]:
    """Gather what is asked; return the records that the last question sees, and if none is late.

    Questions that are the events themselves are gathered only where their order of arrival matters.
    """
    begin, last, n_series = events.starts[entity], events.starts[entity + 1], room.found.shape[0]
    if not questions.is_own:
        load_questions(questions, entity, room.requested, room.as_of)
        # What arrived after the last question must not be summed: it could be too large, or late, for nobody to see.
        # Questions are in order of as-of, so the last of them sees most.
        while last > begin and events.position[events.rows[last - 1]] > room.as_of[-1]:
            last -= 1
    times, rises = events.time[begin:last], True
    for i in range(1, len(times)):
        rises = rises and times[i] >= times[i - 1]
    # Only late records, and what became known later, are looked up by the questions' own times.
    is_changed = n_series > 0 and crossings.starts[entity] < crossings.starts[entity + 1]
    if questions.is_own and (is_changed or not rises):
        load_questions(questions, entity, room.requested, room.as_of)
    return OwnEvents(events.rows[begin:last], times, events.weights[begin:last]), rises


@native
def _sum_up(weights: Ints, totals: Ints) -> tuple[int, int]:
    """Sum up the weights of records in order of time; return channel and place of what is too large, or -1."""
    for channel in range(totals.shape[1]):
        total = 0
        for i in range(len(weights)):
            weight = weights[i, channel]
            total += weight
            # A weight is held to the limit by itself too: added to a total of the other sign it could hide, or leave 64
            # bits. Every total is held to it, not only those that a question reads, since online refuses a record when
            # it comes.
            is_large = total > LARGEST_TOTAL or total < -LARGEST_TOTAL
            if is_large or weight > LARGEST_TOTAL or weight < -LARGEST_TOTAL:
                return channel + 1, i
            totals[i + 1, channel] = total
    return -1, 0


@native
def _read(position: Ints, seen: OwnEvents, room: Scratch, layout: QuestionLayout, is_own: bool) -> None:
    """Read the totals of an entity whose records came in order of time: a question sees a beginning of them."""
    # Places are counts of entries. Arrival and time order the entries alike, so what an edge leaves behind it and what
    # a question sees are both beginnings of one list: the shorter one is what counts.
    find_edges(seen.time, room.requested, (layout.offsets, layout.every), is_own, room.places)
    if not is_own:
        for i in range(len(room.places)):
            _hide(position, seen.rows, room.as_of, room.places[i])
    for i in range(len(layout.reads)):
        places, channel, out = room.places[layout.reads[i, 0]], layout.reads[i, 1], room.read[i]
        for q in range(len(room.requested)):
            # Channel 0 counts all events: its running total is the place itself, and is not kept.
            out[q] = places[q] if channel == 0 else room.totals[places[q], channel - 1]


@native
def _hide(position: Ints, rows: Ints, as_of: Ints, out: Ints) -> None:
    """Let no place be beyond the events that a question sees."""
    seen = 0
    for q in range(len(as_of)):
        while seen < len(rows) and position[rows[seen]] <= as_of[q]:
            seen += 1
        out[q] = min(out[q], seen)


@native
def _arrive(position: Ints, seen: OwnEvents, room: Scratch, layout: QuestionLayout) -> tuple[int, int]:
    """Read the totals of an entity with late records, which enter one by one; return what is too large, or -1."""
    size, edges = 0, room.edges
    # Answered at once, one question after the other: after the next late record the places and totals are others.
    edges[:] = 0
    for q in range(len(room.requested)):
        while size < len(seen.rows) and position[seen.rows[size]] <= room.as_of[q]:
            wrong = _insert(room.times, room.totals, size, seen.time[size], seen.weights[size])
            if wrong >= 0:
                return wrong + 1, size
            size += 1
        for i in range(len(edges)):
            # A late record moves what an edge stood at by one; ``count_until`` walks back as well as on, so a hint
            # may be stale.
            edges[i] = count_until(
                room.times, size, edge_instant(room.requested[q], layout.offsets[i], layout.every[i]), edges[i]
            )
        for i in range(len(layout.reads)):
            place, channel = edges[layout.reads[i, 0]], layout.reads[i, 1]
            room.read[i, q] = place if channel == 0 else room.totals[place, channel - 1]
    return -1, 0


@native
def _insert(times: Ints, totals: Ints, size: int, time: int, weights: Ints) -> int:
    """Put one record in its place by time, after its equals; return the channel that grew too large, or -1.

    totals[i] are the totals before entry i, so totals[0] is 0 and a window's total is one difference.
    """
    place = size
    # Ties stay in order of arrival. A record that is late by k entries costs k steps for each channel, no more.
    while place > 0 and times[place - 1] > time:
        times[place] = times[place - 1]
        place -= 1
    times[place] = time
    for channel in range(totals.shape[1]):
        weight = weights[channel]
        if weight > LARGEST_TOTAL or weight < -LARGEST_TOTAL:
            return channel
        # From the end, so that each total is read before it is overwritten. One that is too large ends the replay, so
        # it does not matter that the list is half changed then.
        for i in range(size, place - 1, -1):
            moved = totals[i, channel] + weight
            if moved > LARGEST_TOTAL or moved < -LARGEST_TOTAL:
                return channel
            totals[i + 1, channel] = moved
    return -1


@native
def _finish(slot: Ints, scale: float, room: Scratch, out: Floats) -> None:
    """Finalise one aggregate for all questions from what was read at the ends of its window."""
    function, series, read = slot[0], slot[1], room.read
    number, number_older = read[slot[2]], read[slot[3]]  # where it needs none: another, whose number is not used
    whole, whole_older = read[slot[4]], read[slot[5]]
    # One loop for each function, rather than one loop that asks for the function in every row.
    if function == COUNT:
        for q in range(len(out)):
            out[q] = _count(number[q] - number_older[q])
    elif function == STD:
        high, high_older, low, low_older = read[slot[6]], read[slot[7]], read[slot[8]], read[slot[9]]
        for q in range(len(out)):
            squares = high[q] - high_older[q], low[q] - low_older[q]
            out[q] = _std(number[q] - number_older[q], whole[q] - whole_older[q], squares[0], squares[1], scale)
    elif series >= 0:
        known = room.found[series]
        for q in range(len(out)):
            # A window's total fits 64 bits, since totals stay in half of that; with what became known later it need
            # not.
            s = _sum(whole[q] - whole_older[q] if slot[4] >= 0 else 0, known[q])
            out[q] = _of_sum(function, s, number[q] - number_older[q], scale)
    elif function == SUM:
        for q in range(len(out)):
            out[q] = _total(whole[q] - whole_older[q], scale)
    else:
        for q in range(len(out)):
            out[q] = _mean(whole[q] - whole_older[q], number[q] - number_older[q], scale)


@native
def _of_sum(function: int, s: float, n: int, scale: float) -> float:
    """Return a sum or mean; the sum is the double that the finaliser would make of it first."""
    return _total(s, scale) if function == SUM else _mean(s, n, scale)  # type: ignore[arg-type]


@native
def _sum(left: int, right: int) -> float:
    """Return the sum of two whole numbers as the nearest double, even where it does not fit 64 bits."""
    too_large, too_small = left > LARGEST_WHOLE - max(right, 0), left < -LARGEST_WHOLE - min(right, 0)
    if not (too_large or too_small):
        return float(left + right)
    # Half of the sum fits. Its lost bit only tells a tie from what is a little more, so any place below will do.
    # Online adds in Python's whole numbers, without end, and rounds once.
    half = (left >> 1) + (right >> 1) + (left & right & 1)
    return float(half | ((left ^ right) & 1)) * 2.0
