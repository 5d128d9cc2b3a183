"""What a written model promises: the framework's raw score, and a refusal for what it cannot say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tallystick.errors import ExportRefused
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.session import Session
from tallystick.training.export import export_logistic

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


@pytest.mark.parametrize("slope", [0.0, -1.0, float("nan"), float("inf")])
def test_a_calibration_that_turns_the_order_around_is_refused(slope: float) -> None:
    """Without a slope above zero a higher raw score is not a higher risk, and reasons would lie."""
    with pytest.raises(ExportRefused, match="keeps the order of risks"):
        export_logistic(
            medians=[0.0], means=[0.0], scales=[1.0], weights=[1.0], bias=0.0,
            calibration=Calibration(slope, 0.0), names=["amount"],
        )  # fmt: skip


def test_logistic_regression_keeps_its_raw_score() -> None:
    """Imputation, standardisation and weights give scikit-learn's log-odds within 1e-12 on 20,000 rows."""
    rows = some_rows(20_000, seed=1)
    bad = rows[:, 6] + np.random.default_rng(2).normal(size=len(rows)) > 1
    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression()).fit(rows, bad)
    imputer, scaler, regression = (step for _, step in model.steps)

    written = export_logistic(
        medians=imputer.statistics_, means=scaler.mean_, scales=scaler.scale_, weights=regression.coef_[0],
        bias=float(regression.intercept_[0]), calibration=CALIBRATION, names=NAMES,
    )  # fmt: skip
    raw, score = Session.load(written).many(rows)

    np.testing.assert_allclose(raw, model.decision_function(rows), rtol=0, atol=1e-12)
    np.testing.assert_allclose(score, 1 / (1 + np.exp(-(1.25 * raw - 0.5))), rtol=0, atol=1e-15)


def test_a_constant_feature_is_refused() -> None:
    """A scale of zero would divide by zero; the sentence names the feature."""
    with pytest.raises(ExportRefused, match="weekend never varies"):
        export_logistic(
            medians=[0, 0], means=[0, 0], scales=[1, 0], weights=[1, 1], bias=0.0,
            calibration=CALIBRATION, names=["amount", "weekend"],
        )  # fmt: skip
