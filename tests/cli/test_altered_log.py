"""A log that somebody changed teaches nothing: every verb that learns from it refuses, in a sentence."""

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


@pytest.mark.parametrize("verb", [["features", "OUT"], ["train"], ["monitor"], ["retrain"], ["release"]])
def test_nothing_is_learnt_from_an_altered_log(altered: Any, verb: list[str]) -> None:
    """The sentence names the log, and the position that does not hold."""
    arguments = [str(altered.folder / "m.parquet") if word == "OUT" else word for word in verb]

    ran = altered.tally(*arguments)

    assert ran.code == 2
    assert "log.db is damaged at position" in ran.err
