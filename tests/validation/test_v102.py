"""V102: average precision above the base rate."""

from collections.abc import Callable

import numpy as np

from tallystick.validation.check import Question
from tallystick.validation.discrimination import FindsMoreThanItsShare, average_precision_lower
from tallystick.validation.finding import Outcome


def test_a_model_that_finds_fraud_passes(question: Question) -> None:
    """A model whose top is richer than the whole passes."""
    assert FindsMoreThanItsShare().ask(question).outcome is Outcome.PASSED


def test_a_coin_fails(requested: Callable[..., Question]) -> None:
    """A random ranking reaches the base rate and fails."""
    rng = np.random.default_rng(0)

    finding = FindsMoreThanItsShare().ask(requested("test", rng.random(20_000) < 0.05, rng.random(20_000)))

    assert finding.outcome is Outcome.FAILED


def test_the_bound_tightens_with_flagged_rows() -> None:
    """More flagged rows bring the lower bound nearer, and a perfect ranking of few leaves doubt."""
    assert average_precision_lower(0.6, 50) < average_precision_lower(0.6, 5_000) < 0.6
    assert average_precision_lower(1.0, 10) < average_precision_lower(1.0, 50) < average_precision_lower(1.0, 5_000) < 1
