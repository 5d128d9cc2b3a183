"""Logistic regression on median-filled, standardised features (scikit-learn)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.families import LogisticRegression
from tallystick.errors import FitFailed
from tallystick.scoring.graph import Calibration
from tallystick.training.export import export_logistic
from tallystick.training.libraries import need
from tallystick.training.parity import Parity, compare
from tallystick.training.trainer import Params

_ALLOWED = 1e-9  # scikit-learn adds products in the order its kernel likes, onnxruntime in another


@dataclass(frozen=True, slots=True)
class FittedLinear:
    """A fitted logistic regression with the medians, means and scales of its training rows."""

    medians: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    estimator: Any

    def raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scikit-learn's own decision function."""
        filled = np.where(np.isnan(features), self.medians, features)
        return np.asarray(self.estimator.decision_function((filled - self.means) / self.scales), dtype=np.float64)

    def export(self, calibration: Calibration, names: Sequence[str]) -> bytes:
        """Return the model file.

        Parameters
        ----------
        calibration : of the raw score
        names : of the features, in the order of the columns it was fitted on
        """
        return export_logistic(
            medians=self.medians,
            means=self.means,
            scales=self.scales,
            weights=self.estimator.coef_[0],
            bias=float(self.estimator.intercept_[0]),
            calibration=calibration,
            names=names,
        )

    def prove(self, features: NDArray[np.float64], raw: NDArray[np.float64], model: bytes) -> Parity:  # noqa: ARG002
        """Hold raw scores to scikit-learn's, but for the last digits of a sum.

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        raw : shape (n,), what the model file says of them
        model : the file's bytes
        """
        return compare(raw, self.raw(features), allowed=_ALLOWED)


@dataclass(frozen=True, slots=True)
class Linear:
    """Fits a logistic regression; searched is the inverse strength of its L2 penalty.

    Newton's method on the normal equations: few features, many rows, and an answer exact enough not to depend
    on when it stopped. On one thread, because sums in several orders have several last bits.
    """

    family: LogisticRegression
    name: ClassVar[str] = "logistic_regression"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn",)

    @property
    def defaults(self) -> Params:
        """scikit-learn's own."""
        return {"C": 1.0}

    def suggest(self, trial: Any) -> Params:
        """Ask for the inverse strength of the penalty."""
        return {"C": trial.suggest_float("C", 1e-4, 1e2, log=True)}

    def fit(
        self, features: NDArray[np.float64], labels: NDArray[np.int8], params: Params, *, seed: int
    ) -> FittedLinear:
        """Fit on rows of shape [n, k]. A feature that is always missing becomes 0, one that never varies scale 1.

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        labels : shape [n], 0 or 1
        params : one value of each searched setting, as ``suggest`` returns them
        seed : of whatever the framework draws

        Raises
        ------
        FitFailed
            If scikit-learn refuses the rows or does not converge.
        """
        medians = _medians(features)
        filled = np.where(np.isnan(features), medians, features)
        means, spreads = filled.mean(axis=0), filled.std(axis=0)
        scales = np.where(spreads > 0.0, spreads, 1.0)
        estimator = need("sklearn.linear_model").LogisticRegression(
            C=params["C"], solver="newton-cholesky", tol=1e-8, max_iter=200, random_state=seed
        )
        with need("threadpoolctl").threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("error", need("sklearn.exceptions").ConvergenceWarning)
            try:
                estimator.fit((filled - means) / scales, labels)
            except (ValueError, UserWarning) as error:
                raise FitFailed(self.name, reason=str(error)) from error
        return FittedLinear(medians, means, scales, estimator)


def _medians(features: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = (column[~np.isnan(column)] for column in features.T)
    return np.array([np.median(known) if len(known) else 0.0 for known in columns])
