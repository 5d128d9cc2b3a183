"""Fitting, and leaving as the same numbers."""

from typing import Any

import numpy as np
import optuna
import pytest

import tallystick as ts
from tallystick.definitions.models import Family
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.session import Session
from tallystick.training import boosting
from tallystick.training.families import trainer

NAMES = ("a", "b", "c", "d")
FAMILIES: list[Family] = [ts.LogisticRegression(), ts.GradientBoosting(max_trees=60, max_leaves=16)]


def rows(n: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Return features with missing values and a rare label that depends on them."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(n, 4)) * [1.0, 100.0, 0.01, 1e6]
    labels = (rng.random(n) < 1 / (1 + np.exp(3 - 2 * features[:, 0] - features[:, 1] / 50))).astype(np.int8)
    features[rng.random(features.shape) < 0.05] = np.nan
    return cast(features), labels


def random_trials(n: int) -> list[Any]:
    """Return trials of a study that draws at random."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [study.ask() for _ in range(n)]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_file_scores_as_the_framework(family: Any) -> None:
    """The model file's raw scores lie within 1e-9 of the framework's on unseen rows, missing values included."""
    features, labels = rows()
    fitted = trainer(family).fit(features[:3_000], labels[:3_000], trainer(family).defaults, seed=0)

    raw, _ = Session.load(fitted.export(Calibration(), NAMES)).many(features[3_000:])

    assert np.abs(raw - fitted.raw(features[3_000:])).max() <= 1e-9


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_rows_give_the_same_file(family: Any) -> None:
    """Two fits with one seed give one model file, byte for byte."""
    features, labels = rows()
    files = {
        trainer(family).fit(features, labels, trainer(family).defaults, seed=5).export(Calibration(), NAMES)
        for _ in range(2)
    }

    assert len(files) == 1


def test_threads_do_not_change_the_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boosted trees are the same, byte for byte, on one thread and on three."""
    features, labels = rows(20_000)
    family = trainer(FAMILIES[1])
    params = family.defaults | {"feature_fraction": 0.6}
    files = set()
    for threads in (1, 2, 3):
        monkeypatch.setattr(boosting, "THREADS", threads)
        files.add(family.fit(features, labels, params, seed=5).export(Calibration(), NAMES))

    assert len(files) == 1


def test_a_feature_that_is_always_missing_does_no_harm() -> None:
    """A column without a single value, or with one value only, leaves the linear model finite."""
    features, labels = rows()
    features = features.copy()
    features[:, 2], features[:, 3] = np.nan, 7.0
    family = trainer(FAMILIES[0])

    fitted = family.fit(features, labels, family.defaults, seed=0)

    assert np.isfinite(fitted.raw(features)).all()
    Session.load(fitted.export(Calibration(), NAMES))


def test_caps_are_kept() -> None:
    """No suggestion goes beyond the trees and leaves that the project allows."""
    params = [trainer(ts.GradientBoosting(max_trees=20, max_leaves=3)).suggest(trial) for trial in random_trials(30)]

    assert max(p["trees"] for p in params) == 20
    assert max(p["leaves"] for p in params) == 3
