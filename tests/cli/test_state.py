"""The state is made anew by a verb, and held against the one before."""

from typing import Any


def test_the_state_is_rebuilt(shop: Any) -> None:
    """After some decisions the state of the log is the state that served, byte for byte."""
    made = shop.document("state", "rebuild")

    assert made["is_same"] is True
    assert made["position"] == made["was"] > 0


def test_a_person_reads_what_was_found(shop: Any) -> None:
    """The sentence says how far the state goes, and that it is identical."""
    ran = shop.tally("state", "rebuild")

    assert ran.code == 0
    assert "identical" in ran.out
