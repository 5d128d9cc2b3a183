"""A fitted model as a file of data: ONNX in double precision, with the calibration inside.

The usual converters write trees with float32 thresholds and leaves; near a threshold such a model decides
otherwise than the one that was validated. Here every number is the framework's own double.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from tallystick.errors import ExportRefused
from tallystick.scoring.ensemble import write_forest
from tallystick.scoring.forest import Forest
from tallystick.scoring.graph import INPUT, IR_VERSION, LINEAR, NAMES, OPSETS, RAW, SCORE, TREES, Calibration, Step


def export_forest(forest: Forest, *, calibration: Calibration, names: Sequence[str]) -> bytes:
    """Write a forest as one TreeEnsemble, whose raw score is the sum of its leaves in the order of its trees.

    Parameters
    ----------
    forest : its splits and leaves are the framework's own numbers
    calibration : of the raw score
    names : one per feature

    Returns
    -------
    the model file

    Raises
    ------
    ExportRefused
        If the calibration turns the order of risks around.
    """
    return _assemble(TREES, {}, calibration, names, write_forest(forest))


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
