"""V101: AUC above chance."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from tallystick.training.metrics import auc
from tallystick.validation.check import Question
from tallystick.validation.discrimination import RanksAboveChance, auc_lower, auc_variance
from tallystick.validation.finding import Outcome


def test_a_model_that_ranks_passes(question: Question) -> None:
    """A model that ranks flagged records above others passes, and tells its AUC and bound."""
    finding = RanksAboveChance().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert 0.5 < finding.figures["lower"] < finding.figures["auc"]


def test_a_coin_fails(requested: Callable[..., Question]) -> None:
    """Scores that know nothing of the labels fail, however many rows there are."""
    rng = np.random.default_rng(0)

    finding = RanksAboveChance().ask(requested("test", rng.random(20_000) < 0.05, rng.random(20_000)))

    assert finding.outcome is Outcome.FAILED
    assert "chance is 0.5" in finding.reason


def test_too_few_flagged_rows_are_no_answer(requested: Callable[..., Question]) -> None:
    """With nine flagged rows there is no answer, and it is said."""
    finding = RanksAboveChance().ask(requested("test", [1] * 9 + [0] * 91, np.linspace(1, 0, 100)))

    assert finding.outcome is Outcome.NOT_APPLICABLE
    assert finding.reason == "the test part has 9 flagged of 100 rows; 10 of each kind are needed"


def test_the_variance_is_that_of_repeated_samples() -> None:
    """DeLong's standard error is the spread of AUC over many samples."""
    rng = np.random.default_rng(1)
    areas, spreads = [], []
    for _ in range(400):
        labels = (rng.random(500) < 0.1).astype(np.int8)
        scores = rng.normal(size=500) + labels
        areas.append(auc(labels, scores))
        spreads.append(np.sqrt(auc_variance(labels, scores)))

    assert np.mean(spreads) == pytest.approx(np.std(areas), rel=0.1)


@pytest.mark.parametrize(("n_flagged", "apart"), [(12, 0.0), (20, 1.5), (20, 3.0), (50, 2.0), (12, 4.5)])
def test_the_bound_is_as_sure_as_it_says(n_flagged: int, apart: float) -> None:
    """The 99 % bound lies above the true area in about 1 % of samples, and never in more than 5 %."""
    rng = np.random.default_rng(n_flagged)
    true = NormalDist().cdf(apart / math.sqrt(2))
    labels = np.repeat(np.array([0, 1], dtype=np.int8), [300, n_flagged])

    missed = [auc_lower(labels, rng.normal(size=len(labels)) + apart * labels) > true for _ in range(500)]

    assert np.mean(missed) <= 0.05
