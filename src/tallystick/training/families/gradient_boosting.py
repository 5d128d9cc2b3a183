"""Boosted decision trees (LightGBM), capped so that their reasons stay exact and quick."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.families import GradientBoosting
from tallystick.errors import ExportRefused, FitFailed
from tallystick.scoring.forest import Forest
from tallystick.scoring.graph import Calibration
from tallystick.training.export import export_forest
from tallystick.training.forest import Split, grow
from tallystick.training.libraries import need
from tallystick.training.parity import Parity, compare
from tallystick.training.trainer import Params

THREADS = 1  # on two busy cores a second one costs more than it gives; it would not change a bit
_FEWEST_TREES, _FEWEST_LEAVES = 30, 4
_ZERO = float(np.float32(1e-35))  # LightGBM reads anything at most so far from zero as zero, whatever a split says
_OBJECTIVES = ("binary", "cross_entropy", "xentropy")  # those whose raw score is a log-odds


@dataclass(frozen=True, slots=True)
class FittedBoosting:
    """A booster."""

    booster: Any

    def raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LightGBM's own raw score."""
        return np.asarray(self.booster.predict(features, raw_score=True, num_threads=THREADS), dtype=np.float64)

    def export(self, calibration: Calibration, names: Sequence[str]) -> bytes:
        """Return the model file.

        Parameters
        ----------
        calibration : of the raw score
        names : of the features, in the order of the columns it was fitted on
        """
        return export_gradient_boosting(self.booster.dump_model(), calibration=calibration, names=names)

    def prove(self, features: NDArray[np.float64], raw: NDArray[np.float64], model: bytes) -> Parity:  # noqa: ARG002
        """Hold raw scores to LightGBM's, bit for bit: both add the same doubles in the same order.

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        raw : shape (n,), what the model file says of them
        model : the file's bytes
        """
        return compare(raw, self.raw(features), allowed=0.0)


@dataclass(frozen=True, slots=True)
class Boosting:
    """Fits boosted trees; searched are learning rate, trees, leaves, rows of a leaf, L2 and features of a tree.

    LightGBM's deterministic mode with rows split in one fixed way gives the same trees with any number of
    threads.
    """

    family: GradientBoosting
    name: ClassVar[str] = "gradient_boosting"
    libraries: ClassVar[tuple[str, ...]] = ("lightgbm",)

    @property
    def defaults(self) -> Params:
        """LightGBM's own, within the family's caps."""
        return {
            "learning_rate": 0.1,
            "trees": min(100, self.family.max_trees),
            "leaves": min(31, self.family.max_leaves),
            "min_child_samples": 20,
            "l2": 0.01,
            "feature_fraction": 1.0,
        }

    def suggest(self, trial: Any) -> Params:
        """Ask for the six settings."""
        trees, leaves = self.family.max_trees, self.family.max_leaves
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
            "trees": trial.suggest_int("trees", min(_FEWEST_TREES, trees), trees),
            "leaves": trial.suggest_int("leaves", min(_FEWEST_LEAVES, leaves), leaves),
            "min_child_samples": trial.suggest_int("min_child_samples", 10, 500, log=True),
            "l2": trial.suggest_float("l2", 1e-2, 1e2, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        }

    def fit(
        self, features: NDArray[np.float64], labels: NDArray[np.int8], params: Params, *, seed: int
    ) -> FittedBoosting:
        """Fit on rows of shape [n, k]; missing values take the side of a split that suits them.

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        labels : shape [n], 0 or 1
        params : one value of each searched setting, as ``suggest`` returns them
        seed : of whatever the framework draws

        Raises
        ------
        FitFailed
            If LightGBM refuses the rows or settings.
        """
        lightgbm = need("lightgbm")
        # LightGBM sorts -1e-35 among the negative values when it learns, and reads it as zero when it scores.
        as_read = np.where(np.abs(features) <= _ZERO, 0.0, features)
        try:
            rows = lightgbm.Dataset(as_read, labels.astype(np.float64), params={"num_threads": THREADS})
            booster = lightgbm.train(_settings(params, seed), rows, num_boost_round=int(params["trees"]))
        except lightgbm.basic.LightGBMError as error:
            raise FitFailed(self.name, reason=str(error)) from error
        return FittedBoosting(booster)


def export_gradient_boosting(dump: Mapping[str, Any], *, calibration: Calibration, names: Sequence[str]) -> bytes:
    """Write LightGBM's trees as a model file whose raw score has LightGBM's bits.

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
        If the booster holds something a plain sum of numeric trees cannot say: zero as missing, several classes,
        averaged trees, or other features than named.
    """
    _check_booster(dump, names)
    return export_forest(forest_of(dump), calibration=calibration, names=names)


def forest_of(dump: Mapping[str, Any]) -> Forest:
    """Return LightGBM's trees as a forest.

    Notes
    -----
    Missing values follow LightGBM: a split trained with missing values sends them where it learned to;
    one trained without treats them as zero. Values so near to zero that LightGBM reads them as zero fall on zero's
    side of every threshold written here, so that the rule needs no step of its own when a model scores.
    """
    return grow((tree["tree_structure"] for tree in dump["tree_info"]), _node)[0]


def _check_booster(dump: Mapping[str, Any], names: Sequence[str]) -> None:
    objective = str(dump.get("objective", "")).split(" ")[0]
    if objective not in _OBJECTIVES:
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


def _node(node: Mapping[str, Any]) -> Split | float:
    if "leaf_coeff" in node or "leaf_const" in node:
        raise ExportRefused("a leaf holds a linear model", remedy="Train with linear_tree=False.")
    if "leaf_value" in node:
        return float(node["leaf_value"])
    if node["decision_type"] != "<=":
        raise ExportRefused("a split asks for categories", remedy="Give categories as numbers.")
    if node["missing_type"] not in ("None", "NaN"):
        raise ExportRefused("zero stands for missing", remedy="Train with zero_as_missing=False.")
    threshold = float(node["threshold"])
    missing_is_true = threshold >= 0.0 if node["missing_type"] == "None" else bool(node["default_left"])
    return Split(
        int(node["split_feature"]), _beside_zero(threshold), missing_is_true, node["left_child"], node["right_child"]
    )


def _beside_zero(threshold: float) -> float:
    """Return the threshold that says of every x what this one says of x as LightGBM reads it.

    With z = 1e-35, LightGBM compares 0 instead of any x in [-z, z]. A threshold in [0, z) is at least that zero, so
    all of them lie below it, as they lie below z. A threshold in [-z, 0) is less than that zero, so none of them does,
    and what remains is x < -z. Other thresholds have all of [-z, z] on one side anyway.
    """
    if 0.0 <= threshold < _ZERO:
        return _ZERO
    if -_ZERO <= threshold < 0.0:
        return float(np.nextafter(-_ZERO, -np.inf))
    return threshold


def _settings(params: Params, seed: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "learning_rate": params["learning_rate"],
        "num_leaves": params["leaves"],
        "min_child_samples": params["min_child_samples"],
        "lambda_l2": params["l2"],
        "feature_fraction": params["feature_fraction"],
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": THREADS,
        "verbosity": -1,
    }
