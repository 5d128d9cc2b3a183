"""When a flag or a correction counts: how a report that becomes known moves a record in and out of a window.

It counts for a window from max(known-at, time + delay) until time + delay + window, if that is an interval.
"""

NEVER = 2**63 - 1


def crossing(  # noqa: PLR0917 - compiled and interpreted, it takes plain numbers
    known: int, before: int, time: int, delay: int, window: int, every: int
) -> tuple[int, int]:
    """Return from when until when a record's flag or correction counts that did not count there before.

    It enters at the first instant and leaves at the second; if the second is not later than the first, there is
    nothing to write. Where the window's older end is rounded down, the record leaves when that end reaches it:
    at ceil(time / every) * every + delay + window.

    Parameters
    ----------
    known : the earliest instant the flag is known, as far as reports have arrived
    before : what that was until now, later than ``known``; NEVER where there was none
    time : the instant of the flagged record
    delay, window : of the aggregate; everything in microseconds
    every : the older end of the window is rounded down to a multiple of it; 0 for not at all

    Examples
    --------
    A record at 100 is reported at 130; a window of 50 without delay has it until 150.

    >>> crossing(130, NEVER, 100, 0, 50, 0)
    (130, 150)

    An earlier report arrives later: it counts from 120 already. After 130 nothing is new.

    >>> crossing(120, 130, 100, 0, 50, 0)
    (120, 130)

    Known after the window has passed, it never enters.

    >>> enters, leaves = crossing(160, NEVER, 100, 0, 50, 0)
    >>> enters < leaves
    False

    With its older end rounded down to multiples of 30, the window keeps it until that end is 120.

    >>> crossing(130, NEVER, 100, 0, 50, 30)
    (130, 170)
    """
    start = time + delay
    enters = max(known, start)
    passed = -(-time // every) * every if every > 0 else time
    leaves = min(max(before, start), passed + delay + window)
    return enters, leaves
