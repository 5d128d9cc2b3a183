"""V201: Brier score below the constant's."""

from collections.abc import Callable

import numpy as np

from tallystick.validation.calibration import BeatsTheConstant
from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome


def test_a_probability_that_knows_something_passes(question: Question) -> None:
    """A model whose squared error is clearly below the constant's passes."""
    finding = BeatsTheConstant().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert 0 < finding.figures["skill"] < 1


def test_a_good_ranking_with_wrong_probabilities_fails(requested: Callable[..., Question]) -> None:
    """Scores that rank well and promise far too much lose against the constant."""
    rng = np.random.default_rng(0)
    labels = rng.random(5_000) < 0.05

    finding = BeatsTheConstant().ask(requested("test", labels, 0.6 + 0.3 * labels))

    assert finding.outcome is Outcome.FAILED
    assert finding.figures["skill"] < 0
