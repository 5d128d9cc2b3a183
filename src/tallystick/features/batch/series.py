"""Values that become known later, compiled: what an entity's flags and corrections amount to at every question."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallystick.features.batch.native import native
from tallystick.features.batch.questions import count_until
from tallystick.features.finalise import LARGEST_TOTAL

Ints = NDArray[np.int64]

LARGEST_WHOLE = 2**63 - 1


class Crossings(NamedTuple):
    """Entries and exits of values that became known later, by entity, then order of arrival: +weight, then -weight.

    A weight beyond the largest total says that a total is too large from this arrival on.
    """

    starts: Ints
    series: Ints
    position: Ints
    enters: Ints
    leaves: Ints
    weight: Ints


class Counted(NamedTuple):
    """What entered (0) and left (1) the series of one entity: the first ``sizes`` of each, and the totals before each.

    Entries and exits stand apart, since each alone mostly come in order of time; hints are where questions stood last.
    """

    times: Ints
    totals: Ints
    sizes: Ints
    hints: Ints


@native
def first_overflow(position: Ints, enters: Ints, leaves: Ints, weight: Ints) -> int:
    """Return the crossing of one series with which a total in order of time is first too large, or -1.

    Totals are looked at after every arrival; what one arrival does at one instant is one step.

    Parameters
    ----------
    position : shape (n,), rising: the place in the order of arrival that makes each change
    enters, leaves : shape (n,), instants in microseconds; a change enters before it leaves
    weight : shape (n,), what it adds while it is in, in units of the last digit
    """
    # Rows of steps: instant, arrival, weight, total. This is the list that online keeps, entries and exits together,
    # and only here, where a total may be too large: it costs as many steps as there are later ones, for each arrival.
    n, lowest = 0, 2 * len(position)
    steps = np.zeros((4, 2 * len(position) + 1), np.int64)
    for i in range(len(position)):
        if weight[i] > LARGEST_TOTAL or weight[i] < -LARGEST_TOTAL:
            return i
        for time, sign in ((enters[i], 1), (leaves[i], -1)):
            place = n
            while place > 0 and steps[0, place - 1] > time:
                # Totals are not moved along: from the lowest place that changed they are summed anew.
                steps[:3, place] = steps[:3, place - 1]
                place -= 1
            steps[0, place], steps[1, place], steps[2, place] = time, position[i], sign * weight[i]
            lowest, n = min(lowest, place), n + 1
        # Several changes of one arrival are looked at when all are there, as online puts them at once.
        if i + 1 == len(position) or position[i + 1] != position[i]:
            if _is_beyond(steps, lowest, n):
                return i
            lowest = n
    return -1


@native
def _is_beyond(steps: Ints, first: int, last: int) -> bool:
    """Correct the totals from a place on, and return whether one is too large between two steps."""
    times, positions, weights, totals = steps
    # An entry and an exit at one instant by one arrival are one entry online, and their sum is what counts.
    while first > 0 and times[first - 1] == times[first] and positions[first - 1] == positions[first]:
        first -= 1
    for i in range(first, last):
        before, weight = totals[i - 1] if i else 0, weights[i]
        # The one sum that could leave 64 bits, before anybody compares it with the limit.
        if (before > 0 and weight > LARGEST_WHOLE - before) or (before < 0 and weight < -LARGEST_WHOLE - before):
            return True
        totals[i] = before + weight
        is_step = i + 1 == last or times[i + 1] != times[i] or positions[i + 1] != positions[i]
        if is_step and (totals[i] > LARGEST_TOTAL or totals[i] < -LARGEST_TOTAL):
            return True
    return False


@native
def counted_of(n_series: int, n_crossings: int) -> Counted:
    """Return room for the series of an entity with so many crossings.

    Parameters
    ----------
    n_series : how many series its group has
    n_crossings : of all of them together, since each may have all
    """
    return Counted(
        np.empty((n_series, 2, n_crossings), np.int64),
        np.zeros((n_series, 2, n_crossings + 1), np.int64),
        np.zeros((n_series, 2), np.int64),
        np.zeros((n_series, 2), np.int64),
    )


@native
def replay_series(
    crossings: Crossings, entity: int, requested: tuple[Ints, Ints], counted: Counted, found: Ints
) -> int:
    """Fill in what every series amounts to at every question; return the crossing that is too large, or -1.

    Parameters
    ----------
    crossings : of all entities
    entity : which is asked about
    requested : time and as-of of every question, by as-of
    counted : room for one entity's crossings
    found : room for the totals, shape (series, questions or more)
    """
    times, as_of = requested
    change, last = crossings.starts[entity], crossings.starts[entity + 1]
    if change == last:
        for i in range(len(found)):
            found[i][: len(times)] = 0
        return -1
    counted.sizes[:], counted.hints[:] = 0, 0
    for q in range(len(times)):
        while change < last and crossings.position[change] <= as_of[q]:
            series, weight = crossings.series[change], crossings.weight[change]
            # The mark that ``first_overflow`` led to: with this arrival a total is too large. The totals below cannot
            # tell, since entries and exits stand apart.
            if weight > LARGEST_TOTAL:
                return int(change)
            _cross(counted, series, 0, crossings.enters[change], weight)
            _cross(counted, series, 1, crossings.leaves[change], weight)
            change += 1
        for i in range(len(counted.sizes)):
            # Either total may be larger than any true one and even wrap around; their difference is a true total, and
            # right.
            found[i, q] = _passed(counted, i, 0, times[q]) - _passed(counted, i, 1, times[q])
    return -1


@native
def _cross(counted: Counted, i: int, side: int, time: int, weight: int) -> None:
    """Put one entry or exit in its place by time, and correct the totals after it."""
    times, totals, place = counted.times[i, side], counted.totals[i, side], counted.sizes[i, side]
    counted.sizes[i, side] += 1
    # Most come in order of time, and are appended. One that does not adds its weight to every later total.
    while place > 0 and times[place - 1] > time:
        times[place] = times[place - 1]
        totals[place + 1] = totals[place] + weight
        place -= 1
    times[place] = time
    totals[place + 1] = totals[place] + weight


@native
def _passed(counted: Counted, i: int, side: int, time: int) -> int:
    """Return the total of what entered or left up to an instant."""
    place = count_until(counted.times[i, side], counted.sizes[i, side], time, counted.hints[i, side])
    counted.hints[i, side] = place
    return int(counted.totals[i, side, place])
