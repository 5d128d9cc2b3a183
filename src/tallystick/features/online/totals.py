"""Lists of running totals: what is added at a moment counts in that total and in all later ones."""

from collections.abc import Mapping, Sequence
from operator import add
from struct import Struct

from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.state.store import StoreTransaction

MOMENT = 16
"""Bytes of a moment, with which all keys of a list end."""


class TotalsLayout:
    """How the totals of one list are packed.

    Parameters
    ----------
    n : how many totals stand beside each other
    """

    def __init__(self, n: int) -> None:
        packed = Struct(f">{n}q")
        self.pack, self.unpack, self.nothing = packed.pack, packed.unpack, (0,) * n


SINGLE = TotalsLayout(1)
"""Of the list of a series."""


def added(
    store: StoreTransaction, layout: TotalsLayout, key: bytes, weights: Sequence[int]
) -> list[tuple[bytes, list[int]]]:
    """Return the totals from a key on as they are when weights count there.

    Parameters
    ----------
    store : where the list is
    layout : of the list
    key : the moment, where the list has no entry; without it, how all keys of the list begin
    weights : what is added to each total
    """
    begins, unpack = key[:-MOMENT], layout.unpack
    before, after = store.around(key)
    totals = unpack(before[1]) if before is not None and before[0].startswith(begins) else layout.nothing
    found = [(key, [*map(add, totals, weights)])]
    if after is not None and after.startswith(begins):
        for late, packed in store.onwards(after):
            if not late.startswith(begins):
                break
            found.append((late, [*map(add, unpack(packed), weights)]))
    return found


def stepped(store: StoreTransaction, steps: Mapping[bytes, int]) -> list[tuple[bytes, int]]:
    """Return the totals of a list of single ones as they are when several weights count, each from its key on.

    Parameters
    ----------
    store : where the list is; it may have entries at these keys
    steps : what is added from each key on
    """
    first = min(steps)
    begins, unpack = first[:-MOMENT], SINGLE.unpack
    before, after = store.around(first)
    total = unpack(before[1])[0] if before is not None and before[0].startswith(begins) else 0
    there: dict[bytes, int] = {}
    if after is not None and after.startswith(begins):
        for late, packed in store.onwards(after):
            if not late.startswith(begins):
                break
            there[late] = unpack(packed)[0]
    found, weight = [], 0
    for key in sorted({*steps, *there}):
        weight += steps.get(key, 0)
        total = there.get(key, total)  # what was there before, or stood there from the entry before it
        found.append((key, total + weight))
    return found


def overflow_at(totals: Sequence[int]) -> int:
    """Return the place of a number that leaves the range in which every window is exact, -1 where none does.

    >>> overflow_at([1, 2**62, 3]), overflow_at([2**62 - 1, 1 - 2**62])
    (1, -1)
    """
    if max(totals) <= LARGEST_TOTAL and min(totals) >= -LARGEST_TOTAL:
        return -1
    return next(place for place, total in enumerate(totals) if abs(total) > LARGEST_TOTAL)
