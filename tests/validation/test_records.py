"""Records that are picked out for checks, of which little is in memory at a time, change no check's answer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallystick.features.spill.pieces import InMemory
from tallystick.validation.agreement import ExecutorsAgree
from tallystick.validation.check import Question
from tallystick.validation.checks import OF_THE_DATA, validate
from tallystick.validation.leakage import RowsRebuild
from tallystick.validation.parity import OnlineEqualsBatch
from tallystick.validation.records import SomeRecords


@pytest.mark.parametrize("places", [173, 1 << 18])
def test_picked_records_give_the_same_evidence(world: Any, monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    """Of some rows and some entities, picked piece by piece, all checks find what they find of all records."""
    for check, n_rows in ((RowsRebuild, 20), (ExecutorsAgree, 10), (OnlineEqualsBatch, 300)):
        monkeypatch.setattr(check, "n_rows", n_rows)
    of_all: Question = world.question
    some = SomeRecords(of_all.model, world.plan, of_all.table, InMemory(world.dataset, places))

    dataset, bounds = some.of(world.trained)

    of_some = replace(of_all, dataset=dataset, bounds=bounds)
    evidence = [validate([question], at=1)[0] for question in (of_all, of_some)]
    assert evidence[0].digest == evidence[1].digest
    assert {finding.code for finding in evidence[1].findings if finding.outcome == "passed"} >= OF_THE_DATA
    assert len(dataset.records["payments"]) < len(world.dataset.records["payments"]) * 0.9


def test_a_hot_entity_is_drawn_by_its_beginning(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where entities drawn have far more records than are wanted, only the first ones are picked, and drawn."""
    monkeypatch.setattr(OnlineEqualsBatch, "n_rows", 5)
    monkeypatch.setattr(RowsRebuild, "n_rows", 1)
    monkeypatch.setattr(ExecutorsAgree, "n_rows", 1)
    question: Question = world.question
    some = SomeRecords(question.model, world.plan, question.table, InMemory(world.dataset, 400))

    dataset, bounds = some.of(world.trained)

    found = OnlineEqualsBatch().ask(replace(question, dataset=dataset, bounds=bounds))
    assert (found.outcome, found.figures["n_rows"]) == ("passed", 15)
    assert found == OnlineEqualsBatch().ask(question)
    assert np.all(np.diff(dataset.records["payments"].position) > 0)
