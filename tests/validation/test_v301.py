"""V301: PSI of the score between fit and test."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.stability import ScoresLieAlike, shift


def test_scores_of_one_world_pass(question: Question) -> None:
    """Scores of two stretches of the same world pass."""
    finding = ScoresLieAlike().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert finding.figures["psi"] < finding.figures["critical"]


def test_scores_that_moved_fail(requested: Callable[..., Question]) -> None:
    """A whole standard deviation of shift fails."""
    rng = np.random.default_rng(0)
    moved = requested("test", np.zeros(2_000), rng.normal(size=2_000) + 1.0)
    before = requested("fit", np.zeros(5_000), rng.normal(size=5_000))

    finding = ScoresLieAlike().ask(replace(moved, fit=before.fit))

    assert finding.outcome is Outcome.FAILED


def test_a_constant_score_is_no_answer(requested: Callable[..., Question]) -> None:
    """A score that never varies has no distribution to compare."""
    assert ScoresLieAlike().ask(requested("fit", np.zeros(50), np.full(50, 0.1))).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(("n", "m"), [(5_000, 100), (10_000, 1_000), (300, 40)])
def test_quiet_worlds_stay_within_the_critical_value(n: int, m: int) -> None:
    """Without any shift and with nothing tolerated, about one world in a hundred exceeds the critical value."""
    rng = np.random.default_rng(n)
    seen = [shift(rng.normal(size=n), rng.normal(size=m), tolerated=0.0) for _ in range(300)]

    exceeded = sum(each is not None and each.psi > each.critical for each in seen)

    assert exceeded <= 11  # one in a hundred of 300 is 3; beyond 11 is less likely than 1 in 5,000


def test_the_rule_of_thumb_cries_wolf_and_this_does_not() -> None:
    """At 5,000 against 100 rows the classic cut of 0.1 alarms in a third of quiet worlds."""
    rng = np.random.default_rng(4)
    seen = [shift(rng.normal(size=5_000), rng.normal(size=100), tolerated=0.1) for _ in range(300)]

    assert np.mean([each is not None and each.psi > 0.1 for each in seen]) > 0.25
    assert not any(each is None or each.psi > each.critical for each in seen)


def test_a_real_and_tolerated_shift_passes() -> None:
    """A tenth of a standard deviation of 100,000 rows is no chance, and too small to matter."""
    rng = np.random.default_rng(5)
    seen = shift(rng.normal(size=100_000), rng.normal(size=100_000) + 0.1, tolerated=0.1)

    assert seen is not None
    assert seen.by_chance < 1e-6
    assert seen.psi < seen.critical


def test_an_empty_bin_is_no_infinity() -> None:
    """Bins that nothing falls into any more give a large and finite index."""
    seen = shift(np.arange(1_000.0), np.zeros(500), tolerated=0.1)

    assert seen is not None
    assert 1.0 < seen.psi < 100.0
