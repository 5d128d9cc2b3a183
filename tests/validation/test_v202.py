"""V202: as many flagged as the scores promise."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tallystick.validation.calibration import MeansWhatItSays, bands, exact_interval
from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome


def honest(seed: int, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return labels drawn with the probabilities that the scores state."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(0.3, 12.0, n)
    return rng.random(n) < scores, scores


def test_honest_probabilities_pass_in_all_of_a_hundred_worlds(requested: Callable[..., Question]) -> None:
    """Probabilities that are true pass: the tolerance makes a false failure rarer than one in a hundred."""
    outcomes = [MeansWhatItSays().ask(requested("test", *honest(seed, 4_000))).outcome for seed in range(100)]

    assert outcomes.count(Outcome.FAILED) == 0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_scores_off_by_a_factor_two_fail(requested: Callable[..., Question], factor: float) -> None:
    """Scores of half or twice the truth fail, and the sentence says what was promised and what came."""
    labels, scores = honest(1)

    finding = MeansWhatItSays().ask(requested("test", labels, np.clip(scores * factor, 0, 1)))

    assert finding.outcome is Outcome.FAILED
    assert "flagged where the scores promise" in finding.reason


def test_what_passes_for_want_of_rows_is_not_called_near(requested: Callable[..., Question]) -> None:
    """Twice as many as promised can be chance among few; the sentence does not say that they are near."""
    finding = MeansWhatItSays().ask(requested("test", np.repeat([0, 1], [990, 14]), np.full(1_004, 7 / 1_004)))

    assert finding.outcome is Outcome.PASSED
    assert finding.reason.endswith("(2.00x), too few for bands; none is surely beyond a factor 1.5 of its promise")


def test_a_small_deviation_of_many_rows_passes(requested: Callable[..., Question]) -> None:
    """Scores five per cent too high are significant on 400,000 rows, and tolerated."""
    labels, scores = honest(2, 400_000)

    finding = MeansWhatItSays().ask(requested("test", labels, np.clip(scores * 1.05, 0, 1)))

    assert finding.figures["bands"][0]["high"] < finding.figures["bands"][0]["predicted"]
    assert finding.outcome is Outcome.PASSED


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_is_the_exact_one(n_hits: int, more: int) -> None:
    """The interval of a rate equals SciPy's exact binomial interval."""
    n_rows = n_hits + more
    known = binomtest(n_hits, n_rows).proportion_ci(0.99, method="exact")

    assert exact_interval(n_hits, n_rows, level=0.01) == pytest.approx((known.low, known.high))


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=80), st.integers(1, 6))
def test_bands_follow_the_score(scores: list[float], n_bands: int) -> None:
    """A higher score is never in a lower band, and equal scores are in one."""
    values = np.array(scores)
    place = bands(values, n_bands)

    for i in range(len(values)):
        assert (place[values <= values[i]] <= place[i]).all()
    assert 0 <= place.min() <= place.max() < n_bands
