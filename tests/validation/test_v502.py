"""V502: the model file scores as its framework."""

from dataclasses import replace

import msgspec
import pytest

from tallystick.scoring.graph import Calibration
from tallystick.training.export import export_logistic
from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.parity import ScoresAsItsFramework


def test_the_file_of_training_passes(question: Question) -> None:
    """The file that training made gives the validated scores again, bit for bit."""
    finding = ScoresAsItsFramework().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert finding.figures["n_same"] == finding.figures["n_recomputed"] > 0


def test_another_file_fails(question: Question) -> None:
    """A model file with other numbers does not give the validated scores."""
    names = question.table.names
    ones = [1.0] * len(names)
    other = export_logistic(
        medians=ones, means=ones, scales=ones, weights=ones, bias=0.0, calibration=Calibration(), names=names
    )

    parts = replace(question.candidate.parts, model=other)
    finding = ScoresAsItsFramework().ask(replace(question, candidate=replace(question.candidate, parts=parts)))

    assert finding.outcome is Outcome.FAILED


@pytest.mark.parametrize("change", [{"largest": 1e-6}, {"n_rows": 10}])
def test_a_weaker_proof_fails(question: Question, change: dict[str, float]) -> None:
    """A recorded difference above 1e-9, or fewer rows than there are, is no proof."""
    record = question.candidate.record
    record = msgspec.structs.replace(record, parity=msgspec.structs.replace(record.parity, **change))

    finding = ScoresAsItsFramework().ask(replace(question, candidate=replace(question.candidate, record=record)))

    assert finding.outcome is Outcome.FAILED
