"""What a session promises: only our own wirings run, one row at a time, with the same bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from tallystick.errors import ModelDamaged, ModelError, ModelUnknown, ModelUnreadable, VectorWrong
from tallystick.scoring.ensemble import read_forest
from tallystick.scoring.graph import Calibration, read
from tallystick.scoring.session import Session, fingerprint
from tallystick.training.export import export_logistic
from tallystick.training.families.gradient_boosting import export_gradient_boosting

NAMES = [f"feature_{i}" for i in range(24)]


def linear() -> bytes:
    """Write a linear model of 24 features."""
    random = np.random.default_rng(1)
    medians, means, weights = random.normal(size=(3, 24))
    return export_logistic(
        medians=medians,
        means=means,
        scales=random.uniform(0.5, 2, 24),
        weights=weights,
        bias=-1.0,
        calibration=Calibration(1.5, 0.5),
        names=NAMES,
    )


def trees() -> bytes:
    """Write two trees: one of three leaves, one of a single leaf."""
    inner = {"split_feature": 1, "threshold": 0.5, "decision_type": "<=", "missing_type": "NaN", "default_left": True}
    inner |= {"left_child": {"leaf_value": 0.25}, "right_child": {"leaf_value": 2.0}}
    outer = inner | {"split_feature": 0, "left_child": inner, "right_child": {"leaf_value": -1.0}}
    forest = [{"tree_structure": outer}, {"tree_structure": {"leaf_value": 0.125}}]
    dump = {"objective": "binary sigmoid:1", "max_feature_idx": 1, "tree_info": forest}
    return export_gradient_boosting(dump, calibration=Calibration(), names=["amount", "night"])


def test_many_rows_have_the_bits_of_each() -> None:
    """Scoring rows together is scoring each alone: no batch, no threads."""
    session, rows = Session.load(linear()), np.random.default_rng(2).normal(size=(300, 24))

    raw, score = session.many(rows)

    assert [(r, s) for r, s in zip(raw.tolist(), score.tolist(), strict=True)] == [
        session.raw_and_score(row) for row in rows
    ]


def test_two_sessions_give_the_same_bits() -> None:
    """A model loaded twice scores alike, and no rows give no scores."""
    rows = np.random.default_rng(2).normal(size=(300, 24))

    one, other = (Session.load(linear()).many(rows)[1].tobytes() for _ in range(2))

    assert one == other
    assert [len(part) for part in Session.load(linear()).many(np.empty((0, 24)))] == [0, 0]


@pytest.mark.parametrize("shape", [(23,), (25,), (1, 24), ()])
def test_a_vector_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    """Values that are not one per feature are refused before the model sees them."""
    with pytest.raises(VectorWrong, match="needs 24 features"):
        Session.load(linear()).raw_and_score(np.zeros(shape))
    with pytest.raises(VectorWrong, match="needs 24 features"):
        Session.load(linear()).many(np.zeros((2, 23)))


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x80\x04\x95.", b"\x08\x0a"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    """Bytes of anything else are refused by a sentence."""
    with pytest.raises(ModelUnreadable, match="The model file cannot be read"):
        Session.load(content)


def constant(name: str, value: Any) -> Callable[[Any], None]:
    """Return what replaces a constant of a model."""

    def change(model: Any) -> None:
        tensor = next(found for found in model.graph.initializer if found.name == name)
        tensor.CopyFrom(numpy_helper.from_array(np.asarray(value), name))

    return change


def twice(model: Any) -> None:
    """Hold a constant twice, each with another value."""
    model.graph.initializer.append(numpy_helper.from_array(np.array(9.0), "bias"))


def single_precision(model: Any) -> None:
    """Take float32 in."""
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def with_function(model: Any) -> None:
    """Bring a function along."""
    model.functions.add(name="anything", domain="com.example")


def rewired(model: Any) -> None:
    """Feed the sigmoid before the intercept is added."""
    model.graph.node[-1].input[0] = "sloped"


def third_output(model: Any) -> None:
    """Give something else out too."""
    model.graph.output.append(model.graph.output[0])


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        (twice, ModelUnknown, "bias twice"),
        (single_precision, ModelUnknown, "double only"),
        (with_function, ModelUnknown, "functions"),
        (rewired, ModelUnknown, "holds steps"),
        (third_output, ModelUnknown, "outputs"),
        (constant("weights", np.zeros((23, 1))), ModelUnknown, "constants"),
        (constant("weights", np.zeros((24, 1), dtype=np.float32)), ModelUnknown, "another type"),
        (constant("bias", np.nan), ModelDamaged, "not finite"),
        (constant("scales", np.zeros(24)), ModelDamaged, "standard deviation"),
        (constant("slope", -1.0), ModelDamaged, "order of risks"),
        (constant("flat", np.array([1])), ModelDamaged, "flattened"),
    ],
)
def test_what_training_does_not_write_is_refused(
    change: Callable[[Any], None], kind: type[ModelError], sentence: str
) -> None:
    """Another wire, type, constant or function is refused although onnxruntime might run it."""
    model = onnx.ModelProto.FromString(linear())
    change(model)

    with pytest.raises(kind, match=sentence):
        Session.load(model.SerializeToString())


@given(st.data())
def test_any_tree_arrays_are_a_forest_or_refused(data: st.DataObject) -> None:
    """However the arrays of trees are scrambled, reading ends: in a forest that runs, or in a sentence."""
    model = onnx.ModelProto.FromString(trees())
    attributes = [found for found in model.graph.node[0].attribute if found.type == onnx.AttributeProto.INTS]
    for _ in range(data.draw(st.integers(1, 4))):
        chosen = data.draw(st.sampled_from(attributes))
        if chosen.ints:
            place = data.draw(st.integers(0, len(chosen.ints) - 1))
            chosen.ints[place] = data.draw(st.sampled_from([-1, 0, 1, 2, 3, 99, 2**40]))
    content = model.SerializeToString()

    try:
        leaves = list(read_forest(read(content)).leaves())
        raw, _ = Session.load(content).raw_and_score([0.0, 1.0])
    except ModelError:
        return

    assert raw == sum(
        leaf.value
        for leaf in leaves
        if all(condition.low < (0.0, 1.0)[feature] <= condition.high for feature, condition in leaf.conditions)
    )


def test_the_runtime_names_what_decides_the_last_bits() -> None:
    """Asked twice on one machine, the fingerprint is the same and says which onnxruntime runs."""
    assert fingerprint() == fingerprint()
    assert str(fingerprint()).startswith("onnxruntime 1.")
    assert len(fingerprint().cpu) == 64
