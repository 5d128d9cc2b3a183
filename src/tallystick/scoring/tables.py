"""Exact interventional Shapley values of a tree ensemble, looked up in one small table per leaf.

A leaf asks conditions of k features. Against one background row, a feature either keeps its condition by
the row alone, by the background row alone, by both or by neither; so all that a leaf adds depends on two
patterns of k bits. Summed over the background once, there remains a table: pattern of the row -> k values.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from tallystick.scoring.forest import Condition, Leaf

MAX_TABLE_FEATURES = 12
MAX_TABLE_BYTES = 256 * 1024**2
_CHUNK = 4_000_000  # numbers worked on at once: what a small machine holds without a thought

Bits = NDArray[np.bool_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The different conditions of many leaves; all arrays have one entry per condition."""

    feature: NDArray[np.int64]
    low: Doubles
    high: Doubles
    missing: Bits

    @classmethod
    def of(cls, leaves: list[Leaf]) -> "tuple[Conditions, NDArray[np.int64]]":
        """Return the different conditions of these leaves, and the place of each leaf's in turn, end to end."""
        places: dict[tuple[int, Condition], int] = {}
        index = [places.setdefault(tested, len(places)) for leaf in leaves for tested in leaf.conditions]
        distinct = cls(
            np.array([feature for feature, _ in places], dtype=np.int64),
            np.array([condition.low for _, condition in places], dtype=np.float64),
            np.array([condition.high for _, condition in places], dtype=np.float64),
            np.array([condition.missing for _, condition in places], dtype=np.bool_),
        )
        return distinct, np.array(index, dtype=np.int64)

    def kept_by(self, rows: Doubles) -> Bits:
        """Say of each condition whether it holds; rows of shape [..., k] give [..., n_conditions]."""
        values = rows[..., self.feature]
        kept = (self.low < values) & (values <= self.high)
        # A missing value compares false with both ends, so only its own flag lets it pass.
        absent = np.isnan(rows)
        if absent.any():
            kept |= absent[..., self.feature] & self.missing
        return kept


@dataclass(frozen=True, slots=True)
class LeafTables:
    """Leaves whose tables fit in memory, ordered by how many features they ask for.

    A slot is one condition of one leaf; the slots of a leaf lie side by side.
    """

    conditions: Conditions
    tested: NDArray[np.int64]  # of each slot, its condition
    feature: NDArray[np.int64]  # of each slot, its feature
    powers: NDArray[np.int32]  # of each slot, the bit it sets in its leaf's pattern
    leaf: NDArray[np.int64]  # of each slot, its leaf
    offsets: NDArray[np.int64]  # of each slot, where its column begins in the tables
    starts: NDArray[np.int64]  # of each leaf, its first slot
    widths: NDArray[np.int64]  # of each leaf, the length of a table's row
    tables: Doubles
    base: float  # what these leaves add to a background row, on average

    @classmethod
    def build(cls, leaves: list[Leaf], background: Doubles) -> "LeafTables":
        """Count the background into the leaves and write their tables.

        Parameters
        ----------
        leaves : each with one condition or more
        background : shape [n, k], n >= 1
        """
        ordered = sorted(leaves, key=lambda leaf: len(leaf.conditions))
        conditions, tested = Conditions.of(ordered)
        kept = np.ascontiguousarray(conditions.kept_by(background).T)
        widths = np.array([len(leaf.conditions) for leaf in ordered], dtype=np.int64)
        starts = np.cumsum(widths) - widths
        # A table has k columns for each of 2**k patterns, which is why long paths get none.
        sizes = widths << widths
        leaf = np.repeat(np.arange(len(ordered)), widths)
        place = np.arange(len(leaf)) - starts[leaf]
        offsets = (np.cumsum(sizes) - sizes)[leaf] + place
        tables, base = np.empty(int(sizes.sum())), 0.0
        for first, last in _parts(widths.tolist()):
            k, begin = int(widths[first]), int(starts[first])
            counts = _pattern_counts(kept, tested[begin : begin + (last - first) * k].reshape(-1, k))
            # The mean over the background is taken here, once, so that no request divides.
            values = np.array([leaf.value for leaf in ordered[first:last]]) / len(background)
            at = int(offsets[begin])
            tables[at : at + counts.size * k] = _tables_of(counts, values).ravel()
            # The last pattern keeps every condition: those background rows end in the leaf. One is added after the
            # other: numpy's own sum adds in pairs, and its last bits depend on how many there are.
            base = sum((values * counts[:, -1]).tolist(), base)
        powers, feature = (1 << place).astype(np.int32), conditions.feature[tested]
        return cls(conditions, tested, feature, powers, leaf, offsets, starts, widths, tables, base)

    def add_to(self, total: Doubles, vector: Doubles) -> Doubles:
        """Return the total, shape [k], with what these leaves add for one vector.

        Parameters
        ----------
        total : shape [k], what other leaves added so far; it is not changed
        vector : shape [k], the row to be explained, NaN where missing
        """
        if not len(self.starts):
            return total
        kept = self.conditions.kept_by(vector)[self.tested]
        # All leaves at once: the slots of a leaf lie side by side, and each sets a bit of its own.
        patterns = np.add.reduceat(kept * self.powers, self.starts)
        at = self.offsets + (patterns * self.widths)[self.leaf]
        # bincount adds in the order of the slots, so that equal requests get equal bits.
        return total + np.bincount(self.feature, weights=self.tables[at], minlength=len(total))


@dataclass(frozen=True, slots=True)
class LongLeaves:
    """Leaves with too many features for a table: each request sums over the background's different patterns."""

    conditions: Conditions
    tested: NDArray[np.int64]  # of each slot, as in LeafTables
    feature: NDArray[np.int64]
    place: NDArray[np.int64]  # of each slot, its place in its leaf
    leaf: NDArray[np.int64]
    starts: NDArray[np.int64]
    values: Doubles  # of each leaf, for one background row
    patterns: NDArray[np.int64]  # of each leaf in turn, the background's different patterns
    owner: NDArray[np.int64]  # of each pattern, its leaf
    counts: Doubles  # of each pattern, its background rows
    weights: tuple[Doubles, Doubles]
    base: float  # what these leaves add to a background row, on average

    @classmethod
    def build(cls, leaves: list[Leaf], background: Doubles) -> "LongLeaves":
        """Reduce the background to the patterns that each leaf tells apart.

        Parameters
        ----------
        leaves : each with one condition or more
        background : shape [n, k], n >= 1
        """
        conditions, tested = Conditions.of(leaves)
        kept = np.ascontiguousarray(conditions.kept_by(background).T)
        widths = np.array([len(leaf.conditions) for leaf in leaves], dtype=np.int64)
        starts = np.cumsum(widths) - widths
        leaf = np.repeat(np.arange(len(leaves)), widths)
        values = np.array([leaf.value for leaf in leaves], dtype=np.float64) / len(background)
        found = [_distinct(kept, tested[at : at + k]) for at, k in zip(starts.tolist(), widths.tolist(), strict=True)]
        # Patterns rise, so the one that keeps everything, if any background row does, is the last.
        per_leaf = [
            float(n[-1]) if p[-1] == (1 << k) - 1 else 0.0 for (p, n), k in zip(found, widths.tolist(), strict=True)
        ]
        return cls(
            conditions, tested, conditions.feature[tested], np.arange(len(leaf)) - starts[leaf], leaf, starts, values,
            np.concatenate([np.empty(0, dtype=np.int64), *(patterns for patterns, _ in found)]),
            np.repeat(np.arange(len(leaves)), [len(patterns) for patterns, _ in found]),
            np.concatenate([np.empty(0), *(counts for _, counts in found)]),
            _weights(max(widths.tolist(), default=0)),
            sum((values * per_leaf).tolist(), 0.0),
        )  # fmt: skip

    def add_to(self, total: Doubles, vector: Doubles) -> Doubles:
        """Return the total, shape [k], with what these leaves add for one vector.

        Parameters
        ----------
        total : shape [k], what other leaves added so far; it is not changed
        vector : shape [k], the row to be explained, NaN where missing
        """
        if not len(self.starts):
            return total
        kept = self.conditions.kept_by(vector)[self.tested]
        bits = np.int64(1) << self.place
        row = np.add.reduceat(kept * bits, self.starts)
        lacking = np.add.reduceat(~kept * bits, self.starts)
        # A background row counts where it keeps all that the row lacks.
        hits = np.flatnonzero(self.patterns & lacking[self.owner] == lacking[self.owner])
        owner = self.owner[hits]
        # What only the row keeps is credited, what only the background row keeps is debited, what both keep gets
        # nothing.
        alone = row[owner] & ~self.patterns[hits]
        sizes = np.bitwise_count(alone), np.bitwise_count(lacking)[owner]
        share = self.counts[hits] * self.values[owner]
        gain, loss = (share * weights[sizes] for weights in self.weights)
        n = len(self.starts)
        gains = np.stack([np.bincount(owner, gain * (alone >> i & 1), n) for i in range(int(self.place.max()) + 1)])
        losses = np.bincount(owner, loss, n)
        added = np.where(kept, gains[self.place, self.leaf], -losses[self.leaf])
        return total + np.bincount(self.feature, weights=added, minlength=len(total))


@dataclass(frozen=True, slots=True)
class TreeTables:
    """Tables for the usual leaves, sums for the long ones, and the background's mean raw score."""

    short: LeafTables
    long: LongLeaves
    base: float

    @classmethod
    def build(cls, leaves: list[Leaf], background: Doubles) -> "TreeTables":
        """Prepare the leaves of an ensemble against background rows of shape [n, k].

        Parameters
        ----------
        leaves : of all trees, in one fixed order: sums are made in it
        background : shape [n, k], n >= 1
        """
        asking = [leaf for leaf in leaves if leaf.conditions]
        longest = _longest_in_a_table(asking)
        short = [leaf for leaf in asking if len(leaf.conditions) <= longest]
        long = [leaf for leaf in asking if len(leaf.conditions) > longest]
        tables, sums = LeafTables.build(short, background), LongLeaves.build(long, background)
        constant = sum((leaf.value for leaf in leaves if not leaf.conditions), 0.0)
        return cls(tables, sums, constant + tables.base + sums.base)

    def explain(self, vector: Doubles) -> Doubles:
        """Return each feature's part of raw score minus base, for one vector of shape [k]."""
        return self.long.add_to(self.short.add_to(np.zeros(len(vector)), vector), vector)


def _longest_in_a_table(leaves: list[Leaf]) -> int:
    """Return the longest path for which all tables together stay within the memory allowed."""
    spent = 0
    for k in range(1, MAX_TABLE_FEATURES + 1):
        # Shortest first: a table more than doubles with each feature, and most leaves ask for few.
        spent += 8 * (k << k) * sum(len(leaf.conditions) == k for leaf in leaves)
        if spent > MAX_TABLE_BYTES:
            return k - 1
    return MAX_TABLE_FEATURES


def _parts(widths: list[int]) -> list[tuple[int, int]]:
    """Cut leaves, ordered by width, into ranges of one width, each small enough to be worked on at once."""
    parts: list[tuple[int, int]] = []
    for at, k in enumerate(widths):
        # Counting makes a number per background row (some 1,000) and feature, a table one per pattern: the larger
        # decides.
        room = max(1, _CHUNK // max(1_000 * k, (k + 1) << k))
        if parts and widths[parts[-1][0]] == k and at - parts[-1][0] < room:
            parts[-1] = (parts[-1][0], at + 1)
        else:
            parts.append((at, at + 1))
    return parts


def _distinct(kept: Bits, tested: NDArray[np.int64]) -> tuple[NDArray[np.int64], Doubles]:
    """Return one leaf's different background patterns, rising, and how many rows have each."""
    patterns = np.zeros(kept.shape[1], dtype=np.int64)
    for i, condition in enumerate(tested.tolist()):
        patterns += kept[condition].astype(np.int64) << i
    found, counts = np.unique(patterns, return_counts=True)
    return found, counts.astype(np.float64)


def _tables_of(counts: NDArray[np.int64], values: Doubles) -> Doubles:
    """Return the tables of leaves that ask for k features each: shape [n_leaves, 2**k, k].

    A background row that keeps feature i too gives i nothing. So what i gains is the sum over all background rows
    that keep what the row lacks, less the same sum over those that keep i as well: the rows a row without i meets.
    """
    n_leaves, k = len(counts), counts.shape[1].bit_length() - 1
    lacking = np.array([k - pattern.bit_count() for pattern in range(1 << k)])
    gains, losses = _weights(k)
    by_loss = _counts_by_loss(counts, k)
    met, met_keeping, lost = (np.zeros(counts.shape) for _ in range(3))
    for j in range(k + 1):  # background rows that lack j of the conditions the row keeps
        met += by_loss[j] * gains[j, lacking]
        # Read below at the pattern without i, which lacks one condition more than the row it is read for.
        met_keeping += by_loss[j] * gains[j, np.maximum(lacking - 1, 0)]
        lost -= by_loss[j] * losses[j, lacking]
    tables = np.empty((n_leaves, 1 << k, k))
    for i in range(k):
        shape = (n_leaves, -1, 2, 1 << i)  # the third axis says whether the row keeps feature i
        # Patterns that differ in bit i alone face each other on the third axis, so one subtraction serves all of them.
        column = np.empty((n_leaves, (1 << k) >> i + 1, 2, 1 << i))
        column[:, :, 1] = met.reshape(shape)[:, :, 1] - met_keeping.reshape(shape)[:, :, 0]
        column[:, :, 0] = lost.reshape(shape)[:, :, 0]
        tables[:, :, i] = column.reshape(n_leaves, -1)
    tables *= values[:, None, None]
    return tables


def _pattern_counts(kept: Bits, tested: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the background rows that keep exactly some of a leaf's conditions.

    Parameters
    ----------
    kept : shape [n_conditions, n_rows], whether a background row keeps a condition
    tested : shape [n_leaves, k], the conditions of each leaf

    Returns
    -------
    shape [n_leaves, 2**k], by pattern of conditions kept
    """
    n_leaves, k = tested.shape
    patterns = np.repeat(np.arange(n_leaves, dtype=np.int64)[:, None] << k, kept.shape[1], axis=1)
    for i in range(k):
        patterns += kept[tested[:, i]].astype(np.int64) << i
    return np.bincount(patterns.ravel(), minlength=n_leaves << k).reshape(n_leaves, 1 << k)


def _counts_by_loss(counts: NDArray[np.int64], k: int) -> NDArray[np.int32]:
    """Return G[j, leaf, p]: background rows that keep all that p lacks, and lack j of what p keeps.

    One pass per bit, as in a fast zeta transform: 2**k * k * k steps where the double sum takes 3**k.
    """
    table = np.zeros((k + 1, len(counts), 1 << k), dtype=np.int32)
    table[0] = counts
    for i in range(k):
        split = table[: i + 2].reshape(i + 2, -1, 2, 1 << i)  # after i bits nothing lacks more than i
        lacking, keeping = split[:-1, :, 0].copy(), split[:, :, 1]
        split[:, :, 0] = keeping
        split[1:, :, 1] += lacking
    return table


def _weights(k: int) -> tuple[Doubles, Doubles]:
    """Return (a-1)! c! / (a+c)! and a! (c-1)! / (a+c)! for all a + c <= k; zero where a or c is zero."""
    # By binomials, which Python has exactly, and one division: factorials of long paths would lose digits.
    gains, losses = np.zeros((k + 1, k + 1)), np.zeros((k + 1, k + 1))
    for a in range(k + 1):
        for c in range(k + 1 - a):
            gains[a, c] = 1 / (a * comb(a + c, a)) if a else 0.0
            losses[a, c] = 1 / (c * comb(a + c, a)) if c else 0.0
    return gains, losses
