"""V901: the project's limit on average precision."""

from dataclasses import replace

import msgspec

from tallystick.definitions.limits import average_precision
from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.limits import ReachesAveragePrecision


def test_a_limit_that_is_reached_passes(question: Question) -> None:
    """A model above the project's floor passes and says both numbers."""
    finding = ReachesAveragePrecision().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert "the project demands 0.1" in finding.reason


def test_the_highest_of_two_limits_counts(question: Question) -> None:
    """Of several floors under one metric the highest decides."""
    limits = (average_precision(at_least=0.1), average_precision(at_least=0.99))
    strict = replace(question, model=msgspec.structs.replace(question.model, limits=limits))

    finding = ReachesAveragePrecision().ask(strict)

    assert finding.outcome is Outcome.FAILED
    assert finding.figures["at_least"] == 0.99
