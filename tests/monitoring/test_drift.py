"""Score drift knows its sample sizes: chance rarely looks like drift, and drift is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from tallystick.errors import HistogramUnfit
from tallystick.monitoring import chi_square
from tallystick.monitoring.drift import Histogram, score_drift
from tallystick.training.reference import histogram


@given(st.integers(1, 60), st.floats(1e-12, 0.99))
def test_the_quantile_is_that_of_scipy(degrees: int, above: float) -> None:
    """For all degrees that a histogram has and all significances in use, to nine digits."""
    assert chi_square.quantile(above, degrees) == pytest.approx(chi2.isf(above, degrees), rel=1e-9, abs=1e-14)


@given(st.integers(1, 60), st.floats(0, 400))
def test_the_tail_is_that_of_scipy(degrees: int, x: float) -> None:
    """From the middle to far out."""
    assert chi_square.tail(x, degrees) == pytest.approx(chi2.sf(x, degrees), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("n_current", [300, 3_000, 100_000])
def test_chance_is_called_drift_as_often_as_stated(n_current: int) -> None:
    """Of 1,000 pairs of samples without drift, the critical value of 5 % is passed by 5 %, within 4 errors."""
    draws = np.random.default_rng(n_current)
    shares = np.full(10, 0.1)

    passed = []
    for _ in range(1_000):
        reference = Histogram(tuple(range(9)), tuple(draws.multinomial(5_000, shares).tolist()))
        current = np.repeat(np.arange(10) - 0.5, draws.multinomial(n_current, shares))
        drift = score_drift(reference, current, significance=0.05, floor=0.0)
        assert drift is not None
        passed.append(drift.is_drifted)

    assert np.mean(passed) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1_000))


@pytest.mark.parametrize(("n", "drifted"), [(100, False), (2_000, True)])
def test_the_same_move_is_judged_by_how_much_was_seen(n: int, drifted: bool) -> None:
    """A move by 0.4 standard deviations is chance among 100 scores and drift among 2,000."""
    draws = np.random.default_rng(4)
    reference = Histogram.by_quantiles(draws.standard_normal(50_000))

    drift = score_drift(reference, draws.standard_normal(n) + 0.4)

    assert drift is not None
    assert drift.is_drifted is drifted


def test_a_certain_move_that_is_small_is_no_drift() -> None:
    """Among a million scores a move by 0.1 is certain, and stays below the floor."""
    draws = np.random.default_rng(4)
    reference = Histogram.by_quantiles(draws.standard_normal(200_000))

    drift = score_drift(reference, draws.standard_normal(1_000_000) + 0.1)

    assert drift is not None
    assert drift.p_value < 1e-12
    assert not drift.is_drifted


def test_scores_that_repeat_make_fewer_bins() -> None:
    """Half of all scores equal: their bin is kept once, and every score is counted."""
    scores = np.concatenate([np.zeros(500), np.linspace(0.1, 1, 500)])

    reference = Histogram.by_quantiles(scores)

    assert len(reference.counts) < 10
    assert reference.n == 1_000
    assert min(reference.counts) > 0


def test_nothing_to_compare_is_no_drift_value() -> None:
    """No current scores, or a reference of one bin, give no answer."""
    reference = Histogram.by_quantiles(np.linspace(0, 1, 100))

    assert score_drift(reference, np.zeros(0)) is None
    assert score_drift(Histogram.by_quantiles(np.zeros(10)), np.zeros(10)) is None


@pytest.mark.parametrize(("edges", "counts"), [((0.5,), (1,)), ((0.5, 0.5), (1, 1, 1)), ((0.5,), (1, -1))])
def test_a_histogram_without_meaning_is_refused(edges: tuple[float, ...], counts: tuple[int, ...]) -> None:
    """Edges rise, counts are one more than edges, none is negative."""
    with pytest.raises(HistogramUnfit, match="one count more"):
        Histogram(edges, counts)


def test_scores_that_repeat_do_not_drift_from_themselves() -> None:
    """A bundle's reference and monitoring put a score on an edge into the same bin: trees give many equal scores."""
    scores = np.repeat([0.001, 0.01, 0.02, 0.05, 0.3, 0.9], [800, 400, 400, 200, 140, 60])
    known = histogram(scores)

    drift = score_drift(Histogram(known.edges, known.counts), scores)

    assert drift is not None
    assert drift.psi == 0.0
