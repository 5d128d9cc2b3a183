"""Everything a replay reads: the log, its history, the bundles, the ledger."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tallystick.features.plan import Plan
from tallystick.journal.bodies import Approval
from tallystick.journal.entities import EntityIndex
from tallystick.journal.proof import Proof, prove
from tallystick.ledger.ledger import Ledger
from tallystick.log.protocol import LogReader
from tallystick.release.open import Bundle, open_bundle


@dataclass
class Archive:
    """What was kept, opened for reading only; beside a running server, or long after.

    What takes a pass over the log (its proof, where the records of an entity stand) is done when it is first needed,
    and kept.

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
    _proof: Proof | None = None
    _approvals: dict[Approval, str | None] = field(default_factory=dict)
    _opened: dict[str, Bundle] = field(default_factory=dict)
    _indexes: dict[Plan, EntityIndex] = field(default_factory=dict)

    @cached_property
    def origin(self) -> int:
        """The last position of the history; the log's own entries begin after it."""
        return self.log.origin.position

    def approved(self, approval: Approval) -> str | None:
        """Return the bundle that an approval allowed, or None where the ledger holds no such approval."""
        if self.ledger is not None and approval not in self._approvals:
            for entry in self.ledger.verified_entries("approved"):
                self._approvals[Approval(entry.number, entry.hash)] = str(entry.facts.get("bundle"))
            # Kept as unknown too: a forged one would otherwise have the ledger proven again for each decision.
            self._approvals.setdefault(approval, None)
        return self._approvals.get(approval)

    def proof(self, position: int) -> Proof:
        """Return how far the log can be believed: computed once, and anew for what was written since.

        Parameters
        ----------
        position : of an entry that is in the log
        """
        if self._proof is None or (position > self._proof.until and not self._proof.damage):
            head, found = self.log.head.position, prove(self.log, self.ledger)
            # Whole is what was read; what a running server writes afterwards is not proven by it.
            self._proof = found if found.damage else replace(found, until=head)
        return self._proof

    def bundle(self, digest: str) -> Bundle:
        """Open a bundle by its digest; an approval withdrawn later does not matter for what was decided before."""
        if digest not in self._opened:
            self._opened[digest] = open_bundle(self.bundles / digest, trusted_keys=self.trusted_keys)
        return self._opened[digest]

    def entities(self, plan: Plan, *, until: int) -> EntityIndex:
        """Return where the records stand that a plan looks up, for all replays that compute with it.

        Parameters
        ----------
        plan : the same value each time: plans are compared by identity
        until : the last position that is wanted; beside a running server the log may have grown past the last index

        Raises
        ------
        HistoryMissing, HistoryAltered, SegmentDamaged
            If history cannot be read as it was attached.
        """
        if plan not in self._indexes or self._indexes[plan].until < until:
            self._indexes[plan] = EntityIndex.of(self.log, plan)
        return self._indexes[plan]
