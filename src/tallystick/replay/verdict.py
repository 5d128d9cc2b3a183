"""What a replay says: identical, or the first stage that differs and what differs there."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from tallystick.journal.decision import Decision
from tallystick.log.entry import Entry
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Block, Report, Section
from tallystick.reporting.table import Column, Table
from tallystick.reporting.text import Text, fail, ok
from tallystick.reporting.written import instant

Stage = Literal["record", "bundle", "features", "score", "runtime", "reasons", "policy"]
"""In the order they are asked: the first that differs is named.

*record*: raw bytes, digests, chain, history or ledger are not what was written. *bundle*: what decided cannot be
opened, or was not activated and approved as the decision says. *features*, *score*, *reasons*, *policy*: the number or
word computed now is another one. *runtime*: the score's bits differ, and so does onnxruntime or the processor.
"""


class Difference(msgspec.Struct, frozen=True):
    """One thing that was stored, and what it is now."""

    what: str
    stored: Any
    found: Any


class Verdict(Displayed, msgspec.Struct, frozen=True):
    """What became of one decision.

    Parameters
    ----------
    model : whose decision it is
    decision : its id
    position : its place in the log
    at : when it was decided, in microseconds since 1970 UTC; None where its entry cannot be read
    bundle : digest of the bundle that decided
    action : what was stored
    stage : the first stage that differs; None where everything is identical
    reason : a sentence about it
    differences : what differs at that stage
    """

    model: str
    decision: str
    position: int
    at: int | None
    bundle: str | None
    action: str | None
    stage: Stage | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def is_identical(self) -> bool:
        """Whether every bit was computed again."""
        return self.stage is None

    def to_plain(self) -> dict[str, Any]:
        """Return the verdict as plain data, ``identical`` first."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {"identical": self.is_identical} | plain

    def report(self) -> Report:
        """Return which decision it is, whether it is identical, and what differs."""
        made = "" if self.at is None else f"made {instant(self.at)} UTC"
        action = f"{self.action}," if self.action and (made or self.bundle) else self.action or ""
        bundle = f"by bundle {self.bundle[:12]}" if self.bundle else ""
        head = " ".join(part for part in (action, made, bundle) if part)
        where = Text.of(f"{head}, log position {self.position:,}" if head else f"log position {self.position:,}")
        return Report(f"Decision {self.decision}", (Section("", (where, *self._differing())),))

    def _differing(self) -> tuple[Block, ...]:
        if self.is_identical:
            return (Text.of(ok("identical"), ": request, features, score, reasons and action, bit for bit"),)
        what = Text.of(fail(f"differs at {self.stage}"), f": {self.reason}")
        if not self.differences:
            return (what,)
        rows = [(each.what, str(each.stored), str(each.found)) for each in self.differences]
        return what, Table.of((Column("what"), Column("stored"), Column("found")), rows)


class Differs(Exception):
    """What differs first.

    Parameters
    ----------
    stage : where
    reason : a sentence about it
    differences : what differs there
    """

    def __init__(self, stage: Stage, reason: str, differences: Iterable[Difference] = ()) -> None:
        self.stage, self.reason, self.differences = stage, reason, tuple(differences)
        super().__init__(reason)


def verdict(entry: Entry, decision: Decision | None, differs: Differs | None = None) -> Verdict:
    """Return what became of a decision.

    Parameters
    ----------
    entry : where it stands
    decision : what the entry says; None where that cannot be read, or is not proven
    differs : what differs first; None where everything is identical
    """
    return Verdict(
        model=entry.namespace,
        decision=entry.id,
        position=entry.position,
        at=None if decision is None else entry.at,
        bundle=None if decision is None else decision.bundle,
        action=None if decision is None else decision.action,
        stage=None if differs is None else differs.stage,
        reason="" if differs is None else differs.reason,
        differences=() if differs is None else differs.differences,
    )
