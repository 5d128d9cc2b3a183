"""Lists of running totals: what is added at a moment counts in that total and in all later ones."""

from collections.abc import Callable, Mapping, Sequence
from operator import add
from struct import Struct

from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.state.store import Entry, StoreTransaction

MOMENT = 16
"""Bytes of a moment, with which all keys of a list end."""

Totals = tuple[int, ...]
Refuse = Callable[[int], Exception]


class Layout:
    """How the totals of one list are packed.

    Parameters
    ----------
    n : how many totals stand beside each other
    """

    def __init__(self, n: int) -> None:
        packed = Struct(f">{n}q")
        self.pack, self.unpack, self.nothing = packed.pack, packed.unpack, (0,) * n


def added(store: StoreTransaction, layout: Layout, key: bytes, weights: Sequence[int], refuse: Refuse) -> list[Entry]:
    """Return what to put so that weights count from a key on.

    Parameters
    ----------
    store : where the list is
    layout : of the list
    key : the moment, where the list has no entry; without it, how all keys of the list begin
    weights : what is added to each total
    refuse : makes the error for the place of a total that leaves the range in which every window is exact

    Raises
    ------
    FeatureOverflow
        From ``refuse``.
    """
    begins = key[:-MOMENT]
    before, after = store.around(key)
    totals = layout.unpack(before[1]) if before is not None and before[0].startswith(begins) else layout.nothing
    summed = [*map(add, totals, weights)]
    _check(summed, weights, refuse)
    entries = [(key, layout.pack(*summed))]
    if after is not None and after.startswith(begins):
        for late, packed in store.onwards(after):
            if not late.startswith(begins):
                break
            summed = [*map(add, layout.unpack(packed), weights)]
            _check(summed, weights, refuse)
            entries.append((late, layout.pack(*summed)))
    return entries


def stepped(store: StoreTransaction, layout: Layout, steps: Mapping[bytes, int], refuse: Refuse) -> list[Entry]:
    """Return what to put so that several weights count, each from its key on; the list may have entries there.

    Raises
    ------
    FeatureOverflow
        From ``refuse``.
    """
    keys = sorted(steps)
    begins = keys[0][:-MOMENT]
    before, after = store.around(keys[0])
    total = layout.unpack(before[1])[0] if before is not None and before[0].startswith(begins) else 0
    there: dict[bytes, int] = {}
    if after is not None and after.startswith(begins):
        for late, packed in store.onwards(after):
            if not late.startswith(begins):
                break
            there[late] = layout.unpack(packed)[0]
    entries, weight = [], 0
    for key in sorted({*keys, *there}):
        weight += steps.get(key, 0)
        total = there.get(key, total)  # what was there before, or stood there from the entry before it
        _check((total + weight,), (steps.get(key, 0),), refuse)
        entries.append((key, layout.pack(total + weight)))
    return entries


def _check(totals: Sequence[int], weights: Sequence[int], refuse: Refuse) -> None:
    for each in (totals, weights):
        if max(each) > LARGEST_TOTAL or min(each) < -LARGEST_TOTAL:
            raise refuse(next(place for place, number in enumerate(each) if abs(number) > LARGEST_TOTAL))
