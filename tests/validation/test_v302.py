"""V302: PSI of every feature between fit and test."""

from dataclasses import replace

import numpy as np

from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.stability import FeaturesLieAlike, holm, shift


def changed(question: Question, column: int, values: np.ndarray) -> Question:
    """Return the question with other values of one feature in the test part."""
    matrix = question.table.values.copy()
    matrix[question.test.rows, column] = values
    return replace(question, table=replace(question.table, values=matrix))


def test_features_of_one_world_pass(question: Question) -> None:
    """Features of two stretches of the same world pass, each with its figures."""
    finding = FeaturesLieAlike().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert set(finding.figures["features"]) == set(question.table.names)


def test_a_feature_that_moved_is_named(question: Question) -> None:
    """A feature in another unit fails, alone and by its name."""
    cents = question.table.values[question.test.rows, 0] * 100

    finding = FeaturesLieAlike().ask(changed(question, 0, cents))

    assert finding.outcome is Outcome.FAILED
    assert finding.reason.startswith("amount: PSI")
    assert ";" not in finding.reason


def test_a_feature_that_went_missing_is_named(question: Question) -> None:
    """A feature that is suddenly missing in half of the rows fails."""
    values = question.table.values[question.test.rows, 0].copy()
    values[::2] = np.nan

    finding = FeaturesLieAlike().ask(changed(question, 0, values))

    assert finding.outcome is Outcome.FAILED
    assert finding.reason.startswith("amount")


def test_fifty_quiet_features_do_not_alarm() -> None:
    """Over twenty quiet worlds of fifty features, none fails, although some exceed what one alone may."""
    rng = np.random.default_rng(8)
    failed = exceeded = 0
    for _ in range(20):
        seen = [shift(rng.normal(size=500), rng.normal(size=100), tolerated=0.0) for _ in range(50)]
        p_values = {str(i): each.p_value for i, each in enumerate(seen) if each is not None}
        exceeded += sum(p <= 0.01 for p in p_values.values())
        failed += bool(holm(p_values, level=0.01))

    assert exceeded > 0
    assert failed <= 1
