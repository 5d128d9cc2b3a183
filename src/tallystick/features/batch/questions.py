"""Questions about entities, gathered and answered by compiled functions: whose they are, and where a window ends."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallystick.features.batch.native import native

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STEPS = 24  # an edge walks this far before it searches by halves


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


@native
def by_entity(codes: NDArray[np.int32], n_entities: int) -> tuple[Ints, Ints]:
    """Return where each entity's rows start, and the rows by entity in their own order; code -1 has no entity.

    Parameters
    ----------
    codes : shape (n,), the entity of each row, 0 to n_entities - 1
    n_entities : how many there are; some may have no row
    """
    # A counting sort: two passes over the rows, however many entities there are, and rows of one keep their order.
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
def gather(codes: NDArray[np.int32], starts: Ints, values: Ints, out: Ints) -> None:
    """Put the rows of values, shape (n, k), by entity, as ``by_entity`` orders them.

    They are read in their own order: where the next ones of every entity go stays near the processor.

    Parameters
    ----------
    codes : shape (n,), the entity of each row; rows of code -1 are left out
    starts : where each entity's rows start in ``out``, as ``by_entity`` returns it
    values : shape (n, k)
    out : shape (rows with an entity, k), filled
    """
    next_place = starts[:-1].copy()
    for row in range(len(codes)):
        code = codes[row]
        if code >= 0:
            place = next_place[code]
            next_place[code] = place + 1
            for i in range(values.shape[1]):
                out[place, i] = values[row, i]


@native
def max_rows(starts: Ints, first: int, last: int) -> int:
    """Return how many rows the entity with the most of them has.

    Parameters
    ----------
    starts : where each entity's rows start
    first, last : the first entity, and the one after the last
    """
    most = 0
    for entity in range(first, last):
        most = max(most, starts[entity + 1] - starts[entity])
    return most


@native
def load_questions(questions: Questions, entity: int, time: Ints, as_of: Ints) -> None:
    """Gather the times and as-ofs of an entity's questions.

    Parameters
    ----------
    questions : about all entities
    entity : whose
    time, as_of : filled; as long as the entity has questions
    """
    start = questions.starts[entity]
    for q in range(len(time)):
        row = questions.rows[start + q]
        time[q], as_of[q] = questions.time[row], questions.as_of[row]


@native
def write_answers(questions: Questions, entity: int, answers: Floats, columns: Ints) -> None:
    """Write the answers, shape (slots, questions or more), to their rows and columns.

    Parameters
    ----------
    questions : about all entities; their ``answers`` are written
    entity : whose
    answers : shape (slots, questions or more), in the order of the entity's questions
    columns : shape (slots,), the column of each slot in the result
    """
    start, out = questions.starts[entity], questions.answers
    for q in range(questions.starts[entity + 1] - start):
        row = questions.rows[start + q]
        for i in range(len(columns)):
            out[row, columns[i]] = answers[i, q]


@native
def count_until(times: Ints, size: int, bound: int, hint: int) -> int:
    """Return how many entries lie at or before ``bound``, searching from where the last answer was.

    Parameters
    ----------
    times : instants of entries, rising; those from ``size`` on are not looked at
    size : how many entries there are
    bound : an instant; an entry at it counts
    hint : the last answer, or any place from 0 on
    """
    # Where questions come in order of time, an edge moves by about as many entries as come in, so that all of them
    # together cost one pass; a jump costs a search by halves. The hint may be anything, also beyond the end.
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
def edge_instant(time: int, offset: int, every: int) -> int:
    """Return the instant of an edge.

    Parameters
    ----------
    time : of the question, in microseconds
    offset : how long before it the edge is
    every : the edge is rounded down to a multiple of it since 1970; 0 for not at all
    """
    bound = time - offset
    return bound // every * every if every > 0 else bound


@native
def find_edges(times: Ints, requested: Ints, edges: tuple[Ints, Ints], is_own: bool, out: Ints) -> None:
    """Find the place of every edge at every question, shape (edges, questions or more), among an entity's events.

    Edges are offsets, which rise, and every. Where the questions are the events, ``requested`` is not looked at.

    Parameters
    ----------
    times : of the entity's events, rising
    requested : times of its questions
    edges : offsets, rising, and every, as ``edge_instant`` takes them
    is_own : the questions are the events, each as of its own arrival
    out : shape (edges, questions or more), filled with how many events are not later than the edge
    """
    # An edge at the question itself has a walk of its own, as the first of the rising offsets, if it is there at all.
    (offsets, every), i = edges, 0
    while i < len(offsets):
        if is_own and offsets[i] > 0 and i + 3 <= len(offsets):
            walk_three(times, offsets[i : i + 3], every[i : i + 3], out[i : i + 3])
            i += 3
            continue
        if is_own:
            walk_own(times, offsets[i], every[i], out[i])
        else:
            walk(times, requested, offsets[i], every[i], out[i])
        i += 1


@native
def walk_own(times: Ints, offset: int, every: int, out: Ints) -> None:
    """Find an edge's place for every event of an entity, each as of its own arrival.

    An edge in the past is before its own event, so it stops there at the latest. It mostly moves by none, one or two,
    which no processor can guess: so the first two steps are sums, not branches.

    Parameters
    ----------
    times : of the entity's events, rising in order of arrival
    offset, every : the edge, as ``edge_instant`` takes it
    out : filled, one place for each event
    """
    place = 0
    for q in range(len(times)):
        # Of events at its own instant, an event sees those that arrived before it; where time and arrival agree these
        # are the ones that stand before it. An edge at the record itself is never rounded: only older ends are.
        if offset == 0:
            out[q] = q + 1
            continue
        bound = edge_instant(times[q], offset, every)
        # No bound is checked: the event's own time is beyond an edge in the past, so no walk passes it.
        place += 1 if times[place] <= bound else 0
        place += 1 if times[place] <= bound else 0
        while times[place] <= bound:
            place += 1
        out[q] = place


@native
def walk_three(times: Ints, offsets: Ints, every: Ints, out: Ints) -> None:
    """Find the places of three edges in the past as ``walk_own`` does; none of them waits for another's memory.

    Parameters
    ----------
    times : of the entity's events, rising in order of arrival
    offsets, every : shape (3,), edges as ``edge_instant`` takes them; every offset above 0
    out : shape (3, events or more), filled
    """
    a = b = c = 0
    for q in range(len(times)):
        x = edge_instant(times[q], offsets[0], every[0])
        y = edge_instant(times[q], offsets[1], every[1])
        z = edge_instant(times[q], offsets[2], every[2])
        # The three chains of reads do not depend on each other, so the processor runs them side by side.
        for _ in range(2):
            a += 1 if times[a] <= x else 0
            b += 1 if times[b] <= y else 0
            c += 1 if times[c] <= z else 0
        while times[a] <= x:
            a += 1
        while times[b] <= y:
            b += 1
        while times[c] <= z:
            c += 1
        out[0, q], out[1, q], out[2, q] = a, b, c


@native
def walk(times: Ints, requested: Ints, offset: int, every: int, out: Ints) -> None:
    """Find an edge's place for every question, among all events.

    Parameters
    ----------
    times : of the entity's events, rising
    requested : times of its questions, in any order
    offset, every : the edge, as ``edge_instant`` takes it
    out : filled, one place for each question
    """
    place = 0
    for q in range(len(requested)):
        place = count_until(times, len(times), edge_instant(requested[q], offset, every), place)
        out[q] = place
