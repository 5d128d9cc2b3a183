"""V501: online equals batch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome
from tallystick.validation.parity import OnlineEqualsBatch, draw, draw_of


def test_both_executors_agree(question: Question) -> None:
    """All records of a small world, one by one through LMDB, have the features of the matrix."""
    finding = OnlineEqualsBatch().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert finding.figures["n_rows"] == len(question.table)
    assert finding.figures["n_features"] == question.table.values.size


def test_a_matrix_that_sees_too_much_is_named(question: Question, world: Any) -> None:
    """A matrix that knows reports two days early differs from what is served, and the first is named."""
    finding = OnlineEqualsBatch().ask(replace(question, table=world.leaking))

    assert finding.outcome is Outcome.FAILED
    assert "the first is risk of" in finding.reason


def test_drawn_entities_have_their_whole_history(question: Question, world: Any) -> None:
    """Where a feature is compared, every record of its entity is among those drawn."""
    spine, plan = question.dataset.records["payments"], world.plan
    drawn = draw(plan, question.dataset, draw_of(plan, 1, 400))
    names = list(plan.names)
    for feature, key in (("n_7d", "customer_id"), ("risk", "terminal_id")):
        codes = spine.keys[key].codes
        compared = np.unique(codes[drawn.rows[drawn.comparable[:, names.index(feature)]]])
        assert np.isin(np.flatnonzero(np.isin(codes, compared)), drawn.rows).all()

    assert 400 <= len(drawn.rows) < 900
    assert drawn.comparable[:, names.index("amount")].all()
    assert not drawn.comparable[:, names.index("n_7d")].all()


def test_part_of_a_world_agrees_too(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawn part of the entities is enough to compare with the matrix of all."""
    monkeypatch.setattr(OnlineEqualsBatch, "n_rows", 300)

    finding = OnlineEqualsBatch().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert 300 <= finding.figures["n_rows"] < 1_000
