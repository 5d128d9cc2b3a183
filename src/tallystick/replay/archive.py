"""Everything a replay reads: the log, its history, the bundles, the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tallystick.ledger.ledger import Ledger
from tallystick.log.entry import Entry
from tallystick.log.protocol import LogReader
from tallystick.release.open import Bundle, open_bundle
from tallystick.replay.proof import Proof, prove


@dataclass
class Archive:
    """What was kept, opened for reading only; beside a running server, or long after.

    Parameters
    ----------
    log : every event, outcome and decision
    bundles : the folder of bundles, each in a folder named by its digest
    trusted_keys : public keys whose signature on a bundle counts, as PEM
    ledger : who approved what, and the log's signed heads; None replays without either
    """

    log: LogReader
    bundles: Path
    trusted_keys: tuple[str, ...]
    ledger: Ledger | None = None
    _opened: dict[str, Bundle] = field(default_factory=dict)

    @cached_property
    def proof(self) -> Proof:
        """How far the log can be believed; computed once."""
        return prove(self.log, self.ledger)

    @cached_property
    def origin(self) -> int:
        """The last position of the history; the log's own entries begin after it."""
        return self.log.origin.position

    @cached_property
    def approvals(self) -> dict[int, tuple[str, str, str]]:
        """Every approval of the ledger by its number: bundle, hash, approver."""
        entries = [] if self.ledger is None else self.ledger.verified_entries("approved")
        return {entry.number: (str(entry.facts.get("bundle")), entry.hash, entry.actor) for entry in entries}

    def bundle(self, digest: str) -> Bundle:
        """Open a bundle by its digest; an approval withdrawn later does not matter for what was decided before."""
        if digest not in self._opened:
            self._opened[digest] = open_bundle(self.bundles / digest, trusted_keys=self.trusted_keys)
        return self._opened[digest]

    def decisions(self, stream: str, since: int | None = None, until: int | None = None) -> Iterator[Entry]:
        """Yield the decisions about a stream that were made in ``since <= at < until``.

        Parameters
        ----------
        stream : what was decided about
        since, until : microseconds since 1970 UTC; without end if None
        """
        for entry in self.log.read(kinds=("decision",), namespaces=(stream,)):
            if (since or 0) <= entry.at and (until is None or entry.at < until):
                yield entry
