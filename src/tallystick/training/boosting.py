"""Boosted decision trees (LightGBM), capped so that their reasons stay exact and quick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.models import GradientBoosting
from tallystick.errors import FitFailed
from tallystick.scoring.graph import Calibration
from tallystick.training.export import export_gradient_boosting
from tallystick.training.libraries import need
from tallystick.training.trainer import Params

THREADS = 1  # on two busy cores a second one costs more than it gives; it would not change a bit
_FEWEST_TREES, _FEWEST_LEAVES = 30, 4


@dataclass(frozen=True, slots=True)
class FittedBoosting:
    """A booster."""

    booster: Any

    def raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LightGBM's own raw score."""
        return np.asarray(self.booster.predict(features, raw_score=True, num_threads=THREADS), dtype=np.float64)

    def export(self, calibration: Calibration, names: Sequence[str]) -> bytes:
        """Return the model file."""
        return export_gradient_boosting(self.booster.dump_model(), calibration=calibration, names=names)


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

        Raises
        ------
        FitFailed
            If LightGBM refuses the rows or settings.
        """
        lightgbm = need("lightgbm")
        try:
            rows = lightgbm.Dataset(features, labels.astype(np.float64), params={"num_threads": THREADS})
            booster = lightgbm.train(_settings(params, seed), rows, num_boost_round=int(params["trees"]))
        except lightgbm.basic.LightGBMError as error:
            raise FitFailed(self.name, reason=str(error)) from error
        return FittedBoosting(booster)


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
