"""Approvals: a validator's signed word that a bundle may decide, or may not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tallystick.errors import AlreadyApproved, BuilderRefused, BundleUnknown, ReasonMissing
from tallystick.governance.approval_status import (
    APPROVED,
    REFUSED,
    RELEASED,
    Approval,
    ApprovalStatus,
    approval_status_of,
)
from tallystick.governance.evidence import check_evidence
from tallystick.governance.roles import Role, require
from tallystick.ledger.actors import Actors
from tallystick.ledger.entry import LedgerEntry
from tallystick.ledger.keys import Signer
from tallystick.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Approvals:
    """What a ledger says about bundles; the whole ledger is proven at every question.

    Parameters
    ----------
    ledger : Ledger
        Where approvals stand.
    """

    ledger: Ledger

    def of(self, bundle_digest: str) -> Approval | None:
        """Return the approval that stands, or None: never approved, or refused since."""
        return self.status(bundle_digest).approval

    def status(self, bundle_digest: str) -> ApprovalStatus:
        """Return how a bundle stands: builders, evidence, approval, refusals."""
        return approval_status_of(bundle_digest, self.ledger.verified_entries())


def approve(
    ledger: Ledger,
    bundle_digest: str,
    evidence: Mapping[str, Any],
    *,
    signer: Signer,
    at: int,
    builder: str | None = None,
) -> Approval:
    """Record that a validator allows a bundle to decide.

    Parameters
    ----------
    ledger : Ledger
        The ledger, which is proven first.
    bundle_digest : str
        The bundle; an entry `released` must know it.
    evidence : mapping
        The evidence it was released with: plain JSON with `findings`.
    signer : Signer
        Who approves.
    at : int
        When.
    builder : str, optional
        Who built the bundle, where that is known from elsewhere than the ledger too.

    Raises
    ------
    BundleUnknown
        When no entry released the bundle.
    BuilderRefused
        When the signer built it.
    AlreadyApproved
        When an approval stands.

    See Also
    --------
    tallystick.governance.evidence.check_evidence : Raises what is wrong with the evidence.
    tallystick.governance.roles.require : Raises that the signer is no validator.
    """
    entries = ledger.verified_entries()
    status = _released(bundle_digest, entries)
    if signer.actor in {builder, *status.builders}:
        raise BuilderRefused(signer.actor, bundle=bundle_digest)
    require(Actors().after_all(entries).check(signer), Role.VALIDATOR, "approve a bundle")
    if status.approval:
        raise AlreadyApproved(bundle_digest, actor=status.approval.actor, number=status.approval.number)
    digest = check_evidence(bundle_digest, evidence, status.evidence_digest)
    entry = ledger.record(APPROVED, {"bundle": bundle_digest, "evidence": digest}, signer, at)
    return Approval(bundle_digest, digest, signer.actor, at, entry.number, entry.hash)


def refuse(ledger: Ledger, bundle_digest: str, *, reason: str, signer: Signer, at: int) -> LedgerEntry:
    """Record that a validator does not allow a bundle to decide; an approval that stands falls.

    Parameters
    ----------
    ledger : it is proven first
    bundle_digest : the bundle; an entry `released` must know it
    reason : for those who read the ledger later; never empty
    signer : who refuses: a validator, who may be its builder too
    at : the current instant, in microseconds since 1970 UTC

    Raises
    ------
    ReasonMissing
        When the reason is empty.
    BundleUnknown
        When no entry released the bundle.
    """
    if not reason.strip():
        raise ReasonMissing(bundle_digest)
    entries = ledger.verified_entries()
    _released(bundle_digest, entries)
    require(Actors().after_all(entries).check(signer), Role.VALIDATOR, "refuse a bundle")
    return ledger.record(REFUSED, {"bundle": bundle_digest, "reason": reason.strip()}, signer, at)


def _released(bundle_digest: str, entries: list[LedgerEntry]) -> ApprovalStatus:
    status = approval_status_of(bundle_digest, entries)
    if not status.builders:
        released = [str(entry.facts.get("bundle")) for entry in entries if entry.kind == RELEASED]
        raise BundleUnknown(bundle_digest, released=released)
    return status
