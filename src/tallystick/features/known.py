"""When a flag counts: how a report that becomes known moves a record in and out of a window.

A flag counts for a window from max(known-at, time + delay) until time + delay + window, if that is an interval.
"""

from typing import NamedTuple

NEVER = 2**63 - 1


class Change(NamedTuple):
    """A record's flag becomes known, or known earlier than before.

    Parameters
    ----------
    flag : place of the flag among the plan's
    time : instant of the flagged record
    known : its earliest known-at from now on
    before : what that was until now, NEVER where there was none
    seq : place in the order of arrival of the record that changes it
    """

    flag: int
    time: int
    known: int
    before: int
    seq: int


def crossing(known: int, before: int, time: int, delay: int, window: int) -> tuple[int, int]:
    """Return from when until when a record's flag counts that did not count there before.

    It enters with +1 at the first instant and leaves with -1 at the second; if the second is not later than the
    first, there is nothing to write.

    Parameters
    ----------
    known : the earliest instant the flag is known, as far as reports have arrived
    before : what that was until now, later than ``known``; NEVER where there was none
    time : the instant of the flagged record
    delay, window : of the aggregate; everything in microseconds

    Examples
    --------
    A record at 100 is reported at 130; a window of 50 without delay has it until 150.

    >>> crossing(130, NEVER, 100, 0, 50)
    (130, 150)

    An earlier report arrives later: it counts from 120 already. After 130 nothing is new.

    >>> crossing(120, 130, 100, 0, 50)
    (120, 130)

    Known after the window has passed, it never enters.

    >>> enters, leaves = crossing(160, NEVER, 100, 0, 50)
    >>> enters < leaves
    False
    """
    start = time + delay
    enters = max(known, start)
    leaves = min(max(before, start), start + window)
    return enters, leaves
