"""Where no model is named, the one that decided is meant."""

from collections.abc import Iterator

import pytest

from tallystick.errors import DecisionUnknown, ModelUnclear
from tallystick.log.entry import Draft
from tallystick.log.memory import MemoryLog
from tallystick.replay.attribution import decided_by


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    """Return a log in which two of three models decided, one payment both of them."""
    with MemoryLog() as log:
        names = [("fraud", "p1"), ("fraud", "p2"), ("theft", "p2"), ("theft", "p3")]
        log.append([Draft("decision", model, key, 0, b"{}") for model, key in names])
        yield log


def test_the_only_model_that_has_the_decision(log: MemoryLog) -> None:
    """An id that one model alone decided about needs no model's name."""
    assert decided_by(log, ("fraud", "theft", "idle"), "p1") == "fraud"
    assert decided_by(log, ("fraud", "theft", "idle"), "p3") == "theft"
    assert decided_by(log, ("fraud", "idle"), None) == "fraud"


def test_the_only_model_that_is_declared(log: MemoryLog) -> None:
    """A project with one model means that one, whatever the log has of others."""
    assert decided_by(log, ("idle",), "p1") == "idle"


def test_several_models_that_have_it_are_listed(log: MemoryLog) -> None:
    """Where two could be meant, the sentence lists them and names the option."""
    with pytest.raises(ModelUnclear, match=r"2 models have a decision 'p2': fraud, theft\. .*--model"):
        decided_by(log, ("fraud", "theft", "idle"), "p2")
    with pytest.raises(ModelUnclear, match="2 models made decisions: fraud, theft"):
        decided_by(log, ("fraud", "theft", "idle"), None)


def test_none_of_several_has_it(log: MemoryLog) -> None:
    """An id that nobody decided about is unknown, and whose decisions were looked through is said."""
    with pytest.raises(DecisionUnknown, match="no decision 'p9' of 'fraud' or 'theft'"):
        decided_by(log, ("fraud", "theft"), "p9")
