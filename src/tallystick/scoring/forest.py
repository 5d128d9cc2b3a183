"""A forest: trees that are added up, whichever framework grew them; what a model file holds and reasons are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from tallystick.errors import ModelDamaged

Doubles = NDArray[np.float64]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a path asks of one feature: low < x <= high, or missing where missing may pass."""

    low: float = -inf
    high: float = inf
    missing: bool = True


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value added to the raw score where every condition holds; conditions in order of feature."""

    value: float
    conditions: tuple[tuple[int, Condition], ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """The nodes and leaves of trees whose leaves are added up in double, tree by tree, in the order of ``roots``.

    A row goes to the true side of a node where its feature is at most the split, and where it is missing and the node
    says so. There is no other comparison: what a framework asks with ``<`` is written with the number next below
    (``training.forest.below``), so that boxes of conditions are half open everywhere. A constant, such as the score
    that a framework starts from, is a tree of one leaf: a node both of whose sides are that leaf.

    Parameters
    ----------
    feature, split : of each node
    true_child, false_child : of each node, a node or a leaf
    true_is_leaf, false_is_leaf : which of the two
    missing_is_true : of each node, whether a missing value goes to the true side
    roots : of each tree, its first node
    weights : of each leaf, what it adds
    """

    feature: NDArray[np.int64]
    split: Doubles
    true_child: NDArray[np.int64]
    false_child: NDArray[np.int64]
    true_is_leaf: NDArray[np.bool_]
    false_is_leaf: NDArray[np.bool_]
    missing_is_true: NDArray[np.bool_]
    roots: NDArray[np.int64]
    weights: Doubles

    def check(self) -> None:
        """Prove that the arrays are a forest: no cycle, nothing shared, nothing lost.

        Raises
        ------
        ModelDamaged
            If they are none.
        """
        n_nodes, n_leaves = len(self.feature), len(self.weights)
        # A constant is a node with one leaf on both sides; that leaf is counted once.
        lone = self.true_is_leaf & self.false_is_leaf & (self.true_child == self.false_child)
        true_leaves, false_leaves = self.true_child[self.true_is_leaf], self.false_child[self.false_is_leaf & ~lone]
        true_nodes, false_nodes = self.true_child[~self.true_is_leaf], self.false_child[~self.false_is_leaf]
        if not _exactly_once(np.concatenate([true_leaves, false_leaves]), n_leaves):
            raise ModelDamaged("a leaf belongs to no node, or to two")
        if not _exactly_once(np.concatenate([self.roots, true_nodes, false_nodes]), n_nodes):
            raise ModelDamaged("a node belongs to no tree, or to two")
        # Every node has one parent; a ring is then a part that no root reaches.
        n_found, front = 0, self.roots
        while len(front):
            n_found += len(front)
            on_true, on_false = ~self.true_is_leaf[front], ~self.false_is_leaf[front]
            front = np.concatenate([self.true_child[front[on_true]], self.false_child[front[on_false]]])
        if n_found != n_nodes:
            raise ModelDamaged(f"{n_nodes - n_found} nodes hang in a ring that no tree reaches")

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf of every tree, trees in their order, the true side first.

        A split whose two sides hold the same value decides nothing, and is left out.
        """
        for root in self.roots.tolist():
            yield from _leaves_under(self, root)

    def leaf_indices(self, rows: Doubles) -> Places:
        """Return which leaf each row ends in, of shape [n, n_trees], for rows of shape [n, k].

        Written from the arrays alone, it says what a runtime must find: parity is proven with it, scores are not made.
        """
        columns = np.asfortranarray(rows)  # a node looks at many rows of one feature
        found = np.empty((len(rows), len(self.roots)), dtype=np.int32)
        for tree, root in enumerate(self.roots.tolist()):
            # Rows go down in groups: a node looks once at all that come to it, and never at a row alone.
            pending = [(root, False, np.arange(len(rows)))]
            while pending:
                at, is_leaf, inside = pending.pop()
                if is_leaf:
                    found[inside, tree] = at
                elif len(inside):
                    is_true = self._is_true(at, columns[inside, self.feature[at]])
                    pending.append((int(self.true_child[at]), bool(self.true_is_leaf[at]), inside[is_true]))
                    pending.append((int(self.false_child[at]), bool(self.false_is_leaf[at]), inside[~is_true]))
        return found

    def sums(self, indices: Places) -> Doubles:
        """Return the raw scores of rows whose leaves are known, shape [n]: added in the order of the trees."""
        # One tree after the other: numpy's own sum adds in pairs, which has other last bits.
        total = np.zeros(len(indices))
        for leaves in indices.T:
            total += self.weights[leaves]
        return total

    def _is_true(self, at: int, values: Doubles) -> NDArray[np.bool_]:
        is_true = np.asarray(values <= self.split[at])  # false where the value is missing
        return is_true | np.isnan(values) if self.missing_is_true[at] else is_true


def within(indices: NDArray[np.int64], n: int) -> bool:
    """Say whether all indices are from 0 to n - 1.

    Parameters
    ----------
    indices : of any shape
    n : how many things they count
    """
    return bool(((indices >= 0) & (indices < n)).all())


def _exactly_once(indices: NDArray[np.int64], n: int) -> bool:
    return within(indices, n) and len(indices) == n and bool((np.bincount(indices, minlength=n) == 1).all())


def _leaves_under(forest: Forest, root: int) -> Iterator[Leaf]:
    pending: list[tuple[int, bool, dict[int, Condition]]] = [(root, False, {})]
    while pending:
        at, is_leaf, box = pending.pop()
        if is_leaf:
            yield Leaf(float(forest.weights[at]), tuple(sorted(box.items())))
            continue
        true, false = int(forest.true_child[at]), int(forest.false_child[at])
        true_leaf, false_leaf = bool(forest.true_is_leaf[at]), bool(forest.false_is_leaf[at])
        # As a condition it would double the patterns of a table for a feature that is worth nothing.
        if true_leaf and false_leaf and forest.weights[true] == forest.weights[false]:
            pending.append((true, True, box))
            continue
        feature, split, missing = int(forest.feature[at]), float(forest.split[at]), bool(forest.missing_is_true[at])
        # However often a path asks for a feature, here it has one interval: tables grow with features, not with nodes.
        box_here = box.get(feature, Condition())
        above = Condition(max(box_here.low, split), box_here.high, box_here.missing and not missing)
        below = Condition(box_here.low, min(box_here.high, split), box_here.missing and missing)
        # The last one put is the first one taken: so the true side comes first.
        pending.append((false, false_leaf, box | {feature: above}))
        pending.append((true, true_leaf, box | {feature: below}))
