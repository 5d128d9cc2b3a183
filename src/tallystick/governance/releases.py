"""The two ends of a bundle's way: its builder releases it, an operator deploys it."""

from collections.abc import Mapping
from typing import Any

from tallystick.errors import ApprovalMissing
from tallystick.governance.approval_status import DEPLOYED, RELEASED
from tallystick.governance.approvals import Approvals
from tallystick.governance.roles import Role, require
from tallystick.ledger.actors import Actors
from tallystick.ledger.entry import LedgerEntry
from tallystick.ledger.keys import Signer
from tallystick.ledger.ledger import Ledger


def record_release(
    ledger: Ledger,
    bundle_digest: str,
    evidence_digest: str,
    *,
    signer: Signer,
    at: int,
    facts: Mapping[str, Any] | None = None,
) -> LedgerEntry:
    """Record that a builder packed a bundle on some evidence; only evidence with this digest can approve it.

    Parameters
    ----------
    ledger : Ledger
        The ledger.
    bundle_digest, evidence_digest : str
        The bundle and its evidence.
    signer : Signer
        The builder.
    at : int
        When.
    facts : mapping, optional
        What else is to be known: candidate, plan, signature.
    """
    require(Actors.from_ledger(ledger).check(signer), Role.BUILDER, "release a bundle")
    stated = {**(facts or {}), "bundle": bundle_digest, "evidence": evidence_digest}
    return ledger.record(RELEASED, stated, signer, at)


def record_deployment(ledger: Ledger, bundle_digest: str, *, signer: Signer, at: int) -> LedgerEntry:
    """Record that an operator lets an approved bundle decide from now on.

    Parameters
    ----------
    ledger : it is proven first
    bundle_digest : the bundle; an approval of it must stand
    signer : the operator
    at : the current instant, in microseconds since 1970 UTC

    Raises
    ------
    ApprovalMissing
        When no approval stands.
    """
    require(Actors.from_ledger(ledger).check(signer), Role.OPERATOR, "deploy a bundle")
    status = Approvals(ledger).status(bundle_digest)
    if status.approval is None:
        raise ApprovalMissing(bundle_digest, n_refusals=status.n_refusals)
    return ledger.record(DEPLOYED, {"bundle": bundle_digest, "approval": status.approval.entry_hash}, signer, at)
