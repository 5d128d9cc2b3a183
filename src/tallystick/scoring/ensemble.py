"""A forest as the operator TreeEnsemble of ONNX holds it: written, and read back with every entry looked at."""

from typing import Any

import numpy as np
from onnx import numpy_helper

from tallystick.errors import ModelDamaged, ModelUnknown
from tallystick.scoring.forest import Forest, within
from tallystick.scoring.graph import Graph

MAX_NODES = 2_000_000
_LEQ = 0  # the only comparison we write: true when x <= split

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


def write_forest(forest: Forest) -> dict[str, Any]:
    """Return the operator's attributes: leaves are added up to one number a row, in double."""
    return _PLAIN | {
        "tree_roots": forest.roots.tolist(),
        "nodes_featureids": forest.feature.tolist(),
        "nodes_splits": numpy_helper.from_array(forest.split),
        "nodes_modes": numpy_helper.from_array(np.full(len(forest.split), _LEQ, dtype=np.uint8)),
        "nodes_missing_value_tracks_true": forest.missing_is_true.astype(np.int64).tolist(),
        "nodes_truenodeids": forest.true_child.tolist(),
        "nodes_trueleafs": forest.true_is_leaf.astype(np.int64).tolist(),
        "nodes_falsenodeids": forest.false_child.tolist(),
        "nodes_falseleafs": forest.false_is_leaf.astype(np.int64).tolist(),
        "leaf_targetids": [0] * len(forest.weights),
        "leaf_weights": numpy_helper.from_array(forest.weights),
    }


def read_forest(graph: Graph) -> Forest:
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
    forest = Forest(
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
    forest.check()
    return forest


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
    if not within(found["nodes_featureids"], n_features):
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
