"""Trees as a model file holds them, checked, and cut into leaves: one box of conditions and one value each."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallystick.errors import ModelDamaged, ModelUnknown
from tallystick.scoring.graph import Graph

MAX_NODES = 2_000_000
_LEQ = 0  # the only comparison we write: left when x <= split

_PLAIN = {"aggregate_function": 1, "post_transform": 0, "n_targets": 1}
_NODE_ARRAYS = (
    "nodes_featureids",
    "nodes_splits",
    "nodes_modes",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_trueleafs",
    "nodes_falseleafs",
    "nodes_missing_value_tracks_true",
)
_LEAF_ARRAYS = ("leaf_targetids", "leaf_weights")


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
class Trees:
    """The node and leaf arrays of an ensemble, proven to be a forest: no cycle, nothing shared, nothing lost."""

    feature: NDArray[np.int64]
    split: NDArray[np.float64]
    true_child: NDArray[np.int64]
    false_child: NDArray[np.int64]
    true_is_leaf: NDArray[np.bool_]
    false_is_leaf: NDArray[np.bool_]
    missing_is_true: NDArray[np.bool_]
    roots: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def from_graph(cls, graph: Graph) -> "Trees":
        """Take the trees out of a graph.

        Raises
        ------
        ModelUnknown
            If the ensemble uses anything that training does not write.
        ModelDamaged
            If the arrays do not describe a forest of finite numbers over the named features.
        """
        found = graph.attributes
        if set(found) != {*_PLAIN, *_NODE_ARRAYS, *_LEAF_ARRAYS, "tree_roots"}:
            raise ModelUnknown(f"tree attributes {sorted(found)}", allowed="the attributes training writes")
        if any(not isinstance(found[name], int) or found[name] != value for name, value in _PLAIN.items()):
            raise ModelUnknown("another way to add leaves up", allowed="a plain sum to one target")
        _check_arrays(found, n_features=len(graph.names))
        trees = cls(
            feature=found["nodes_featureids"],
            split=found["nodes_splits"],
            true_child=found["nodes_truenodeids"],
            false_child=found["nodes_falsenodeids"],
            true_is_leaf=found["nodes_trueleafs"] == 1,
            false_is_leaf=found["nodes_falseleafs"] == 1,
            missing_is_true=found["nodes_missing_value_tracks_true"] == 1,
            roots=found["tree_roots"],
            weights=found["leaf_weights"],
        )
        _check_forest(trees)
        return trees

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf of every tree, trees in their order, the true side first.

        A split whose two sides hold the same value decides nothing, and is left out.
        """
        for root in self.roots.tolist():
            yield from _leaves_under(self, root)


def _check_arrays(found: dict[str, Any], *, n_features: int) -> None:
    _check_lengths(found)
    if found["nodes_splits"].dtype != np.float64 or found["leaf_weights"].dtype != np.float64:
        raise ModelUnknown("splits or leaves in single precision", allowed="double only")
    if not np.isfinite(found["nodes_splits"]).all() or not np.isfinite(found["leaf_weights"]).all():
        raise ModelDamaged("a split or a leaf is not a finite number")
    if (found["nodes_modes"] != _LEQ).any():
        raise ModelUnknown("a split that is no 'x <= number'", allowed="numeric splits only")
    if found["leaf_targetids"].any():
        raise ModelDamaged("a leaf adds to a target that does not exist")
    flags = ("nodes_trueleafs", "nodes_falseleafs", "nodes_missing_value_tracks_true")
    if any(not np.isin(found[name], (0, 1)).all() for name in flags):
        raise ModelDamaged("a flag of a node is neither 0 nor 1")
    if not _within(found["nodes_featureids"], n_features):
        raise ModelDamaged("a split asks for a feature that does not exist")


def _check_lengths(found: dict[str, Any]) -> None:
    nodes, leaves = np.size(found["nodes_featureids"]), np.size(found["leaf_targetids"])
    if nodes > MAX_NODES or leaves > MAX_NODES:
        raise ModelDamaged(f"it has {nodes} nodes and {leaves} leaves, and the limit is {MAX_NODES}")
    lengths = dict.fromkeys(_NODE_ARRAYS, nodes) | dict.fromkeys(_LEAF_ARRAYS, leaves)
    for name, length in lengths.items():
        if not isinstance(found[name], np.ndarray) or found[name].shape != (length,):
            raise ModelDamaged(f"{name} does not have {length} entries")
    if not isinstance(found["tree_roots"], np.ndarray):
        raise ModelDamaged("tree_roots is no list")


def _check_forest(trees: Trees) -> None:
    n_nodes, n_leaves = len(trees.feature), len(trees.weights)
    lone = trees.true_is_leaf & trees.false_is_leaf & (trees.true_child == trees.false_child)
    true_leaves, false_leaves = trees.true_child[trees.true_is_leaf], trees.false_child[trees.false_is_leaf & ~lone]
    true_nodes, false_nodes = trees.true_child[~trees.true_is_leaf], trees.false_child[~trees.false_is_leaf]
    if not _exactly_once(np.concatenate([true_leaves, false_leaves]), n_leaves):
        raise ModelDamaged("a leaf belongs to no node, or to two")
    if not _exactly_once(np.concatenate([trees.roots, true_nodes, false_nodes]), n_nodes):
        raise ModelDamaged("a node belongs to no tree, or to two")
    # Every node has one parent; a ring is then a part that no root reaches.
    n_visited, front = 0, trees.roots
    while len(front):
        n_visited += len(front)
        on_true, on_false = ~trees.true_is_leaf[front], ~trees.false_is_leaf[front]
        front = np.concatenate([trees.true_child[front[on_true]], trees.false_child[front[on_false]]])
    if n_visited != n_nodes:
        raise ModelDamaged(f"{n_nodes - n_visited} nodes hang in a ring that no tree reaches")


def _within(indices: NDArray[np.int64], n: int) -> bool:
    return bool(((indices >= 0) & (indices < n)).all())


def _exactly_once(indices: NDArray[np.int64], n: int) -> bool:
    return _within(indices, n) and len(indices) == n and bool((np.bincount(indices, minlength=n) == 1).all())


def _leaves_under(trees: Trees, root: int) -> Iterator[Leaf]:
    pending: list[tuple[int, bool, dict[int, Condition]]] = [(root, False, {})]
    while pending:
        at, is_leaf, box = pending.pop()
        if is_leaf:
            yield Leaf(float(trees.weights[at]), tuple(sorted(box.items())))
            continue
        true, false = int(trees.true_child[at]), int(trees.false_child[at])
        true_leaf, false_leaf = bool(trees.true_is_leaf[at]), bool(trees.false_is_leaf[at])
        if true_leaf and false_leaf and trees.weights[true] == trees.weights[false]:
            pending.append((true, True, box))
            continue
        feature, split, missing = int(trees.feature[at]), float(trees.split[at]), bool(trees.missing_is_true[at])
        requested = box.get(feature, Condition())
        above = Condition(max(requested.low, split), requested.high, requested.missing and not missing)
        below = Condition(requested.low, min(requested.high, split), requested.missing and missing)
        pending.append((false, false_leaf, box | {feature: above}))
        pending.append((true, true_leaf, box | {feature: below}))
