"""The log's head, signed into the ledger: against it, a log that was cut or rewritten shows."""

from collections.abc import Callable

from tallystick.definitions.clock import Clock
from tallystick.errors import LogDamaged
from tallystick.ledger.keys import Signer
from tallystick.ledger.ledger import Ledger
from tallystick.log.entry import Head
from tallystick.log.protocol import LogReader

KIND = "log_head"


def signing(ledger: Ledger, signer: Signer, clock: Clock) -> Callable[[Head], None]:
    """Return the function that records a head in the ledger, and then a checkpoint of the ledger itself."""

    def sign(head: Head) -> None:
        ledger.record(KIND, {"position": head.position, "hash": head.hash.hex()}, signer, clock.now())
        ledger.checkpoint(signer, clock.now())

    return sign


def signed(ledger: Ledger) -> list[Head]:
    """Return every head the ledger holds, in order of signing; the whole ledger is proven first."""
    entries = ledger.verified_entries(KIND)
    return [Head(int(entry.facts["position"]), bytes.fromhex(entry.facts["hash"])) for entry in entries]


def verify(log: LogReader, ledger: Ledger) -> None:
    """Prove the whole log, against the last head that was signed too: before anything is learnt or counted from it."""
    known = signed(ledger)
    log.verify(known[-1] if known else None)


def check_last(log: LogReader, anchoring: list[Head]) -> None:
    """Hold the log against the last head that was signed, without reading what lies before it.

    Raises
    ------
    LogDamaged
        If the log ends before it, or has another entry there.
    """
    if not anchoring:
        return
    trusted = anchoring[-1]
    entry = log.entry(trusted.position)
    found = log.origin.hash if trusted.position == log.origin.position else entry and entry.hash
    if found is None:
        detail = f"the ledger has its head at {trusted.position}, and it ends at {log.head.position}"
        raise LogDamaged(log.name, problem="cut", position=log.head.position + 1, detail=detail)
    if found != trusted.hash:
        detail = "the ledger has another hash for this position: the log was rewritten"
        raise LogDamaged(log.name, problem="hash", position=trusted.position, detail=detail)
