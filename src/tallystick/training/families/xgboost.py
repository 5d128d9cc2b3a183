"""Boosted decision trees (XGBoost), which adds its leaves in float32: the raw score here is their sum in double."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.families import XGBoost
from tallystick.errors import ExportRefused, FitFailed
from tallystick.scoring.ensemble import read_forest
from tallystick.scoring.forest import Forest, Places
from tallystick.scoring.graph import Calibration, read
from tallystick.training.export import export_forest
from tallystick.training.forest import Split, below, grow
from tallystick.training.libraries import need
from tallystick.training.parity import Parity, by_leaves
from tallystick.training.trainer import Params

THREADS = 1  # more would not change a bit
_FEWEST_TREES, _FEWEST_LEAVES = 30, 4
_OBJECTIVE = "binary:logistic"
_ROWS_AT_ONCE = 10_000  # nodes of all trees are held for so many rows


@dataclass(frozen=True, slots=True)
class FittedXGBoost:
    """A booster, the forest written from it, and which leaf of the forest each node of the booster is.

    Parameters
    ----------
    booster : XGBoost's
    forest : the score it starts from as the first tree, then its own
    leaf_of : shape [n_trees, n_nodes], of each of its own trees and nodes the forest's leaf; -1 where it is none
    """

    booster: Any
    forest: Forest
    leaf_of: Places

    @classmethod
    def of(cls, booster: Any) -> "FittedXGBoost":
        """Read what a booster says of itself; it is never pickled."""
        plain = json.loads(bytes(booster.save_raw("json")))
        forest, origins = forest_of(plain, base=_base_of(plain))
        trees = plain["learner"]["gradient_booster"]["model"]["trees"]
        leaf_of = np.full((len(trees), max(len(tree["left_children"]) for tree in trees)), -1, dtype=np.int32)
        for leaf, (tree, node) in enumerate(origins):
            if tree >= 0:
                leaf_of[tree, node] = leaf
        return cls(booster, forest, leaf_of)

    def raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum in double of the leaves that XGBoost says each row reaches."""
        parts = [self.forest.sums(self._leaves(rows)) for rows in _in_parts(features)]
        return np.concatenate([np.empty(0), *parts])

    def export(self, calibration: Calibration, names: Sequence[str]) -> bytes:
        """Return the model file.

        Parameters
        ----------
        calibration : of the raw score
        names : of the features, in the order of the columns it was fitted on
        """
        return export_forest(self.forest, calibration=calibration, names=names)

    def prove(self, features: NDArray[np.float64], raw: NDArray[np.float64], model: bytes) -> Parity:
        """Hold the file to XGBoost leaf by leaf, and XGBoost's own float32 score to the sum of the leaves.

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        raw : shape (n,), what the model file says of them
        model : the file's bytes
        """
        return by_leaves(read_forest(read(model)), features, raw, lambda rows: (self._leaves(rows), self._sums(rows)))

    def _leaves(self, rows: NDArray[np.float64]) -> Places:
        nodes = self.booster.predict(_rows(rows), pred_leaf=True).reshape(len(rows), -1).astype(np.int64)
        own = self.leaf_of[np.arange(nodes.shape[1]), nodes]
        return np.concatenate([np.zeros((len(rows), 1), dtype=np.int32), own], axis=1)  # all reach the constant

    def _sums(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.asarray(self.booster.predict(_rows(rows), output_margin=True), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class XGBoosting:
    """Fits boosted trees; searched are learning rate, trees, leaves, weight of a leaf, L2 and features of a tree.

    Trees grow leaf by leaf, the one that gains most first, as LightGBM's do: caps then mean the same in both families.
    """

    family: XGBoost
    name: ClassVar[str] = "xgboost"

    @property
    def libraries(self) -> tuple[str, ...]:
        """The distribution that XGBoost came in: the one without code for GPUs where there is one."""
        return ("xgboost-cpu" if _is_installed("xgboost-cpu") else "xgboost",)

    @property
    def defaults(self) -> Params:
        """Less eager than XGBoost's own, which learn a few thousand rows by heart."""
        return {
            "learning_rate": 0.1,
            "trees": min(100, self.family.max_trees),
            "leaves": min(15, self.family.max_leaves),
            "min_child_weight": 5.0,
            "l2": 1.0,
            "feature_fraction": 0.8,
        }

    def suggest(self, trial: Any) -> Params:
        """Ask for the six settings."""
        trees, leaves = self.family.max_trees, self.family.max_leaves
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
            "trees": trial.suggest_int("trees", min(_FEWEST_TREES, trees), trees),
            "leaves": trial.suggest_int("leaves", min(_FEWEST_LEAVES, leaves), leaves),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.1, 100.0, log=True),
            "l2": trial.suggest_float("l2", 1e-2, 1e2, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        }

    def fit(
        self, features: NDArray[np.float64], labels: NDArray[np.int8], params: Params, *, seed: int
    ) -> FittedXGBoost:
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
            If XGBoost refuses the rows or settings.
        """
        xgboost = need("xgboost")
        try:
            booster = xgboost.train(_settings(params, seed), _rows(features, labels), int(params["trees"]))
        except xgboost.core.XGBoostError as error:
            raise FitFailed(self.name, reason=str(error)) from error
        return FittedXGBoost.of(booster)


def forest_of(plain: Mapping[str, Any], *, base: float) -> tuple[Forest, list[tuple[int, int]]]:
    """Return XGBoost's trees as a forest, and of each leaf its tree and node; the constant's tree is -1.

    Parameters
    ----------
    plain : the JSON that ``booster.save_raw("json")`` returned
    base : the log-odds that the booster starts from

    Raises
    ------
    ExportRefused
        If the booster holds something a plain sum of numeric trees cannot say: another objective, reweighted or
        linear boosting, several classes or targets, categories.

    Notes
    -----
    XGBoost compares in float32 and goes left where x < threshold, and with a missing value where the node says so. Its
    numbers are float32, which the JSON writes so that they are read again to the bit.
    """
    _check_booster(plain)
    trees = plain["learner"]["gradient_booster"]["model"]["trees"]

    def describe(at: tuple[int, int]) -> Split | float:
        return base if at[0] < 0 else _node(trees[at[0]], at)

    return grow([(-1, 0), *((tree, 0) for tree in range(len(trees)))], describe)


def _check_booster(plain: Mapping[str, Any]) -> None:
    learner = plain["learner"]
    objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
    if objective != _OBJECTIVE:
        raise ExportRefused(f"objective {objective!r} has no log-odds", remedy=f"Train with objective={_OBJECTIVE!r}.")
    if kind != "gbtree":
        raise ExportRefused(f"booster {kind!r} is no plain sum of trees", remedy="Train with booster='gbtree'.")
    # From 3.4 on, trees with dropout are a gbtree too, and their weights stand beside them.
    if any(weight != 1.0 for weight in learner["gradient_booster"]["model"].get("weight_drop", ())):
        raise ExportRefused("trees with weights are no plain sum of trees", remedy="Train without rate_drop.")
    sizes = learner["learner_model_param"]
    if int(sizes["num_class"]) > 1 or int(sizes.get("num_target", 1)) > 1:
        raise ExportRefused("several classes or targets", remedy="Train one label of two classes.")
    trees = learner["gradient_booster"]["model"]["trees"]
    if any(any(tree["split_type"]) for tree in trees):
        raise ExportRefused("a split asks for categories", remedy="Give categories as numbers.")


def _node(tree: Mapping[str, Any], at: tuple[int, int]) -> Split | float:
    number, node = at
    left, right = tree["left_children"][node], tree["right_children"][node]
    value = float(np.float32(tree["split_conditions"][node]))
    if left < 0:
        return value
    missing_is_true = bool(tree["default_left"][node])
    return Split(int(tree["split_indices"][node]), below(value), missing_is_true, (number, left), (number, right))


def _base_of(plain: Mapping[str, Any]) -> float:
    """Return the log-odds that a booster starts from, of which its JSON holds the probability.

    XGBoost is asked, with a booster of that probability and no trees: it takes the logarithm in float32, and one of
    another library may differ in the last bit.
    """
    probability = float(plain["learner"]["learner_model_param"]["base_score"].strip("[]"))
    row = _rows(np.zeros((1, 1)), np.zeros(1))
    settings = {"objective": _OBJECTIVE, "base_score": probability, "nthread": THREADS}
    empty = need("xgboost").train(settings, row, num_boost_round=0)
    return float(empty.predict(row, output_margin=True)[0])


def _rows(features: NDArray[np.float64], labels: NDArray[Any] | None = None) -> Any:
    return need("xgboost").DMatrix(features, labels, nthread=THREADS)


def _in_parts(features: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    return (features[start : start + _ROWS_AT_ONCE] for start in range(0, len(features), _ROWS_AT_ONCE))


def _is_installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def _settings(params: Params, seed: int) -> dict[str, Any]:
    return {
        "objective": _OBJECTIVE,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": params["leaves"],
        "learning_rate": params["learning_rate"],
        "min_child_weight": params["min_child_weight"],
        "reg_lambda": params["l2"],
        "colsample_bytree": params["feature_fraction"],
        "seed": seed,
        "nthread": THREADS,
        "verbosity": 0,
    }
