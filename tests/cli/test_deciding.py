"""Deciding from a notebook is as quiet in the ledger as a server that runs."""

from typing import Any

import msgspec

from tallystick import lifecycle
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.serving.requests import Decided
from tallystick.testing import card_project


def test_a_line_of_a_notebook_leaves_no_entry_in_the_ledger(shop: Any) -> None:
    """Deciding line by line appends to the log, and the ledger hears of it when another bundle begins to decide."""
    rows = [msgspec.json.decode(raw) for raw in card_project.payments(card_project.network(), 1)[:4]]
    project = lifecycle.open(shop.folder, actor="ada", clock=SettableClock(card_project.LIVE + 2 * DAY_US))
    before = len(project.ledger.entries())

    answers = [project.decide(row)[0] for row in rows[:2]]
    answers += project.decide(*rows[2:])

    assert [type(answer) for answer in answers] == [Decided] * 4
    assert {answer.decision.caller for answer in answers if isinstance(answer, Decided)} == {"ada"}
    assert len(project.ledger.entries()) == before
    assert project.replay(str(rows[0]["payment_id"])).is_identical
