"""Which part of the log is proven: by its own chain, and by the heads that the ledger signed."""

from dataclasses import dataclass
from itertools import pairwise

from tallystick.errors import LedgerDamaged, LogDamaged
from tallystick.journal import anchoring
from tallystick.ledger.ledger import Ledger
from tallystick.log.entry import Head
from tallystick.log.protocol import LogReader


@dataclass(frozen=True, slots=True)
class Proof:
    """How far the log can be believed.

    Parameters
    ----------
    until : the last position that is proven
    damage : what was found after it, as a sentence; empty where the whole log is proven
    """

    until: int
    damage: str = ""


def prove(log: LogReader, ledger: Ledger | None) -> Proof:
    """Recompute the whole chain, and hold it against every head the ledger signed.

    A chain that is whole up to some damage still proves what lies before it; where heads were signed, only up to
    the last one that fits, since everything after it could have been written anew.

    Parameters
    ----------
    log : opened for reading
    ledger : where heads were signed; None where nobody signs
    """
    try:
        signed = [] if ledger is None else anchoring.signed(ledger)
    except LedgerDamaged as error:
        return Proof(-1, str(error))
    try:
        log.verify(signed[-1] if signed else None)
    except LogDamaged as error:
        return Proof(_proven(log, signed, error), str(error))
    return _steady(log, signed)


def _proven(log: LogReader, signed: list[Head], damage: LogDamaged) -> int:
    if damage.position is None:
        return -1
    if not signed:
        return damage.position - 1
    fitting = [head.position for head in signed if head.position < damage.position and _fits(log, head)]
    return max(fitting, default=-1)


def _steady(log: LogReader, signed: list[Head]) -> Proof:
    """Hold the earlier heads against a log whose last one fits: one that does not was signed on another log."""
    for earlier, later in pairwise(signed):
        if earlier.position > later.position or not _fits(log, earlier):
            return Proof(-1, f"The ledger signed position {earlier.position} of another log than this one.")
    return Proof(2**63 - 1)


def _fits(log: LogReader, head: Head) -> bool:
    if head.position == log.origin.position:
        return head.hash == log.origin.hash
    entry = log.entry(head.position)
    return entry is not None and entry.hash == head.hash
