"""The search and its record."""

from typing import Any

import numpy as np
import pytest

import tallystick as ts
from tallystick.definitions.models import Search
from tallystick.errors import FitFailed, SearchFailed
from tallystick.training.families.registry import trainer
from tallystick.training.search import Judged, find, shares


def judged() -> Judged:
    """Return rows where the first feature tells."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1_200, 3))
    labels = (rng.random(1_200) < 1 / (1 + np.exp(2 - 2 * features[:, 0]))).astype(np.int8)
    return Judged(features[:800], labels[:800], features[800:], labels[800:])


def both() -> list[Any]:
    """Return both families."""
    return [trainer(ts.LogisticRegression()), trainer(ts.GradientBoosting(max_trees=30, max_leaves=6))]


def test_the_same_seed_gives_the_same_trials() -> None:
    """Two searches with one seed try the same settings and reach the same."""
    first, second = (find(both(), judged(), Search(trials=7, seed=4)) for _ in range(2))

    assert [(t.params, t.metric) for t in first.trials] == [(t.params, t.metric) for t in second.trials]


def test_every_trial_is_recorded() -> None:
    """Each trial has a number, a family, its settings and what it reached, the defaults first."""
    seen: list[tuple[int, int]] = []

    found = find(both(), judged(), Search(trials=10), progress=lambda done, of: seen.append((done, of)))

    assert [t.number for t in found.trials] == list(range(10))
    assert [t.family for t in found.trials] == ["logistic_regression"] * 3 + ["gradient_boosting"] * 7
    assert found.trials[0].params == {"C": 1.0}
    assert all(t.state == "complete" and 0 < (t.metric or 0) <= 1 for t in found.trials)
    assert seen == [(done, 10) for done in range(1, 11)]


def test_the_best_is_at_least_as_good_as_the_defaults() -> None:
    """The chosen trial of each family reaches the highest metric of all its trials."""
    found = find(both(), judged(), Search(trials=7))

    for best in found.best:
        own = [t.metric for t in found.trials if t.family == best.trial.family]
        assert best.trial.metric == max(own)  # type: ignore[type-var]


def test_another_family_does_not_change_a_familys_trials() -> None:
    """Each family has its own sampler: what it tries does not depend on who else is tried."""
    alone = find(both()[:1], judged(), Search(trials=3, seed=2)).trials
    beside = find(both(), judged(), Search(trials=6, seed=2)).trials

    assert [t.params for t in alone] == [t.params for t in beside[:3]]


class _Failing:
    """A family that cannot be fitted when its setting is low."""

    name, libraries, defaults = "failing", (), {"x": 0.1}

    def __init__(self, below: float) -> None:
        self.below = below

    def suggest(self, trial: Any) -> dict[str, float]:
        return {"x": trial.suggest_float("x", 0.0, 1.0)}

    def fit(self, features: Any, labels: Any, params: dict[str, float], *, seed: int) -> Any:
        if params["x"] < self.below:
            raise FitFailed(self.name, reason="x is low")
        return trainer(ts.LogisticRegression()).fit(features, labels, {"C": 1.0}, seed=seed)


def test_a_failed_trial_is_recorded_and_the_search_goes_on() -> None:
    """A trial that cannot be fitted keeps its place in the record with its reason."""
    found = find([_Failing(0.2)], judged(), Search(trials=6))

    assert found.trials[0].state == "failed"
    assert "x is low" in found.trials[0].reason
    assert found.best[0].trial.state == "complete"


def test_a_family_that_never_fits_is_a_sentence() -> None:
    """When no trial of a family can be fitted, the search says so with the last reason."""
    with pytest.raises(SearchFailed, match="All 3 trials of failing failed; .* x is low"):
        find([_Failing(2.0)], judged(), Search(trials=3))


def test_an_interrupt_goes_through() -> None:
    """Ctrl-C ends the search at once."""

    def stop(done: int, of: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find(both(), judged(), Search(trials=10), progress=stop)


def test_shares_add_up() -> None:
    """All trials are given out, and no family gets fewer than three."""
    assert [shares(n, [1, 6]) for n in (40, 20, 7)] == [[5, 35], [3, 17], [3, 4]]
    assert shares(2, [1, 6]) == [3, 3]
