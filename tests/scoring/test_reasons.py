"""What reasons promise: exact, additive, the same whatever the trees look like, the same every time."""

from collections.abc import Callable
from itertools import combinations
from math import factorial, isnan, nan
from typing import Any

import lightgbm
import numpy as np
import pytest
import shap
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallystick.errors import VectorWrong
from tallystick.scoring import tables
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.session import Session
from tallystick.training.export import export_logistic
from tallystick.training.families.gradient_boosting import export_gradient_boosting

K = 4
NAMES = [f"feature_{i}" for i in range(K)]
EDGES = [-1.0, -0.5, 0.0, 0.5, 1.0]
values = st.sampled_from([*EDGES, -2.0, 0.25, 2.0, nan])
rows = st.lists(values, min_size=K, max_size=K)
leaves = st.builds(lambda value: {"leaf_value": value}, st.integers(-8, 8).map(lambda n: n / 4))


def split(feature: int, at: float, missing: str, default_left: bool, left: Any, right: Any) -> dict[str, Any]:
    """Write a split as a booster's dump does."""
    return {
        "split_feature": feature, "threshold": at, "decision_type": "<=", "missing_type": missing,
        "default_left": default_left, "left_child": left, "right_child": right,
    }  # fmt: skip


trees = st.recursive(
    leaves,
    lambda below: st.builds(
        split,
        st.integers(0, K - 1),
        st.sampled_from(EDGES),
        st.sampled_from(["None", "NaN"]),
        st.booleans(),
        below,
        below,
    ),
    max_leaves=12,
)


def written(forest: list[Any], n_features: int = K) -> bytes:
    """Write trees as a model file."""
    dump = {
        "objective": "binary sigmoid:1", "max_feature_idx": n_features - 1,
        "tree_info": [{"tree_structure": tree} for tree in forest],
    }  # fmt: skip
    return export_gradient_boosting(dump, calibration=Calibration(), names=[f"feature_{i}" for i in range(n_features)])


def walked(tree: Any, row: list[float]) -> float:
    """Score a row by walking the dump's tree, as LightGBM describes it."""
    while "leaf_value" not in tree:
        value = row[tree["split_feature"]]
        if isnan(value) and tree["missing_type"] == "NaN":
            goes_left = tree["default_left"]
        else:
            goes_left = (0.0 if isnan(value) else value) <= tree["threshold"]
        tree = tree["left_child"] if goes_left else tree["right_child"]
    return float(tree["leaf_value"])


def enumerated(raw: Callable[[list[float]], float], row: list[float], background: list[list[float]]) -> list[float]:
    """Shapley values by their definition: every coalition, every background row."""

    def worth(coalition: tuple[int, ...]) -> float:
        mixed = [[row[i] if i in coalition else other[i] for i in range(len(row))] for other in background]
        return sum(map(raw, mixed)) / len(background)

    found = []
    for i in range(len(row)):
        others = [j for j in range(len(row)) if j != i]
        parts = [
            factorial(n) * factorial(len(others) - n) / factorial(len(row)) * (worth((*some, i)) - worth(some))
            for n in range(len(row))
            for some in combinations(others, n)
        ]
        found.append(sum(parts))
    return found


@given(st.lists(trees, min_size=1, max_size=3), rows, st.lists(rows, min_size=1, max_size=6))
def test_values_are_those_of_full_enumeration(
    forest: list[Any], row: list[float], background: list[list[float]]
) -> None:
    """On any small ensemble the tables give the Shapley values of the definition, missing values included."""
    reasons = Reasons.from_model(written(forest), background)

    found = reasons.explain(row)

    expected = enumerated(lambda mixed: sum(walked(tree, mixed) for tree in forest), row, background)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@given(st.lists(trees, min_size=1, max_size=3), rows, st.lists(rows, min_size=1, max_size=6))
def test_long_paths_are_summed_to_the_same_values(
    forest: list[Any], row: list[float], background: list[list[float]]
) -> None:
    """The direct sum, used where a table would be too large, gives what the table gives."""
    by_table = Reasons.from_model(written(forest), background).explain(row)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "MAX_TABLE_FEATURES", 0)
        by_sum = Reasons.from_model(written(forest), background).explain(row)

    np.testing.assert_allclose(by_sum, by_table, rtol=0, atol=1e-12)


@given(st.lists(trees, min_size=1, max_size=3), st.lists(rows, min_size=1, max_size=6))
def test_a_model_file_scores_as_its_trees_are_described(forest: list[Any], requested: list[list[float]]) -> None:
    """The session's raw score is the sum over the trees, walked one by one."""
    raw, _ = Session.load(written(forest)).many(requested)

    assert raw.tolist() == [sum(walked(tree, row) for tree in forest) for row in requested]


def test_a_path_of_fourteen_features_is_explained_exactly() -> None:
    """Beyond twelve features on one path the values still add up, and equal features get equal parts."""
    tree: Any = {"leaf_value": 3.0}
    for feature in range(14):
        tree = split(feature, 0.0, "NaN", False, {"leaf_value": 0.0}, tree)
    reasons = Reasons.from_model(written([tree], 14), [[-1.0] * 14, [1.0] * 14])

    found = reasons.explain([1.0] * 14)

    assert reasons.base == 1.5
    np.testing.assert_allclose(found, [1.5 / 14] * 14, rtol=1e-12)


def test_long_and_short_paths_together_equal_either(reasons: Reasons, model: bytes, data: NDArray[np.float64]) -> None:
    """Wherever the line between tables and direct sums is drawn, base and values are the same."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "MAX_TABLE_FEATURES", 4)
        other = Reasons.from_model(model, data[:1_000])

    assert other.base == pytest.approx(reasons.base, abs=1e-12)
    for row in data[:50]:
        np.testing.assert_allclose(other.explain(row), reasons.explain(row), rtol=0, atol=1e-12)


def test_two_structures_of_one_function_give_the_same_values() -> None:
    """Asking for feature 0 first or for feature 1 first changes the trees, not the reasons."""
    leaf = [{"leaf_value": value} for value in (0.0, 1.0, 2.0, 5.0)]
    one = split(
        0, 0.0, "NaN", True, split(1, 0.5, "NaN", True, leaf[0], leaf[1]), split(1, 0.5, "NaN", True, leaf[2], leaf[3])
    )
    other = split(
        1, 0.5, "NaN", True, split(0, 0.0, "NaN", True, leaf[0], leaf[2]), split(0, 0.0, "NaN", True, leaf[1], leaf[3])
    )
    background = np.random.default_rng(1).normal(size=(50, K))
    requested = np.random.default_rng(2).normal(size=(20, K))

    found = [Reasons.from_model(written([tree]), background) for tree in (one, other)]

    for row in requested:
        np.testing.assert_allclose(found[0].explain(row), found[1].explain(row), rtol=0, atol=1e-14)


@pytest.fixture(scope="module")
def data() -> NDArray[np.float64]:
    """Rows of ten features, some missing; the last one is noise the model never sees vary."""
    random = np.random.default_rng(5)
    found = random.normal(size=(6_000, 10))
    found[random.random(found.shape) < 0.05] = np.nan
    found[:, 9] = 1.0
    return cast(found)


@pytest.fixture(scope="module")
def booster(data: NDArray[np.float64]) -> Any:
    """Fit 80 trees on a rule of three features and their interaction."""
    given = np.nan_to_num(data)
    bad = given[:, 0] + given[:, 1] * given[:, 2] + np.random.default_rng(6).normal(size=len(data)) > 1
    settings = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 1}
    return lightgbm.train(settings, lightgbm.Dataset(data, bad.astype(int)), 80)


@pytest.fixture(scope="module")
def model(booster: Any) -> bytes:
    """Write the booster as a model file."""
    return export_gradient_boosting(booster.dump_model(), calibration=Calibration(), names=[f"f{i}" for i in range(10)])


@pytest.fixture(scope="module")
def reasons(model: bytes, data: NDArray[np.float64]) -> Reasons:
    """Prepare the model against 1,000 rows."""
    return Reasons.from_model(model, data[:1_000])


def test_values_equal_shap_on_200_rows(booster: Any, reasons: Reasons, data: NDArray[np.float64]) -> None:
    """The interventional TreeExplainer, given the whole background, agrees within 1e-6."""
    whole = shap.maskers.Independent(data[:1_000], max_samples=1_000)
    explainer = shap.TreeExplainer(booster, whole, feature_perturbation="interventional")

    found = np.array([reasons.explain(row) for row in data[2_000:2_200]])

    np.testing.assert_allclose(found, explainer.shap_values(data[2_000:2_200]), rtol=0, atol=1e-6)


def test_values_add_up_on_every_row(model: bytes, reasons: Reasons, data: NDArray[np.float64]) -> None:
    """Base plus contributions is the raw score the session gives, and base is the background's mean."""
    raw, _ = Session.load(model).many(data[:2_000])

    sums = [reasons.base + reasons.explain(row).sum() for row in data[:2_000]]

    np.testing.assert_allclose(sums, raw, rtol=0, atol=1e-10)
    assert reasons.base == pytest.approx(raw[:1_000].mean(), abs=1e-12)


def test_an_unused_feature_gets_exactly_zero(reasons: Reasons, data: NDArray[np.float64]) -> None:
    """A feature no split asks for has no part in any score."""
    assert {reasons.explain(row)[9] for row in data[:100]} == {0.0}


def test_two_preparations_give_the_same_bytes(model: bytes, reasons: Reasons, data: NDArray[np.float64]) -> None:
    """The same file, background and vectors give the same bits, prepared anew or not."""
    repeated = Reasons.from_model(model, data[:1_000])

    for row in data[:100]:
        assert repeated.explain(row).tobytes() == reasons.explain(row).tobytes()


def test_linear_values_equal_shap_and_the_definition(data: NDArray[np.float64]) -> None:
    """The closed form agrees with shap's LinearExplainer, with full enumeration, and adds up."""
    random = np.random.default_rng(8)
    medians, means, weights = random.normal(size=(3, 10))
    scales = random.uniform(0.5, 2.0, 10)
    written_model = export_logistic(
        medians=medians, means=means, scales=scales, weights=weights, bias=-1.5, calibration=Calibration(),
        names=[f"f{i}" for i in range(10)],
    )  # fmt: skip
    found = Reasons.from_model(written_model, data[:1_000])
    raw, _ = Session.load(written_model).many(data[:1_300])
    filled = np.where(np.isnan(data), medians, data)
    whole = shap.maskers.Independent(filled[:1_000], max_samples=1_000)
    explainer = shap.LinearExplainer((weights / scales, -1.5 - float(means @ (weights / scales))), whole)

    values = np.array([found.explain(row) for row in data[1_000:1_200]])

    np.testing.assert_allclose(values, explainer.shap_values(filled[1_000:1_200]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(values.sum(axis=1) + found.base, raw[1_000:1_200], rtol=0, atol=1e-10)
    assert found.base == pytest.approx(raw[:1_000].mean(), abs=1e-12)


@given(rows, st.lists(rows, min_size=1, max_size=5))
def test_linear_values_are_those_of_full_enumeration(row: list[float], background: list[list[float]]) -> None:
    """On any small background the closed form is the Shapley value of the definition."""
    weights, medians = [1.0, -2.0, 0.0, 0.5], [0.25, 0.0, 1.0, -1.0]
    model = export_logistic(
        medians=medians,
        means=[0.5] * K,
        scales=[2.0] * K,
        weights=weights,
        bias=1.0,
        calibration=Calibration(),
        names=NAMES,
    )

    def raw(mixed: list[float]) -> float:
        filled = [m if isnan(v) else v for v, m in zip(mixed, medians, strict=True)]
        return 1.0 + sum(w * (v - 0.5) / 2.0 for w, v in zip(weights, filled, strict=True))

    found = Reasons.from_model(model, background).explain(row)

    np.testing.assert_allclose(found, enumerated(raw, row, background), rtol=0, atol=1e-12)


@pytest.mark.parametrize("background", [[], [[1.0, 2.0]], [1.0, 2.0, 3.0, 4.0]])
def test_a_background_that_does_not_fit_is_refused(background: Any) -> None:
    """An empty background, or one with other columns, is refused by name."""
    with pytest.raises(VectorWrong, match="needs 4 features"):
        Reasons.from_model(written([{"leaf_value": 1.0}]), background)
