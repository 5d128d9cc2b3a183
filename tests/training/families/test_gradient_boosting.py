"""LightGBM's trees as a model file: its own bits, and a refusal for what cannot be written."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

import tallystick as ts
from tallystick.errors import ExportRefused
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.session import Session
from tallystick.training.families import gradient_boosting
from tallystick.training.families.gradient_boosting import export_gradient_boosting
from tallystick.training.families.registry import trainer

NAMES = [f"feature_{i}" for i in range(8)]
CALIBRATION = Calibration(slope=1.25, intercept=-0.5)


def some_rows(n: int, seed: int) -> NDArray[np.float64]:
    """Amounts with cents, ratios, small counts and flags, a tenth of the first five missing."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, 8))
    rows[:, 0] = np.round(np.exp(3 * rows[:, 0]), 2)
    rows[:, 1] = random.poisson(3, n)
    rows[:, 2] = random.random(n) < 0.3
    rows[:, :5][random.random((n, 5)) < 0.1] = np.nan
    return cast(rows)


def fit(rows: NDArray[np.float64], n_trees: int = 60, categories: list[int] | None = None, **settings: Any) -> Any:
    """Fit a small booster on a noisy rule."""
    random = np.random.default_rng(7)
    bad = np.nan_to_num(rows[:, 0]) * 0.1 + np.nan_to_num(rows[:, 3]) - rows[:, 6] + random.normal(size=len(rows)) > 2
    given = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 1} | settings
    return lightgbm.train(given, lightgbm.Dataset(rows, bad.astype(int), categorical_feature=categories or []), n_trees)


def splits_of(node: dict[str, Any]) -> list[tuple[int, float]]:
    """List feature and threshold of every split under a node of a dump."""
    if "leaf_value" in node:
        return []
    here = (int(node["split_feature"]), float(node["threshold"]))
    return [here, *splits_of(node["left_child"]), *splits_of(node["right_child"])]


def rows_on_thresholds(dump: dict[str, Any], n: int) -> NDArray[np.float64]:
    """Rows whose values are thresholds of the model, and their neighbours above and below in float32."""
    random = np.random.default_rng(3)
    rows = some_rows(n, seed=4)
    found = [pair for tree in dump["tree_info"] for pair in splits_of(tree["tree_structure"])]
    for feature in range(rows.shape[1]):
        near = cast([split for f, split in found if f == feature] or [0.0]).astype(np.float32)
        with np.errstate(over="ignore"):  # beyond the largest float32 lies infinity
            near = np.concatenate([near, *(np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf))])
        at = random.random(n) < 0.5
        rows[at, feature] = random.choice(near, int(at.sum()))
    return cast(rows)


def test_raw_score_has_the_bits_of_lightgbm() -> None:
    """On 100,000 rows with missing values and values exactly on thresholds, every raw score is bit-equal."""
    booster = fit(some_rows(20_000, seed=1))
    dump = booster.dump_model()
    rows = np.concatenate([some_rows(60_000, seed=2), rows_on_thresholds(dump, 40_000)])
    rows[:2_000, 5:] = np.nan  # columns that were never missing when the trees were grown

    raw, _ = Session.load(export_gradient_boosting(dump, calibration=CALIBRATION, names=NAMES)).many(rows)

    np.testing.assert_array_equal(raw, booster.predict(rows, raw_score=True, num_threads=1))


@pytest.mark.parametrize("settings", [{"use_missing": False}, {"boosting": "dart", "drop_rate": 0.5}, {"max_bin": 7}])
def test_settings_that_change_the_trees_keep_the_bits(settings: dict[str, Any]) -> None:
    """Missing as zero, reweighted trees and coarse thresholds are written as LightGBM means them."""
    booster = fit(some_rows(3_000, seed=1), 20, **settings)
    rows = some_rows(3_000, seed=5)

    raw, _ = Session.load(export_gradient_boosting(booster.dump_model(), calibration=CALIBRATION, names=NAMES)).many(
        rows
    )

    np.testing.assert_array_equal(raw, booster.predict(rows, raw_score=True, num_threads=1))


def test_values_beside_zero_are_read_as_lightgbm_reads_them() -> None:
    """The smallest floats, either side of 1e-35 and of zero, get LightGBM's bits although nothing rounds them first."""
    rows = some_rows(3_000, seed=1)
    rows[::2, 3:6] = 0.0
    booster = fit(rows, 20)
    near = np.float32(1e-35)
    tiny = [near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(1)), 1e-40, 1.4e-45, 0.0]
    probes = np.zeros((len(tiny) * 2, 8))
    probes[:, 3] = np.array([*tiny, *(-value for value in tiny)], dtype=np.float32)
    probes[:, 5] = probes[::-1, 3]
    dump = booster.dump_model()

    raw, _ = Session.load(export_gradient_boosting(dump, calibration=CALIBRATION, names=NAMES)).many(probes)

    thresholds = {split for tree in dump["tree_info"] for _, split in splits_of(tree["tree_structure"])}
    assert {-float(near), float(near)} <= thresholds
    np.testing.assert_array_equal(raw, booster.predict(probes, raw_score=True, num_threads=1))


@pytest.mark.parametrize("threshold", [0.0, -0.0, 1e-36, -1e-36, 1e-40, -1e-40, 2e-35, -2e-35])
def test_a_threshold_beside_zero_says_what_lightgbm_means(threshold: float) -> None:
    """A threshold within 1e-35 of zero, if a booster ever has one, keeps all that reads as zero on zero's side."""
    split = {"split_feature": 0, "threshold": threshold, "decision_type": "<=", "missing_type": "None"}
    split |= {"default_left": True, "left_child": {"leaf_value": 1.0}, "right_child": {"leaf_value": -1.0}}
    dump = {"objective": "binary", "max_feature_idx": 0, "tree_info": [{"tree_structure": split}]}
    near = np.float32(1e-35)
    probes = [0.0, 1e-36, -1e-36, near, -near, np.nextafter(near, np.float32(1)), -np.nextafter(near, np.float32(1))]

    raw, _ = Session.load(export_gradient_boosting(dump, calibration=CALIBRATION, names=["x"])).many(
        np.array([*probes, np.nan])[:, None]
    )

    read = [0.0 if abs(value) <= near else float(value) for value in probes] + [0.0]
    assert raw.tolist() == [1.0 if value <= threshold else -1.0 for value in read]


def test_threads_do_not_change_the_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boosted trees are the same, byte for byte, on one thread and on three."""
    features = some_rows(20_000, seed=1)
    labels = (np.nan_to_num(features[:, 3]) - features[:, 6] > 1).astype(np.int8)
    family = trainer(ts.GradientBoosting(max_trees=60, max_leaves=16))
    params = family.defaults | {"feature_fraction": 0.6}
    files = set()
    for threads in (1, 2, 3):
        monkeypatch.setattr(gradient_boosting, "THREADS", threads)
        files.add(family.fit(features, labels, params, seed=5).export(Calibration(), NAMES))

    assert len(files) == 1


def test_a_tree_without_a_split_is_a_constant() -> None:
    """A booster that found nothing to split scores every row alike."""
    booster = fit(some_rows(300, seed=1), 2, min_data_in_leaf=400)
    rows = some_rows(5, seed=2)

    raw, _ = Session.load(export_gradient_boosting(booster.dump_model(), calibration=CALIBRATION, names=NAMES)).many(
        rows
    )

    np.testing.assert_array_equal(raw, booster.predict(rows, raw_score=True, num_threads=1))


def test_score_is_the_calibrated_raw_score() -> None:
    """The score is the sigmoid of slope * raw + intercept, in double precision: within 1e-15."""
    booster = fit(some_rows(3_000, seed=1), 20)
    rows = some_rows(500, seed=2)

    raw, score = Session.load(
        export_gradient_boosting(booster.dump_model(), calibration=CALIBRATION, names=NAMES)
    ).many(rows)

    np.testing.assert_allclose(score, 1 / (1 + np.exp(-(1.25 * raw - 0.5))), rtol=0, atol=1e-15)


def test_the_same_booster_gives_the_same_file() -> None:
    """Writing twice gives the same bytes, so the file's digest names the model."""
    dump = fit(some_rows(3_000, seed=1), 5).dump_model()

    files = {export_gradient_boosting(dump, calibration=CALIBRATION, names=NAMES) for _ in range(2)}

    assert len(files) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"zero_as_missing": True}, "zero stands for missing"),
        ({"linear_tree": True}, "linear model"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averaged trees"),
        ({"objective": "regression"}, "no log-odds"),
    ],
)
def test_what_cannot_be_written_is_refused(settings: dict[str, Any], sentence: str) -> None:
    """A booster that a plain sum of numeric trees cannot say is refused by a sentence."""
    rows = np.abs(some_rows(3_000, seed=1))
    rows[rows[:, 0] > 50, 0] = 0.0

    with pytest.raises(ExportRefused, match=sentence):
        export_gradient_boosting(fit(rows, 5, **settings).dump_model(), calibration=CALIBRATION, names=NAMES)


def test_categories_are_refused() -> None:
    """A split on a set of categories is not written as a comparison."""
    rows = np.abs(some_rows(3_000, seed=1))
    rows[:, 3] = rows[:, 3].round()
    booster = fit(rows, 5, categories=[3], min_data_per_group=10)

    with pytest.raises(ExportRefused, match="categories"):
        export_gradient_boosting(booster.dump_model(), calibration=CALIBRATION, names=NAMES)


def test_other_features_than_named_are_refused() -> None:
    """A booster trained on named columns is not written under other names."""
    dump = fit(some_rows(3_000, seed=1), 2).dump_model()

    with pytest.raises(ExportRefused, match="8 features and 7 are named"):
        export_gradient_boosting(dump, calibration=CALIBRATION, names=NAMES[:7])
    with pytest.raises(ExportRefused, match="Train on the columns"):
        export_gradient_boosting(dump | {"feature_names": NAMES[::-1]}, calibration=CALIBRATION, names=NAMES)
