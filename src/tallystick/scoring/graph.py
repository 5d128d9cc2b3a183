"""The two graphs a model file may hold, and how one is read without running it.

A model is data only if nothing in it can surprise. So a model file is not any ONNX graph, but one of two
wirings, compared step by step: what the reasons explain is then provably what onnxruntime runs.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from tallystick.errors import ModelDamaged, ModelUnknown, ModelUnreadable

INPUT, RAW, SCORE = "features", "raw", "score"
OPSETS = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10
NAMES = "tallystick.features"


@dataclass(frozen=True, slots=True)
class Step:
    """One operator and the wires it reads and writes."""

    domain: str
    op: str
    inputs: tuple[str, ...]
    output: str


CALIBRATION = (
    Step("", "Mul", (RAW, "slope"), "sloped"),
    Step("", "Add", ("sloped", "intercept"), "calibrated"),
    Step("", "Sigmoid", ("calibrated",), SCORE),
)
TREES = (
    Step("ai.onnx.ml", "TreeEnsemble", (INPUT,), "sums"),
    Step("", "Reshape", ("sums", "flat"), RAW),
    *CALIBRATION,
)
LINEAR = (
    Step("", "IsNaN", (INPUT,), "missing"),
    Step("", "Where", ("missing", "medians", INPUT), "filled"),
    Step("", "Sub", ("filled", "means"), "centred"),
    Step("", "Div", ("centred", "scales"), "standardised"),
    Step("", "MatMul", ("standardised", "weights"), "products"),
    Step("", "Add", ("products", "bias"), "sums"),
    Step("", "Reshape", ("sums", "flat"), RAW),
    *CALIBRATION,
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Sigmoid calibration: score = 1 / (1 + exp(-(slope * raw + intercept))), slope above zero."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, slots=True)
class Graph:
    """A model file read as data: which wiring, its constants, its trees' attributes, its feature names."""

    steps: tuple[Step, ...]
    constants: dict[str, NDArray[Any]]
    attributes: dict[str, Any]
    names: tuple[str, ...]


def read(model: bytes) -> Graph:
    """Read a model file as data and hold it to one of the two wirings.

    Raises
    ------
    ModelUnreadable
        If the bytes are no ONNX file.
    ModelUnknown
        If the graph is neither of the two that training writes: another operator, domain, opset, wire,
        type, function, subgraph or data kept outside the file.
    ModelDamaged
        If a number in it is not finite, or has the wrong shape.
    """
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(model)
    except Exception as error:  # protobuf's error class differs between its backends
        raise ModelUnreadable(str(error)) from error
    if not proto.graph.node:
        raise ModelUnreadable("it holds no graph")
    _refuse_extras(proto)
    graph = Graph(_steps(proto), _constants(proto), _attributes(proto), _names(proto))
    _check_constants(graph)
    return graph


def _refuse_extras(proto: Any) -> None:
    opsets = sorted((entry.domain, entry.version) for entry in proto.opset_import)
    if opsets != sorted(OPSETS.items()):
        raise ModelUnknown(f"operator sets {opsets}", allowed=f"only {OPSETS}")
    if proto.functions or proto.training_info or proto.graph.sparse_initializer:
        raise ModelUnknown("functions, training steps or sparse constants", allowed="none of them")
    inputs, outputs = _signature(proto.graph.input), _signature(proto.graph.output)
    if [name for name, _ in inputs] != [INPUT] or [name for name, _ in outputs] != [RAW, SCORE]:
        raise ModelUnknown(f"inputs {inputs}, outputs {outputs}", allowed=f"{INPUT!r} in, {RAW!r} and {SCORE!r} out")
    if any(kind != onnx.TensorProto.DOUBLE for _, kind in inputs + outputs):
        raise ModelUnknown("inputs or outputs of another type", allowed="double only")


def _signature(values: Sequence[Any]) -> list[tuple[str, int]]:
    return [(value.name, value.type.tensor_type.elem_type) for value in values]


def _steps(proto: Any) -> tuple[Step, ...]:
    nodes = proto.graph.node
    if any(len(node.output) != 1 for node in nodes):
        raise ModelUnknown("an operator with several outputs", allowed="one output each")
    found = tuple(Step(n.domain, n.op_type, tuple(n.input), n.output[0]) for n in nodes)
    if found not in (TREES, LINEAR):
        ops = ", ".join(f"{step.domain or 'ai.onnx'}.{step.op}" for step in found[:12])
        raise ModelUnknown(f"steps {ops}", allowed="the wiring of trees or of a linear model")
    return found


def _constants(proto: Any) -> dict[str, NDArray[Any]]:
    tensors = proto.graph.initializer
    _refuse_twins(tensor.name for tensor in tensors)
    return {tensor.name: _array(tensor) for tensor in tensors}


def _refuse_twins(names: Iterable[str]) -> None:
    """Refuse two things of one name: we might read one of them, and onnxruntime run the other."""
    seen = list(names)
    if twins := sorted({name for name in seen if seen.count(name) > 1}):
        raise ModelUnknown(f"{', '.join(twins)} twice", allowed="every name once")


def _array(tensor: Any) -> NDArray[Any]:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelUnknown(f"numbers of {tensor.name!r} kept outside the file", allowed="everything inside")
    if tensor.data_type not in (onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64, onnx.TensorProto.UINT8):
        raise ModelUnknown(f"tensor {tensor.name!r} of another type", allowed="double, int64 and uint8")
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:
        raise ModelDamaged(f"the tensor {tensor.name!r} does not fill its shape") from error


def _attributes(proto: Any) -> dict[str, Any]:
    found = {}
    for node in proto.graph.node:
        if node.attribute and node.op_type != "TreeEnsemble":
            raise ModelUnknown(f"attributes on {node.op_type}", allowed="attributes on TreeEnsemble only")
        _refuse_twins(attribute.name for attribute in node.attribute)
        for attribute in node.attribute:
            found[attribute.name] = _attribute(attribute)
    return found


def _attribute(attribute: Any) -> Any:
    if attribute.type == onnx.AttributeProto.INT:
        return int(attribute.i)
    if attribute.type == onnx.AttributeProto.INTS:
        return np.fromiter(attribute.ints, dtype=np.int64, count=len(attribute.ints))
    if attribute.type == onnx.AttributeProto.TENSOR:
        return _array(attribute.t)
    raise ModelUnknown(f"attribute {attribute.name!r} of another kind", allowed="integers and tensors")


def _names(proto: Any) -> tuple[str, ...]:
    _refuse_twins(entry.key for entry in proto.metadata_props)
    texts = [entry.value for entry in proto.metadata_props if entry.key == NAMES]
    try:
        names = json.loads(texts[0])
    except (IndexError, ValueError) as error:
        raise ModelUnknown("no feature names", allowed=f"a JSON list under {NAMES!r}") from error
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
        raise ModelUnknown("feature names that are no list of different texts", allowed="one text per feature")
    columns = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    if columns != [len(names)]:
        raise ModelUnknown(f"{len(names)} feature names for columns {columns}", allowed="one name per column")
    return tuple(names)


def _check_constants(graph: Graph) -> None:
    k = len(graph.names)
    shapes: dict[str, tuple[int, ...]] = {"slope": (), "intercept": (), "flat": (1,)}
    if graph.steps == LINEAR:
        shapes |= {"medians": (k,), "means": (k,), "scales": (k,), "weights": (k, 1), "bias": ()}
    if {name: array.shape for name, array in graph.constants.items()} != shapes:
        raise ModelUnknown(f"constants {sorted(graph.constants)}", allowed=f"{shapes}")
    if bad := sorted(name for name, array in graph.constants.items() if not np.isfinite(array).all()):
        raise ModelDamaged(f"{', '.join(bad)} holds a number that is not finite")
    if int(graph.constants["flat"][0]) != -1:
        raise ModelDamaged("the outputs are not flattened to one number a row")
    if not float(graph.constants["slope"]) > 0.0:
        raise ModelDamaged("the calibration turns the order of risks around: its slope is not above zero")
    if graph.steps == LINEAR and not (graph.constants["scales"] > 0.0).all():
        raise ModelDamaged("a standard deviation is not above zero")
