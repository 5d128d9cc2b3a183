"""From a framework's own description of its trees to a forest: one walk for every family."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tallystick.scoring.forest import Forest

_LEAST = -float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Split:
    """A node as its framework means it: true where x <= threshold.

    Parameters
    ----------
    feature : the column it asks for
    threshold : a double
    missing_is_true : whether a missing value goes to the true side
    true, false : the framework's own nodes on both sides, whatever they are
    """

    feature: int
    threshold: float
    missing_is_true: bool
    true: Any
    false: Any


Describe = Callable[[Any], Split | float]


def grow(roots: Iterable[Any], describe: Describe) -> tuple[Forest, list[Any]]:
    """Walk a framework's trees and return them as a forest, with the framework's node of each leaf.

    Nodes and leaves are numbered as they are met, the true side first, so that the same trees give the same arrays.

    Parameters
    ----------
    roots : the first node of each tree, in the order in which leaves are added up; a constant is a tree of one leaf
    describe : says what a node is: a split, or the value of a leaf

    Examples
    --------
    >>> nodes = {"root": Split(0, 0.5, True, "low", "high"), "low": -1.0, "high": 2.0}
    >>> forest, leaves = grow(["root"], nodes.__getitem__)
    >>> forest.weights.tolist(), leaves
    ([-1.0, 2.0], ['low', 'high'])
    """
    growing = _Growing()
    for root in roots:
        growing.add(root, describe)
    return growing.forest(), growing.origins


def below(threshold: float) -> float:
    """Return the number for which ``x <= number`` says of every float32 what ``x < threshold`` says.

    The model's boundary lets only float32 values through, so nothing lies between a float32 and the next one. The
    neighbour is taken among float32, not among doubles: below zero it is then a normal double, which no processor that
    flushes the smallest doubles to zero can take for zero.

    Examples
    --------
    >>> below(1.0), below(0.0)
    (0.9999999403953552, -1.401298464324817e-45)
    """
    with np.errstate(over="ignore"):  # beyond the lowest float32 lies minus infinity: no value is below that one
        return max(float(np.nextafter(np.float32(threshold), np.float32(-np.inf))), _LEAST)


@dataclass
class _Growing:
    """The arrays of a forest while trees are added."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    missing_is_true: list[bool] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)  # true child, true is leaf, false child, false is leaf
    weights: list[float] = field(default_factory=list)
    origins: list[Any] = field(default_factory=list)

    def add(self, root: Any, describe: Describe) -> None:
        """Append one tree; its root is the next node.

        Parameters
        ----------
        root : the tree's first node, in the framework's own words
        describe : says what a node is
        """
        self.roots.append(len(self.features))
        first = describe(root)
        if not isinstance(first, Split):
            leaf = self._leaf(root, first)
            at = self._node(Split(0, 0.0, False, root, root))
            self.children[at] = [leaf, 1, leaf, 1]
            return
        # A stack instead of recursion: a tree may be deeper than Python likes to call itself.
        pending = [(root, -1, 0)]
        while pending:
            node, parent, side = pending.pop()
            found = describe(node)
            at = self._node(found) if isinstance(found, Split) else self._leaf(node, found)
            if parent >= 0:
                self.children[parent][side : side + 2] = [at, int(not isinstance(found, Split))]
            if isinstance(found, Split):
                pending += [(found.false, at, 2), (found.true, at, 0)]

    def forest(self) -> Forest:
        """Return what has grown."""
        children = np.array(self.children, dtype=np.int64).reshape(-1, 4)
        return Forest(
            feature=np.array(self.features, dtype=np.int64),
            split=np.array(self.splits, dtype=np.float64),
            true_child=children[:, 0],
            false_child=children[:, 2],
            true_is_leaf=children[:, 1] == 1,
            false_is_leaf=children[:, 3] == 1,
            missing_is_true=np.array(self.missing_is_true, dtype=np.bool_),
            roots=np.array(self.roots, dtype=np.int64),
            weights=np.array(self.weights, dtype=np.float64),
        )

    def _leaf(self, origin: Any, value: float) -> int:
        self.weights.append(value)
        self.origins.append(origin)
        return len(self.weights) - 1

    def _node(self, split: Split) -> int:
        self.features.append(split.feature)
        self.splits.append(split.threshold)
        self.missing_is_true.append(split.missing_is_true)
        self.children.append([0, 0, 0, 0])
        return len(self.features) - 1
