"""Exact interventional Shapley values of a tree ensemble, looked up in one small table per leaf.

A leaf asks conditions of k features. Against one background row, a feature either keeps its condition by
the row alone, by the background row alone, by both or by neither; so all that a leaf adds depends on two
patterns of k bits. Summed over the background once, there remains a table: pattern of the row -> k values.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from tallystick.scoring.trees import Leaf

MAX_TABLE_FEATURES = 12
MAX_TABLE_BYTES = 256 * 1024**2
_CHUNK = 4_000_000  # numbers worked on at once: what a small machine holds without a thought

Bits = NDArray[np.bool_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Slots:
    """Conditions of many leaves laid end to end; all arrays have one entry per condition."""

    feature: NDArray[np.int64]
    low: Doubles
    high: Doubles
    missing: Bits

    @classmethod
    def of(cls, leaves: list[Leaf]) -> "Slots":
        """Lay out the conditions of these leaves, leaf after leaf."""
        asked = [pair for leaf in leaves for pair in leaf.conditions]
        return cls(
            np.array([feature for feature, _ in asked], dtype=np.int64),
            np.array([condition.low for _, condition in asked], dtype=np.float64),
            np.array([condition.high for _, condition in asked], dtype=np.float64),
            np.array([condition.missing for _, condition in asked], dtype=np.bool_),
        )

    def kept_by(self, rows: Doubles) -> Bits:
        """Say of each condition whether it holds; rows of shape [..., k] give [..., n_conditions]."""
        values = rows[..., self.feature]
        kept = (self.low < values) & (values <= self.high)
        absent = np.isnan(rows)
        if absent.any():
            kept |= absent[..., self.feature] & self.missing
        return kept


@dataclass(frozen=True, slots=True)
class LeafTables:
    """Leaves whose tables fit in memory, ordered by how many features they ask for."""

    slots: Slots
    starts: NDArray[np.int64]  # of each leaf, its first slot
    powers: NDArray[np.int32]  # of each slot, the bit it sets in its leaf's pattern
    leaf: NDArray[np.int64]  # of each slot, its leaf
    offsets: NDArray[np.int64]  # of each slot, where its column begins in the tables
    widths: NDArray[np.int64]  # of each leaf, the length of a table's row
    tables: Doubles
    base: float  # what these leaves add to a background row, on average

    @classmethod
    def build(cls, leaves: list[Leaf], background: Doubles) -> "LeafTables":
        """Count the background into the leaves and write their tables."""
        ordered = sorted(leaves, key=lambda leaf: len(leaf.conditions))
        widths = np.array([len(leaf.conditions) for leaf in ordered], dtype=np.int64)
        starts = np.cumsum(widths) - widths
        sizes = widths << widths
        leaf = np.repeat(np.arange(len(ordered)), widths)
        place = np.arange(len(leaf)) - starts[leaf]
        offsets = (np.cumsum(sizes) - sizes)[leaf] + place
        tables, base = np.empty(int(sizes.sum())), 0.0
        for first, part in _parts(ordered):
            begin, counts = int(offsets[starts[first]]), _pattern_counts(part, background)
            values = np.array([leaf.value for leaf in part]) / len(background)
            tables[begin : begin + counts.size * len(part[0].conditions)] = _tables_of(counts, values).ravel()
            base = sum((values * counts[:, -1]).tolist(), base)
        powers = (1 << place).astype(np.int32)
        return cls(Slots.of(ordered), starts, powers, leaf, offsets, widths, tables, base)

    def add_to(self, total: Doubles, vector: Doubles) -> Doubles:
        """Return the total, shape [k], with what these leaves add for one vector."""
        if not len(self.starts):
            return total
        patterns = np.add.reduceat(self.slots.kept_by(vector) * self.powers, self.starts)
        at = self.offsets + (patterns * self.widths)[self.leaf]
        return total + np.bincount(self.slots.feature, weights=self.tables[at], minlength=len(total))


@dataclass(frozen=True, slots=True)
class LongLeaf:
    """A leaf with too many features for a table: summed over the background's distinct patterns."""

    value: float
    slots: Slots
    patterns: Bits  # [n_patterns, k]
    shares: Doubles  # [n_patterns], of the background
    gains: Doubles  # [k + 1, k + 1], see _weights
    losses: Doubles

    @property
    def base(self) -> float:
        """What this leaf adds to a background row, on average."""
        return self.value * float(self.shares[self.patterns.all(axis=1)].sum())

    @classmethod
    def build(cls, leaf: Leaf, background: Doubles) -> "LongLeaf":
        """Reduce the background to the patterns that this leaf tells apart."""
        slots = Slots.of([leaf])
        patterns, counts = np.unique(slots.kept_by(background), axis=0, return_counts=True)
        gains, losses = _weights(len(leaf.conditions))
        return cls(leaf.value, slots, patterns, counts / len(background), gains, losses)

    def add_to(self, total: Doubles, vector: Doubles) -> Doubles:
        """Return the total, shape [k], with what this leaf adds for one vector."""
        row = self.slots.kept_by(vector)
        possible = (self.patterns | row).all(axis=1)
        only_row, only_background = row & ~self.patterns[possible], ~row & self.patterns[possible]
        a, c = only_row.sum(axis=1), only_background.sum(axis=1)
        values = only_row * self.gains[a, c][:, None] - only_background * self.losses[a, c][:, None]
        added = self.value * (values * self.shares[possible][:, None]).sum(axis=0)
        return total + np.bincount(self.slots.feature, weights=added, minlength=len(total))


@dataclass(frozen=True, slots=True)
class TreeTables:
    """Tables for the usual leaves, sums for the long ones, and the background's mean raw score."""

    short: LeafTables
    long: tuple[LongLeaf, ...]
    base: float

    @classmethod
    def build(cls, leaves: list[Leaf], background: Doubles) -> "TreeTables":
        """Prepare the leaves of an ensemble against background rows of shape [n, k]."""
        asking = [leaf for leaf in leaves if leaf.conditions]
        longest = _longest_in_a_table(asking)
        short = [leaf for leaf in asking if len(leaf.conditions) <= longest]
        long = [leaf for leaf in asking if len(leaf.conditions) > longest]
        tables = LeafTables.build(short, background)
        sums = tuple(LongLeaf.build(leaf, background) for leaf in long)
        constant = sum((leaf.value for leaf in leaves if not leaf.conditions), 0.0)
        return cls(tables, sums, sum((leaf.base for leaf in sums), constant + tables.base))

    def explain(self, vector: Doubles) -> Doubles:
        """Return each feature's part of raw score minus base, for one vector of shape [k]."""
        total = self.short.add_to(np.zeros(len(vector)), vector)
        for leaf in self.long:
            total = leaf.add_to(total, vector)
        return total


def _longest_in_a_table(leaves: list[Leaf]) -> int:
    """Return the longest path for which all tables together stay within the memory allowed."""
    spent = 0
    for k in range(1, MAX_TABLE_FEATURES + 1):
        spent += 8 * (k << k) * sum(len(leaf.conditions) == k for leaf in leaves)
        if spent > MAX_TABLE_BYTES:
            return k - 1
    return MAX_TABLE_FEATURES


def _parts(ordered: list[Leaf]) -> list[tuple[int, list[Leaf]]]:
    """Cut leaves into parts of one length, each small enough to be worked on at once, with their first place."""
    parts: list[tuple[int, list[Leaf]]] = []
    for at, leaf in enumerate(ordered):
        k = len(leaf.conditions)
        room = max(1, _CHUNK // max(1_000 * k, (k + 1) << k))
        if not parts or len(parts[-1][1][0].conditions) != k or len(parts[-1][1]) >= room:
            parts.append((at, []))
        parts[-1][1].append(leaf)
    return parts


def _tables_of(counts: NDArray[np.int64], values: Doubles) -> Doubles:
    """Return the tables of leaves that ask for k features each: shape [n_leaves, 2**k, k]."""
    k = counts.shape[1].bit_length() - 1
    lacking = np.array([k - pattern.bit_count() for pattern in range(1 << k)])
    gains, losses = (weights[:, lacking] for weights in _weights(k))
    by_loss = _counts_by_loss(counts, k).astype(np.float64)
    tables = np.zeros((k, len(counts), 1 << k))
    for i in range(k):
        shape = (-1, 2, 1 << i)  # the middle axis says whether the row keeps feature i
        lost, kept = (tables[i].reshape(len(counts), *shape)[:, :, bit] for bit in (0, 1))
        for j in range(k + 1):  # background rows that lack j of the conditions the row keeps
            without, within = (by_loss[j].reshape(len(counts), *shape)[:, :, bit] for bit in (0, 1))
            kept += (within - without) * gains[j].reshape(shape)[:, 1]
            lost -= without * losses[j].reshape(shape)[:, 0]
    tables *= values[:, None]
    return np.moveaxis(tables, 0, 2)


def _pattern_counts(leaves: list[Leaf], background: Doubles) -> NDArray[np.int64]:
    """Count the background rows that keep exactly these conditions: shape [n_leaves, 2**k]."""
    k = len(leaves[0].conditions)
    kept = Slots.of(leaves).kept_by(background).reshape(len(background), len(leaves), k)
    patterns = np.zeros(kept.shape[:2], dtype=np.int64)
    for i in range(k):
        patterns += kept[:, :, i].astype(np.int64) << i
    patterns += np.arange(len(leaves)) << k
    return np.bincount(patterns.ravel(), minlength=len(leaves) << k).reshape(len(leaves), 1 << k)


def _counts_by_loss(counts: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return G[j, leaf, p]: background rows that keep all that p lacks, and lack j of what p keeps.

    One pass per bit, as in a fast zeta transform: 2**k * k * k steps where the double sum takes 3**k.
    """
    table = np.zeros((k + 1, len(counts), 1 << k), dtype=np.int64)
    table[0] = counts
    for i in range(k):
        split = table.reshape(k + 1, -1, 2, 1 << i)
        lacking, keeping = split[:, :, 0].copy(), split[:, :, 1].copy()
        split[:, :, 0] = keeping
        split[1:, :, 1] += lacking[:-1]
    return table


def _weights(k: int) -> tuple[Doubles, Doubles]:
    """Return (a-1)! c! / (a+c)! and a! (c-1)! / (a+c)! for all a + c <= k; zero where a or c is zero."""
    gains, losses = np.zeros((k + 1, k + 1)), np.zeros((k + 1, k + 1))
    for a in range(k + 1):
        for c in range(k + 1 - a):
            gains[a, c] = 1 / (a * comb(a + c, a)) if a else 0.0
            losses[a, c] = 1 / (c * comb(a + c, a)) if c else 0.0
    return gains, losses
