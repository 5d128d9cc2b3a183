"""Decisions joined with what became of them, as known at an instant, and only where outcomes have had their time."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.durations import DAY_US
from tallystick.errors import ColumnsUneven, SettingOutOfRange


class Action(IntEnum):
    """What was done with a payment, as a number for columns."""

    APPROVE = 0
    REFER = 1
    DECLINE = 2


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions of one bundle as columns, each of shape (n,), in any order.

    Parameters
    ----------
    ids : texts, the id of the event that was decided about
    at : when it was decided, microseconds since 1970 UTC
    time : when the event happened, same unit
    action : an ``Action`` each
    score : calibrated probability of a bad outcome, in [0, 1]
    missed_cost : what a bad outcome costs when it was not declined, in units of money

    Raises
    ------
    ColumnsUneven
        If the columns differ in length.
    """

    ids: NDArray[np.str_]
    at: NDArray[np.int64]
    time: NDArray[np.int64]
    action: NDArray[np.int8]
    score: NDArray[np.float64]
    missed_cost: NDArray[np.float64]

    def __post_init__(self) -> None:
        _require_even(self)

    def taken(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return the decisions at some rows."""
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Reported:
    """Outcomes as they became known, as columns of shape (n,), in order of arrival.

    Parameters
    ----------
    ids : texts, the id of the event that the report is about
    known_at : when it became known, microseconds since 1970 UTC
    is_bad : true for a fraud; false where an event was cleared or an earlier report reversed

    Raises
    ------
    ColumnsUneven
        If the columns differ in length.
    """

    ids: NDArray[np.str_]
    known_at: NDArray[np.int64]
    is_bad: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _require_even(self)


@dataclass(frozen=True, slots=True)
class Cohort:
    """The mature decisions at an instant, whole days only, in order of time, with their outcomes.

    Parameters
    ----------
    decided : the mature decisions
    day : shape (n,), the midnight that begins each decision's day, microseconds since 1970 UTC
    is_bad : shape (n,), reported as bad within the maturity; false where nothing was reported
    is_known : shape (n,), whether there was any report within the maturity
    until : the midnight at which the mature days end; later days are not mature
    n_pending : decisions made by then whose day is not mature
    n_later : decisions made after the instant, left out
    n_late_reports : reports that came after the maturity of their decision, left out
    n_unknown_reports : reports of events that none of these decisions is about
    delays : shape (n_reports,), from event to report of bad outcomes known at the instant, microseconds
    """

    decided: Decided
    day: NDArray[np.int64]
    is_bad: NDArray[np.bool_]
    is_known: NDArray[np.bool_]
    until: int
    n_pending: int
    n_later: int
    n_late_reports: int
    n_unknown_reports: int
    delays: NDArray[np.int64]

    @property
    def is_missed(self) -> NDArray[np.bool_]:
        """Which decisions are bad: the payment was approved, and fraud was reported within the maturity."""
        missed: NDArray[np.bool_] = (self.decided.action == Action.APPROVE) & self.is_bad
        return missed


def mature(decided: Decided, reported: Reported, *, as_of: int, maturity_us: int) -> Cohort:
    """Return the decisions whose day ended at least a maturity ago, each with its outcome.

    A decision's day (UTC) is that of its event, or of the decision where that came later. A day is mature
    once its end lies a whole maturity back, so a cohort never changes afterwards: a report that comes more
    than a maturity after its event (or decision) is counted and not used. Of several reports in time the
    last one holds.

    Parameters
    ----------
    as_of : microseconds since 1970 UTC; nothing that became known later is seen
    maturity_us : how long an outcome is waited for

    Raises
    ------
    SettingOutOfRange
        If the maturity is negative.
    """
    if maturity_us < 0:
        raise SettingOutOfRange(setting="maturity_us", value=maturity_us, allowed="0 or more microseconds")
    known = decided.taken(decided.at <= as_of)
    begins = np.maximum(known.at, known.time) // DAY_US * DAY_US
    until = (as_of - maturity_us) // DAY_US * DAY_US
    order = np.lexsort((known.at, known.time, begins))
    ripe = order[begins[order] < until]
    matched = _matched(known, reported, as_of)
    within = matched.known_at <= np.maximum(known.at, known.time)[matched.row] + maturity_us
    is_bad, is_known = _last_word(len(known.ids), matched, within)
    first_bad = matched.is_bad & within
    return Cohort(
        decided=known.taken(ripe),
        day=begins[ripe],
        is_bad=is_bad[ripe],
        is_known=is_known[ripe],
        until=int(until),
        n_pending=len(known.ids) - len(ripe),
        n_later=len(decided.ids) - len(known.ids),
        n_late_reports=int(np.count_nonzero(~within)),
        n_unknown_reports=matched.n_unknown,
        delays=(matched.known_at - known.time[matched.row])[first_bad],
    )


@dataclass(frozen=True, slots=True)
class _Matched:
    row: NDArray[np.int64]  # of the decision
    known_at: NDArray[np.int64]
    is_bad: NDArray[np.bool_]
    n_unknown: int


def _matched(known: Decided, reported: Reported, as_of: int) -> _Matched:
    seen = np.flatnonzero(reported.known_at <= as_of)
    if not len(known.ids):
        none = np.zeros(0, dtype=np.int64)
        return _Matched(none, none, none.astype(bool), len(seen))
    order = np.argsort(known.ids, kind="stable")
    place = np.searchsorted(known.ids[order], reported.ids[seen])
    row = order[np.minimum(place, len(order) - 1)]
    found = known.ids[row] == reported.ids[seen]
    row, seen = row[found], seen[found]
    n_unknown = int(np.count_nonzero(~found))
    return _Matched(row, reported.known_at[seen], reported.is_bad[seen], n_unknown)


def _last_word(n: int, matched: _Matched, within: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    is_bad, is_known = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    # Stable by known-at: of two reports at one instant the one that arrived later has the last word.
    order = np.argsort(matched.known_at, kind="stable")
    order = order[within[order]]
    last = len(order) - 1 - np.unique(matched.row[order][::-1], return_index=True)[1]
    chosen = order[last]
    is_bad[matched.row[chosen]] = matched.is_bad[chosen]
    is_known[matched.row[chosen]] = True
    return is_bad, is_known


def _require_even(columns: Decided | Reported) -> None:
    lengths = {name: len(getattr(columns, name)) for name in columns.__slots__}
    if len(set(lengths.values())) > 1:
        raise ColumnsUneven(type(columns).__name__, lengths)
