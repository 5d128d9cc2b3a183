"""V902: the project's limit on AUC."""

from dataclasses import replace

import msgspec

from tallystick.definitions.limits import auc
from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.limits import ReachesAuc


def test_no_limit_is_no_answer(question: Question) -> None:
    """A project that sets no limit on AUC gets the answer that nothing was to be reached."""
    finding = ReachesAuc().ask(question)

    assert finding.outcome is Outcome.NOT_APPLICABLE
    assert finding.reason == "the project sets no limit on auc"


def test_a_limit_decides(question: Question) -> None:
    """A floor below what was reached passes, one above fails."""
    outcomes = [
        ReachesAuc().ask(
            replace(question, model=msgspec.structs.replace(question.model, limits=(auc(at_least=floor),)))
        )
        for floor in (0.5, 0.9999)
    ]

    assert [finding.outcome for finding in outcomes] == [Outcome.PASSED, Outcome.FAILED]
