"""A log or ledger that somebody changed is believed by no verb: each refuses, in a sentence."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest


@pytest.fixture
def altered(shop: Any) -> Any:
    """Return a shop in whose log one payment's customer was exchanged."""
    with closing(sqlite3.connect(shop.hidden / "log.db")) as log, log:
        log.execute("DROP TRIGGER entries_are_written_once")
        log.execute(
            "UPDATE entries SET body = CAST(replace(body, '\"C', '\"D') AS BLOB) WHERE kind = 'event' AND id = ?",
            (shop.decided,),
        )
    return shop


@pytest.mark.parametrize("verb", [["features", "OUT"], ["train"], ["monitor"], ["retrain"]])
def test_nothing_is_learnt_from_an_altered_log(altered: Any, verb: list[str]) -> None:
    """The sentence names the log, and the position that does not hold."""
    arguments = [str(altered.folder / "m.parquet") if word == "OUT" else word for word in verb]

    ran = altered.tally(*arguments)

    assert ran.code == 2
    assert "log.db is damaged at position" in ran.err


def test_a_refusal_cannot_be_cut_off(shop: Any) -> None:
    """Without its last entry, a refusal, the ledger does not hold, and the bundle that was refused does not serve."""
    assert shop.tally("refuse", shop.sound, "--reason", "It needs another look.", actor="vera").code == 0
    with closing(sqlite3.connect(shop.hidden / "ledger.db")) as ledger, ledger:
        ledger.execute("DROP TRIGGER entries_stay")
        ledger.execute("DELETE FROM entries WHERE number = (SELECT max(number) FROM entries)")

    verified, served = shop.tally("ledger", "verify"), shop.tally("serve", shop.sound)

    assert (verified.code, served.code) == (1, 2)
    assert "cut" in verified.out
