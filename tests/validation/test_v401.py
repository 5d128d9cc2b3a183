"""V401: rows rebuilt by the oracle."""

from dataclasses import replace
from typing import Any

import numpy as np

from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.leakage import RowsRebuild


def test_an_honest_matrix_is_rebuilt(question: Question) -> None:
    """Every drawn row of the matrix is what brute force makes of it, bit for bit."""
    finding = RowsRebuild().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert finding.figures["n_rows"] == 1_000


def test_a_planted_leak_is_caught(question: Question, world: Any) -> None:
    """A matrix whose rows know reports two days early fails, and the first difference is named."""
    finding = RowsRebuild().ask(replace(question, table=world.leaking))

    assert finding.outcome is Outcome.FAILED
    assert "whose risk is" in finding.reason


def test_one_bit_is_enough(question: Question) -> None:
    """A value that differs in its last bit is found when its row is drawn."""
    values = question.table.values.copy()
    values[:, 0] = np.nextafter(values[:, 0], np.inf)

    finding = RowsRebuild().ask(replace(question, table=replace(question.table, values=values)))

    assert finding.figures["n_different"] == finding.figures["n_rows"]
