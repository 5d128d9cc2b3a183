"""A fitted model as a file of data: ONNX in double precision, with the calibration inside.

The usual converters write trees with float32 thresholds and leaves; near a threshold such a model decides
otherwise than the one that was validated. Here every number is the framework's own double.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from tallystick.errors import ExportRefused
from tallystick.scoring.graph import INPUT, IR_VERSION, LINEAR, NAMES, OPSETS, RAW, SCORE, TREES, Calibration, Step

_RAW_SCORE_OBJECTIVES = ("binary", "cross_entropy", "xentropy")


def export_gradient_boosting(dump: Mapping[str, Any], *, calibration: Calibration, names: Sequence[str]) -> bytes:
    """Write LightGBM's trees as one TreeEnsemble whose raw score has LightGBM's bits.

    Parameters
    ----------
    dump : what ``booster.dump_model()`` returned
    calibration : of the raw score
    names : one per feature, in the order of the booster's columns

    Returns
    -------
    the model file

    Raises
    ------
    ExportRefused
        If the booster holds something a plain sum of numeric trees cannot say: categories, zero as
        missing, linear leaves, several classes, averaged trees, or other features than named.

    Notes
    -----
    Missing values follow LightGBM: a split trained with missing values sends them where it learned to;
    one trained without treats them as zero.
    """
    _check_booster(dump, names)
    forest = _Forest()
    for tree in dump["tree_info"]:
        forest.add(tree["tree_structure"])
    return _assemble(TREES, {}, calibration, names, forest.attributes())


def export_logistic(
    *,
    medians: ArrayLike,
    means: ArrayLike,
    scales: ArrayLike,
    weights: ArrayLike,
    bias: float,
    calibration: Calibration,
    names: Sequence[str],
) -> bytes:
    """Write a logistic regression: missing values become medians, then (x - mean) / scale, then weights.

    Parameters
    ----------
    medians, means, scales, weights : shape [k], one per feature; scales above zero
    bias : log-odds of a row whose features are all at their means
    calibration : of the raw score
    names : one per feature

    Returns
    -------
    the model file

    Raises
    ------
    ExportRefused
        If the arrays differ in length, a number is not finite, or a scale is not above zero.
    """
    vectors = {"medians": medians, "means": means, "scales": scales, "weights": weights}
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in vectors.items()}
    for name, array in arrays.items():
        if array.shape != (len(names),) or not np.isfinite(array).all():
            raise ExportRefused(f"{name} are not {len(names)} finite numbers", remedy="Fit the model again.")
    if not (arrays["scales"] > 0.0).all():
        constant = [name for name, scale in zip(names, arrays["scales"], strict=True) if not scale > 0.0]
        raise ExportRefused(f"{', '.join(constant)} never varies", remedy="Leave it out, or give it the scale 1.")
    constants = arrays | {"weights": arrays["weights"].reshape(-1, 1), "bias": np.array(bias, dtype=np.float64)}
    return _assemble(LINEAR, constants, calibration, names, {})


def _check_booster(dump: Mapping[str, Any], names: Sequence[str]) -> None:
    objective = str(dump.get("objective", "")).split(" ")[0]
    if objective not in _RAW_SCORE_OBJECTIVES:
        raise ExportRefused(f"objective {objective!r} has no log-odds", remedy="Train with objective='binary'.")
    if dump.get("num_tree_per_iteration", 1) != 1 or dump.get("average_output", False):
        raise ExportRefused("several classes or averaged trees", remedy="Train one class, boosting='gbdt'.")
    if dump["max_feature_idx"] + 1 != len(names):
        raise ExportRefused(
            f"the booster has {dump['max_feature_idx'] + 1} features and {len(names)} are named",
            remedy="Name the matrix' columns, in their order.",
        )
    own = list(dump.get("feature_names", ()))
    if own not in ([], [f"Column_{i}" for i in range(len(names))], list(names)):
        raise ExportRefused(f"the booster's features are {own}", remedy=f"Train on the columns {list(names)}.")


@dataclass
class _Forest:
    """The arrays of a TreeEnsemble, growing tree by tree."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    missing_is_true: list[int] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)  # true child, true is leaf, false child, false is leaf
    leaves: list[float] = field(default_factory=list)

    def add(self, root: Mapping[str, Any]) -> None:
        """Append one tree; its root is the next node."""
        self.roots.append(len(self.features))
        if "leaf_value" in root:
            leaf = self._leaf(root)
            self._node(feature=0, split=0.0, missing_is_true=0)
            self.children[-1] = [leaf, 1, leaf, 1]
            return
        pending = [(root, -1, 0)]
        while pending:
            node, parent, side = pending.pop()
            is_leaf = "leaf_value" in node
            at = self._leaf(node) if is_leaf else self._split(node)
            if parent >= 0:
                self.children[parent][side : side + 2] = [at, int(is_leaf)]
            if not is_leaf:
                pending += [(node["right_child"], at, 2), (node["left_child"], at, 0)]

    def attributes(self) -> dict[str, Any]:
        """Return the operator's attributes."""
        children = np.array(self.children, dtype=np.int64).reshape(-1, 4).T.tolist()
        return {
            "aggregate_function": 1,
            "post_transform": 0,
            "n_targets": 1,
            "tree_roots": self.roots,
            "nodes_featureids": self.features,
            "nodes_splits": _tensor(np.array(self.splits)),
            "nodes_modes": _tensor(np.zeros(len(self.splits), dtype=np.uint8)),
            "nodes_missing_value_tracks_true": self.missing_is_true,
            "nodes_truenodeids": children[0],
            "nodes_trueleafs": children[1],
            "nodes_falsenodeids": children[2],
            "nodes_falseleafs": children[3],
            "leaf_targetids": [0] * len(self.leaves),
            "leaf_weights": _tensor(np.array(self.leaves)),
        }

    def _leaf(self, node: Mapping[str, Any]) -> int:
        if "leaf_coeff" in node or "leaf_const" in node:
            raise ExportRefused("a leaf holds a linear model", remedy="Train with linear_tree=False.")
        self.leaves.append(float(node["leaf_value"]))
        return len(self.leaves) - 1

    def _split(self, node: Mapping[str, Any]) -> int:
        if node["decision_type"] != "<=":
            raise ExportRefused("a split asks for categories", remedy="Give categories as numbers.")
        if node["missing_type"] not in ("None", "NaN"):
            raise ExportRefused("zero stands for missing", remedy="Train with zero_as_missing=False.")
        split = float(node["threshold"])
        as_zero = node["missing_type"] == "None"
        missing_is_true = split >= 0.0 if as_zero else bool(node["default_left"])
        return self._node(int(node["split_feature"]), split, int(missing_is_true))

    def _node(self, feature: int, split: float, missing_is_true: int) -> int:
        self.features.append(feature)
        self.splits.append(split)
        self.missing_is_true.append(missing_is_true)
        self.children.append([0, 0, 0, 0])
        return len(self.features) - 1


def _assemble(
    steps: tuple[Step, ...],
    constants: Mapping[str, NDArray[np.float64]],
    calibration: Calibration,
    names: Sequence[str],
    attributes: Mapping[str, Any],
) -> bytes:
    if not (0.0 < calibration.slope < np.inf and np.isfinite(calibration.intercept)):
        raise ExportRefused(
            f"the calibration's slope is {calibration.slope} and its intercept {calibration.intercept}",
            remedy="A calibration keeps the order of risks: check that the raw score rises with the label.",
        )
    tensors = {
        **constants,
        "flat": np.array([-1], dtype=np.int64),
        "slope": np.array(calibration.slope, dtype=np.float64),
        "intercept": np.array(calibration.intercept, dtype=np.float64),
    }
    graph = helper.make_graph(
        [_operator(step, attributes if step.op == "TreeEnsemble" else {}) for step in steps],
        "tallystick",
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, ["n", len(names)])],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n"]) for name in (RAW, SCORE)],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="tallystick")
    helper.set_model_props(model, {NAMES: json.dumps(list(names))})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _operator(step: Step, attributes: Mapping[str, Any]) -> Any:
    return helper.make_node(step.op, list(step.inputs), [step.output], domain=step.domain, **attributes)


def _tensor(array: NDArray[Any]) -> Any:
    return numpy_helper.from_array(array)
