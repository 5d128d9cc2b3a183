"""The ledger's entries as a report: who did what, in order."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tallystick.ledger.entry import LedgerEntry
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Table
from tallystick.reporting.text import Text

_COLUMNS = (Column("no", "count"), Column("at (UTC)", "instant"), Column("actor"), Column("kind"), Column("facts"))
_DIGEST_LENGTH, _SHOWN = 64, 12
_LONG = ("public_key", "parts", "words")  # take more than a line; whoever reads the entries as JSON has them too


def listing(entries: Sequence[LedgerEntry]) -> Report:
    """Return a row for each entry; what is long is left out, and digests are cut short."""
    if not entries:
        return Report("Ledger", (Section("", (Text.of("The ledger has no entry yet."),)),))
    rows = [(entry.number, entry.at, entry.actor, entry.kind, _facts(entry.facts)) for entry in entries]
    return Report("Ledger", (Section("", (Table.of(_COLUMNS, rows),)),))


def _facts(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in facts.items() if name not in _LONG)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text[:_SHOWN] if len(text) == _DIGEST_LENGTH else text
