"""V402: no feature alone ranks as the model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.leakage import NoFeatureRanksAlone, auc_alone


def test_an_honest_model_passes(question: Question) -> None:
    """A model that is better than each of its features passes, and the best of them is named with its figure."""
    finding = NoFeatureRanksAlone().ask(question)

    assert finding.outcome is Outcome.PASSED
    alone = finding.figures["features"]
    best = max(alone, key=alone.get)
    assert list(alone) == list(question.table.names)
    assert f"the best alone is {best}, AUC {alone[best]:.4f}" in finding.reason


@pytest.mark.parametrize(
    "planted", [lambda labels: labels * 1.0, lambda labels: -labels, lambda labels: np.where(labels == 1, 7.0, np.nan)]
)
def test_a_planted_leak_warns(question: Question, planted: Callable[[NDArray[np.int8]], Any]) -> None:
    """A feature that knows the answer is named: by its value, by its sign, and by being missing where all is well."""
    leaking = _with(question, "half", planted)

    finding = NoFeatureRanksAlone().ask(leaking)

    assert finding.outcome is Outcome.WARNED
    assert finding.reason.endswith("of the model's 1.0000: half 1.0000")
    assert finding.figures["features"]["half"] == 1.0


def test_a_strong_feature_of_a_stronger_model_passes(question: Question) -> None:
    """A feature that ranks well, but not nearly as well as the whole model, is what models are made of."""
    labels = question.test.labels
    noisy = _with(question, "risk", lambda known: known + np.random.default_rng(0).normal(scale=0.5, size=len(known)))

    finding = NoFeatureRanksAlone().ask(noisy)

    assert 0.9 < auc_alone(labels, noisy.table.values[noisy.test.rows, noisy.table.names.index("risk")]) < 0.99
    assert finding.outcome is Outcome.PASSED


def test_a_weak_model_is_not_warned_of(question: Question, requested: Callable[..., Question]) -> None:
    """Where the model ranks no better than 0.9, a feature may be all there is to it."""
    amounts = question.table.values[:, 0]
    labels = np.random.default_rng(0).random(len(amounts)) < 0.1 + 0.4 * (amounts > np.median(amounts))

    finding = NoFeatureRanksAlone().ask(requested("test", labels, amounts))

    assert finding.outcome is Outcome.PASSED
    assert finding.figures["features"]["amount"] == finding.figures["auc"] < 0.9


def test_few_flagged_rows_are_no_answer(requested: Callable[..., Question]) -> None:
    """With nine flagged rows nothing is said."""
    finding = NoFeatureRanksAlone().ask(requested("test", [1] * 9 + [0] * 500, range(509)))

    assert finding.outcome is Outcome.NOT_APPLICABLE
    assert "9 flagged of 509" in finding.reason


def _with(question: Question, name: str, planted: Callable[[NDArray[np.int8]], Any]) -> Question:
    """Return the question with another feature among the tested rows, and scores that are the labels."""
    values, test = question.table.values.copy(), question.test
    values[test.rows, question.table.names.index(name)] = planted(test.labels)
    scores = test.labels.astype(np.float64)
    table = replace(question.table, values=values)
    return replace(question, table=table, test=replace(test, raw=scores, scores=scores))
