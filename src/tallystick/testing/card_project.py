"""A card network small enough for a test, inside a project that ``tally new`` wrote."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from tallystick.definitions.durations import DAY_US
from tallystick.simulation.cards import Network, midnight, simulate
from tallystick.simulation.frauds import FraudRates

START, HISTORY_DAYS, DAYS = date(2025, 1, 1), 110, 132
LIVE = midnight(START) + HISTORY_DAYS * DAY_US
RATES = FraudRates(terminal_compromises=0.3, card_thefts=2.0, card_testings=1.5)
SPLIT = 'TimeSplit(train="20d", gap="21d", validate="7d", test="10d")'
FAMILIES = "ts.LogisticRegression(), ts.GradientBoosting()"


def network(*, seed: int = 0) -> Network:
    """Return 132 days of payments and reports; the first 110 are history."""
    return simulate(customers=150, terminals=300, start=START, days=DAYS, seed=seed, rates=RATES)


def fill_project(folder: Path, cards: Network, *, candidates: str = FAMILIES) -> None:
    """Put the history's files into a new project, and make its split and search small.

    Parameters
    ----------
    folder : of a project that ``tally new`` has just written
    cards : the network whose first 110 days become the history
    candidates : the families, as they are written in the project file

    Raises
    ------
    AssertionError
        If the project file is no longer the one that ``tally new`` writes.
    """
    history = cards.until(LIVE)
    pq.write_table(history.payments, folder / "data" / "payments.parquet")
    pq.write_table(history.chargebacks, folder / "data" / "chargebacks.parquet")
    path = folder / "project.py"
    text = path.read_text(encoding="utf-8")
    for pattern, small in (
        (r"TimeSplit\([^)]*\)", SPLIT),
        (r"matures_after=\"\d+d\"", 'matures_after="14d"'),
        (r"trials=\d+", "trials=1"),
        (r"candidates=\[.*\]", f"candidates=[{candidates}]"),
    ):
        text, n = re.subn(pattern, small, text)
        if n != 1:
            raise AssertionError(pattern)
    path.write_text(text, encoding="utf-8")


def payments(cards: Network, day: int) -> list[bytes]:
    """Return the payments of a day, counted from the start of the live days, as requests.

    Parameters
    ----------
    cards : the network
    day : counted from 0 on the first day after the history
    """
    return list(_rows(cards.between(LIVE + day * DAY_US, LIVE + (day + 1) * DAY_US).payments.to_pylist()))


def chargebacks(cards: Network, day: int) -> list[bytes]:
    """Return the reports of such a day.

    Parameters
    ----------
    cards : the network
    day : counted from 0 on the first day after the history
    """
    return list(_rows(cards.between(LIVE + day * DAY_US, LIVE + (day + 1) * DAY_US).chargebacks.to_pylist()))


def _rows(rows: list[dict[str, object]]) -> Iterator[bytes]:
    return map(msgspec.json.encode, rows)
