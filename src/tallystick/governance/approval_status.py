"""How a bundle stands: released, approved, refused, deployed; folded from the ledger's entries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from tallystick.errors import ModelUnnamed, NothingApproved
from tallystick.governance.roles import Role
from tallystick.ledger.actors import Actors
from tallystick.ledger.entry import LedgerEntry
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Facts, Report, Section
from tallystick.reporting.text import Text, code
from tallystick.reporting.written import instant

RELEASED, APPROVED, REFUSED, DEPLOYED = "released", "approved", "refused", "deployed"


@dataclass(frozen=True, slots=True)
class Approval(Displayed):
    """A validator's word that a bundle may decide.

    Attributes
    ----------
    bundle_digest, evidence_digest : str
        What was approved, and on which evidence.
    actor : str
        Who approved.
    at : int
        When, in microseconds since 1970 UTC.
    number, entry_hash : int, str
        The ledger entry that says so.
    """

    bundle_digest: str
    evidence_digest: str
    actor: str
    at: int
    number: int
    entry_hash: str

    def report(self) -> Report:
        """Return who approved what, and on which evidence."""
        facts = Facts.of(
            {
                "bundle": Text.of(code(self.bundle_digest)),
                "evidence": Text.of(code(self.evidence_digest)),
                "at": f"{instant(self.at)} UTC",
                "entry": Text.of(f"{self.number:,} of the ledger, ", code(self.entry_hash)),
            }
        )
        title = f"{self.actor} approved {self.bundle_digest[:12]} (ledger entry {self.number})"
        return Report(title, (Section("", (facts,)),))


@dataclass(frozen=True, slots=True)
class ApprovalStatus:
    """How one bundle stands after some entries.

    Attributes
    ----------
    bundle_digest : str
        The bundle.
    builders : frozenset of str
        Everybody who released it.
    evidence_digest : str, optional
        The evidence its latest release states.
    approval : Approval, optional
        The approval that stands, if one does.
    n_refusals : int
        How often it was refused.
    """

    bundle_digest: str
    builders: frozenset[str] = frozenset()
    evidence_digest: str | None = None
    approval: Approval | None = None
    n_refusals: int = 0

    def after(self, entry: LedgerEntry, actors: Actors) -> Self:
        """Return the standing after one entry, which may be about anything.

        An approval or refusal counts only by the rules that `approve` and `refuse` hold, so that an entry
        written around them, though rightly signed, changes nothing.

        Parameters
        ----------
        entry : the next of a ledger that was proven, about this bundle or not
        actors : as they stand after that entry: whoever wrote it must be known
        """
        if entry.facts.get("bundle") != self.bundle_digest:
            return self
        may_judge = Role.VALIDATOR in actors.of(entry.actor).roles
        if entry.kind == RELEASED:
            return self._released(entry)
        if entry.kind == APPROVED and may_judge and self.builders and entry.actor not in self.builders:
            return replace(self, approval=_approval(entry))
        if entry.kind == REFUSED and may_judge:
            return replace(self, approval=None, n_refusals=self.n_refusals + 1)
        return self

    def _released(self, entry: LedgerEntry) -> Self:
        evidence = entry.facts.get("evidence")
        return replace(
            self,
            builders=self.builders | {entry.actor},
            evidence_digest=evidence if isinstance(evidence, str) else None,
            # Who approved and then releases the same bundle has become its builder.
            approval=self.approval if self.approval and self.approval.actor != entry.actor else None,
        )


def approval_status_of(bundle_digest: str, entries: Iterable[LedgerEntry]) -> ApprovalStatus:
    """Return how a bundle stands after all entries of a ledger.

    Parameters
    ----------
    bundle_digest : the bundle's
    entries : all of a ledger that was proven, from its first: who may judge is told by them too
    """
    status, actors = ApprovalStatus(bundle_digest), Actors()
    for entry in entries:
        actors = actors.after(entry)
        status = status.after(entry, actors)
    return status


@dataclass(frozen=True, slots=True)
class ApprovedBundle:
    """A bundle whose approval stands, with the name of its model and the digest of its candidate."""

    approval: Approval
    model: str
    candidate: str


def approved(entries: Sequence[LedgerEntry]) -> list[ApprovedBundle]:
    """Return the bundles whose approval stands, in order of approval.

    Parameters
    ----------
    entries : of a ledger that was proven
    """
    released = {str(entry.facts.get("bundle")): entry.facts for entry in entries if entry.kind == RELEASED}
    found = [
        ApprovedBundle(approval, str(facts.get("model")), str(facts.get("candidate")))
        for bundle, facts in released.items()
        if (approval := approval_status_of(bundle, entries).approval) is not None
    ]
    return sorted(found, key=lambda each: each.approval.number)


def last_approved(entries: Sequence[LedgerEntry], model: str | None = None) -> str:
    """Return the digest of the bundle that was approved last.

    Parameters
    ----------
    entries : of a ledger that was proven
    model : whose bundle; needed where bundles of several models are approved

    Raises
    ------
    NothingApproved
        If no approval stands.
    ModelUnnamed
        If bundles of several models are approved, and none is named.
    """
    found = [each for each in approved(entries) if model in {None, each.model}]
    if not found:
        raise NothingApproved(model)
    models = list(dict.fromkeys(each.model for each in found))
    if len(models) > 1:
        raise ModelUnnamed(models)
    return found[-1].approval.bundle_digest


def _approval(entry: LedgerEntry) -> Approval:
    return Approval(
        bundle_digest=entry.facts["bundle"],
        evidence_digest=str(entry.facts.get("evidence")),
        actor=entry.actor,
        at=entry.at,
        number=entry.number,
        entry_hash=entry.hash,
    )
