"""From a raw score to a probability: a sigmoid, fitted on rows the model has not seen."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.errors import CalibrationInverted
from tallystick.scoring.graph import Calibration

_STEPS, _HALVINGS, _ENOUGH = 100, 40, 1e-10


def fit_sigmoid(raw: ArrayLike, labels: ArrayLike) -> Calibration:
    """Fit score = 1 / (1 + exp(-(slope * raw + intercept))) by maximum likelihood in double precision.

    The targets are Platt's: (n1 + 1) / (n1 + 2) for the flagged and 1 / (n0 + 2) for the others, so that a
    perfect separation still has a finite answer. Newton's method with halved steps; the problem is convex.

    Parameters
    ----------
    raw : shape (n,), log-odds of held-out rows
    labels : shape (n,), 0 or 1, both present

    Raises
    ------
    CalibrationInverted
        If the probability would fall as the raw score rises: the raw score ranks the held-out rows upside down.

    References
    ----------
    J. Platt (1999), "Probabilistic Outputs for Support Vector Machines", *Advances in Large Margin Classifiers*.
    H. Lin, C. Lin, R. Weng (2007), "A note on Platt's probabilistic outputs for support vector machines", *Machine
    Learning* 68, 267-276.

    Examples
    --------
    >>> fitted = fit_sigmoid([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1])
    >>> round(fitted.slope, 3), abs(fitted.intercept) < 1e-9
    (0.674, True)
    """
    values, known = np.asarray(raw, dtype=np.float64), np.asarray(labels) == 1
    n1, n0 = int(known.sum()), int((~known).sum())
    targets = np.where(known, (n1 + 1.0) / (n1 + 2.0), 1.0 / (n0 + 2.0))
    # Newton walks in standardised raw scores, where one step size suits every model; the answer is scaled back.
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    # With no slope the best answer is the base rate, so Newton starts near it.
    slope, intercept = _newton((values - centre) / spread, targets, start=float(np.log((n1 + 1.0) / (n0 + 1.0))))
    slope, intercept = slope / spread, intercept - slope / spread * centre
    if not slope > 0.0:
        raise CalibrationInverted(slope, n_rows=len(values), n_positives=n1)
    return Calibration(slope, intercept)


def _newton(values: NDArray[np.float64], targets: NDArray[np.float64], *, start: float) -> tuple[float, float]:
    at = np.array([0.0, start])
    loss = _loss(at, values, targets)
    for _ in range(_STEPS):
        score = _sigmoid(at[0] * values + at[1])
        # Where all scores round to 0 or 1 no curvature is left, and without a floor one step would lead anywhere.
        error, weight = score - targets, np.maximum(score * (1.0 - score), 1e-12)
        slope = np.array([float((error * values).sum()), float(error.sum())])
        cross = float((weight * values).sum())
        curve = np.array([[float((weight * values**2).sum()), cross], [cross, float(weight.sum())]])
        # Raw scores that are all equal make the curve singular; with this the slope stays 0, and is refused by name.
        step = np.linalg.solve(curve + 1e-12 * np.eye(2), slope)
        taken, loss = _descend(at, step, loss, values, targets)
        if float(np.abs(taken - at).max()) <= _ENOUGH:
            return float(taken[0]), float(taken[1])
        at = taken
    return float(at[0]), float(at[1])


def _descend(
    at: NDArray[np.float64],
    step: NDArray[np.float64],
    loss: float,
    values: NDArray[np.float64],
    targets: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    for halving in range(_HALVINGS):
        tried = at - step * 0.5**halving
        loss_now = _loss(tried, values, targets)
        if loss_now < loss:
            return tried, loss_now
    # No shorter step is better either: what is left is rounding, and this is the minimum.
    return at, loss


def _loss(at: NDArray[np.float64], values: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    odds = at[0] * values + at[1]
    # As log(1 + exp(odds)): the logarithm of a score that rounds to 0 or 1 would be infinite.
    return float((np.logaddexp(0.0, odds) - targets * odds).sum())


def _sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    # By tanh, which saturates where exp overflows.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * odds)))
