"""Entities drawn at random: the same ones for a seed, whoever draws them and however the records are cut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Records
from tallystick.features.spill.shares import mixed

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
Words = NDArray[np.uint64]
Bounds = tuple[int, ...]
"""For each of a draw's keys the highest number of an entity that is drawn."""

NOBODY = np.uint64(2**64 - 1)
"""The number of a record that belongs to no entity; it is never drawn."""

_SPREAD = np.uint64(0xBF58_476D_1CE4_E5B9)
_SHIFT = np.uint64(31)


@dataclass(frozen=True, slots=True)
class Draw:
    """Entities of one stream, drawn at random until their records are enough.

    Every entity has a number, which its key texts and the seed alone decide, and the lowest numbers are drawn. So
    whoever sees some of the records knows of each whether its entity is drawn, and nobody needs to see all.

    Parameters
    ----------
    keys : the different key fields that name entities; of each some are drawn
    n_rows : how many records are enough, of all keys together
    seed : another one draws others
    """

    keys: tuple[tuple[str, ...], ...]
    n_rows: int
    seed: int

    @property
    def n_each(self) -> int:
        """How many records are enough for each of the keys."""
        return -(-self.n_rows // len(self.keys))

    @property
    def most(self) -> int:
        """How many records are kept at most, the first ones: what arrived later changes nothing before it."""
        return 3 * self.n_rows

    def numbers(self, records: Records, keys: tuple[str, ...]) -> Words:
        """Return the number of each record's entity, evenly spread; ``NOBODY`` where a key is missing; shape (n,)."""
        mix, missing = mixed(records, keys)
        found: Words = (mix ^ np.uint64(self.seed % 2**64)) * _SPREAD
        found ^= found >> _SHIFT
        found = np.minimum(found * _SPREAD, NOBODY - np.uint64(1))
        found[missing] = NOBODY
        return found

    def bounds(self, counted: Sequence[tuple[Words, Ints]]) -> Bounds:
        """Return up to which number entities are drawn.

        Parameters
        ----------
        counted : for each of the keys the numbers of entities, and how many records each has
        """
        return tuple(_bound(numbers, counts, self.n_each) for numbers, counts in counted)

    def bounds_of(self, records: Records) -> Bounds:
        """Return them for records that are all there."""
        found = [self.numbers(records, keys) for keys in self.keys]
        counted = [np.unique(numbers[numbers != NOBODY], return_counts=True) for numbers in found]
        return self.bounds([(numbers, counts.astype(np.int64)) for numbers, counts in counted])

    def is_drawn(self, records: Records, bounds: Bounds) -> list[Marks]:
        """Return for each of the keys which records' entities are drawn."""
        found = [self.numbers(records, keys) for keys in self.keys]
        return [(own <= np.uint64(last)) & (own != NOBODY) for own, last in zip(found, bounds, strict=True)]

    def rows(self, records: Records, bounds: Bounds) -> Ints:
        """Return the places of the first records of entities that are drawn."""
        return np.flatnonzero(np.any(self.is_drawn(records, bounds), axis=0))[: self.most]

    def picker(self, bounds: Bounds) -> Callable[[Records], Marks]:
        """Return what picks these from records that come piece by piece."""
        n_left = self.most

        def pick(some: Records) -> Marks:
            nonlocal n_left
            marks: Marks = np.any(self.is_drawn(some, bounds), axis=0)
            marks[np.flatnonzero(marks)[n_left:]] = False
            n_left -= int(marks.sum())
            return marks

        return pick


def _bound(numbers: Words, counts: Ints, wanted: int) -> int:
    if not len(numbers):
        return 0
    order = np.argsort(numbers)
    enough = int(np.searchsorted(np.cumsum(counts[order]), wanted))
    return int(numbers[order[min(enough, len(order) - 1)]])
