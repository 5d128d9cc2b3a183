"""What every family promises: to fit, to leave as the same numbers, to be explained, to prove its file."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import optuna
import pytest

import tallystick as ts
from tallystick.definitions.families import Family
from tallystick.errors import FamilyUnknown
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.session import Session
from tallystick.training.families import registry
from tallystick.training.families.registry import trainer

NAMES = ("a", "b", "c", "d")
DECLARED: list[type[Any]] = list(get_args(Family))
CAPPED = [kind for kind in DECLARED if kind.__struct_fields__]
every_family = pytest.mark.parametrize("family", [kind() for kind in DECLARED], ids=lambda one: type(one).__name__)


class Forgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    """A family that was declared and never written."""


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


def test_what_can_be_declared_can_be_fitted() -> None:
    """Each family that a project may name has one name: its tag, its file, its place in the registry."""
    folder = Path(registry.__file__).parent

    for kind in DECLARED:
        made = trainer(kind())
        assert made.name == kind.__struct_config__.tag
        assert (folder / f"{made.name}.py").is_file()


def test_an_unknown_family_is_a_sentence() -> None:
    """A family without a file of its own is refused by name, not taken for another."""
    with pytest.raises(FamilyUnknown, match=r"called 'forgotten'. Known: gradient_boosting, logistic_regression"):
        trainer(Forgotten())  # type: ignore[arg-type]


@every_family
def test_the_file_scores_as_the_framework(family: Any) -> None:
    """On unseen rows, missing values included, the file is proven by the family's own standard."""
    features, labels = rows()
    fitted = trainer(family).fit(features[:3_000], labels[:3_000], trainer(family).defaults, seed=0)
    model = fitted.export(Calibration(), NAMES)

    raw, _ = Session.load(model).many(features[3_000:])

    proof = fitted.prove(features[3_000:], raw, model)
    assert proof.holds, proof.sentence
    assert np.abs(raw - fitted.raw(features[3_000:])).max() <= 1e-9


@every_family
def test_the_file_of_another_fit_is_not_proven(family: Any) -> None:
    """A model file learnt from other rows does not pass for this one."""
    features, labels = rows()
    defaults = trainer(family).defaults
    fitted, other = (trainer(family).fit(features[part], labels[part], defaults, seed=0) for part in (
        slice(0, 2_000), slice(2_000, 4_000)
    ))  # fmt: skip
    model = other.export(Calibration(), NAMES)

    raw, _ = Session.load(model).many(features[:500])

    assert not fitted.prove(features[:500], raw, model).holds


@every_family
def test_the_same_rows_give_the_same_file(family: Any) -> None:
    """Two fits with one seed give one model file, byte for byte."""
    features, labels = rows()
    files = {
        trainer(family).fit(features, labels, trainer(family).defaults, seed=5).export(Calibration(), NAMES)
        for _ in range(2)
    }

    assert len(files) == 1


@every_family
def test_reasons_add_up_to_the_raw_score(family: Any) -> None:
    """Base plus contributions is the file's raw score."""
    features, labels = rows()
    model = trainer(family).fit(features, labels, trainer(family).defaults, seed=0).export(Calibration(), NAMES)
    reasons = Reasons.from_model(model, features[:200])

    sums = [reasons.base + reasons.explain(row).sum() for row in features[1_000:1_200]]

    np.testing.assert_allclose(sums, Session.load(model).many(features[1_000:1_200])[0], rtol=0, atol=1e-10)


@every_family
def test_defaults_are_an_answer(family: Any) -> None:
    """The first trial's settings are those that the search asks for, by name."""
    made = trainer(family)

    assert {tuple(made.suggest(trial)) for trial in random_trials(5)} == {tuple(made.defaults)}


@pytest.mark.parametrize("kind", CAPPED)
def test_caps_are_kept(kind: Any) -> None:
    """No suggestion goes beyond the trees and leaves that the project allows, nor do the defaults."""
    made = trainer(kind(max_trees=20, max_leaves=3))

    params = [*(made.suggest(trial) for trial in random_trials(30)), made.defaults]

    assert max(p["trees"] for p in params) == 20
    assert max(p["leaves"] for p in params) == 3


def test_a_feature_that_is_always_missing_does_no_harm() -> None:
    """A column without a single value, or with one value only, leaves the linear model finite."""
    features, labels = rows()
    features = features.copy()
    features[:, 2], features[:, 3] = np.nan, 7.0
    family = trainer(ts.LogisticRegression())

    fitted = family.fit(features, labels, family.defaults, seed=0)

    assert np.isfinite(fitted.raw(features)).all()
    Session.load(fitted.export(Calibration(), NAMES))
