"""The sigmoid from raw score to probability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from tallystick.errors import CalibrationInverted
from tallystick.training.calibration import fit_sigmoid


@given(st.integers(0, 10_000), st.floats(0.05, 20.0), st.floats(-30.0, 30.0))
def test_it_finds_the_optimum(seed: int, scale: float, shift: float) -> None:
    """Newton's answer is no worse than a general optimiser's, whatever the scale and place of the raw score."""
    rng = np.random.default_rng(seed)
    raw = scale * rng.normal(size=300) + shift
    known = rng.random(300) < 1 / (1 + np.exp(-2 * (raw - shift) / scale + 1))
    known[:2] = (np.argsort(raw)[[-1, 0]] >= 0) & np.array([True, False])
    n1, n0 = int(known.sum()), int((~known).sum())
    targets = np.where(known, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def loss(at: np.ndarray) -> float:
        odds = at[0] * raw + at[1]
        return float((np.logaddexp(0, odds) - targets * odds).sum())

    found = fit_sigmoid(raw, known)
    start = [1 / scale, -shift / scale]

    assert loss(np.array([found.slope, found.intercept])) <= minimize(loss, start, method="BFGS").fun + 1e-6


def test_perfect_separation_stays_finite() -> None:
    """Rows that are separated perfectly give a finite, steep sigmoid."""
    found = fit_sigmoid(np.arange(100.0), np.arange(100) >= 50)

    assert 0 < found.slope < 10
    assert np.isfinite(found.intercept)


def test_an_upside_down_ranking_is_refused() -> None:
    """A raw score that falls where risk rises is refused in a sentence with its numbers."""
    with pytest.raises(CalibrationInverted, match=r"100 rows, 50 flagged; slope -"):
        fit_sigmoid(np.arange(100.0), np.arange(100) < 50)


def test_a_constant_raw_score_is_refused() -> None:
    """A raw score that never varies tells nothing, so nothing keeps its order."""
    with pytest.raises(CalibrationInverted):
        fit_sigmoid(np.zeros(10), np.arange(10) < 5)
