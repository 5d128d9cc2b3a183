"""The bundles that were released, and whether they may decide: bundle, review, approve, refuse."""

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.errors import BundleInconsistent, NothingApproved
from tallystick.governance.approval_status import RELEASED, Approval, approved, last_approved
from tallystick.governance.approvals import Approvals, approve, refuse
from tallystick.governance.review import Review, review
from tallystick.ledger.entry import LedgerEntry
from tallystick.lifecycle.reviews import released_bundles
from tallystick.release.open import Bundle, open_bundle
from tallystick.workspace import Workspace, named


@dataclass(frozen=True, slots=True)
class Bundles:
    """The bundles of a project.

    Parameters
    ----------
    workspace : where they lie
    """

    workspace: Workspace

    def review(self, name: str) -> Review:
        """Return what a validator looks at of the bundle whose digest begins so."""
        bundle = self.bundle(name, is_approved=False)
        subject = bundle.manifest.candidate, bundle.candidate, bundle.definition
        return review(self.workspace.ledger.verified_entries(), *subject, bundle=bundle.digest)

    def bundle(self, name: str | None = None, *, model: str | None = None, is_approved: bool = True) -> Bundle:
        """Open the bundle whose digest begins so; by default the one of a model that was approved last.

        Parameters
        ----------
        name : what its digest begins with; the one approved last if None
        model : whose, where no bundle is named and a project has several models
        is_approved : whether an approval must stand; False only for those who look or judge

        Raises
        ------
        NothingApproved
            If no bundle is named and none is approved.
        ModelUnnamed
            If neither a bundle nor a model is named, and bundles of several models are approved.
        NameUnclear
            If no bundle's digest begins so, or several do.
        BundleInconsistent
            If another bundle lies under that digest.
        """
        approvals = Approvals(self.workspace.ledger)
        if name is None:
            name = last_approved(self.workspace.ledger.verified_entries(), model)
        digest = named(
            "bundle", name, released_bundles(self.workspace.ledger.entries(RELEASED)), remedy="tally release"
        )
        folder = self.workspace.places.bundles / digest
        opened = open_bundle(
            folder, trusted_keys=self.workspace.trusted_keys(), approvals=approvals if is_approved else None
        )
        if opened.digest != digest:
            # Who approves or serves this one would answer for another.
            raise BundleInconsistent("manifest.json", folder=folder, reason=f"it is bundle {opened.digest[:12]}")
        return opened

    def acting(self, names: Sequence[str] = ()) -> list[Bundle]:
        """Open the bundles that are to decide: those named, or of each model the one approved last.

        Parameters
        ----------
        names : what their digests begin with

        Raises
        ------
        NothingApproved
            If none is named and none is approved.
        """
        if names:
            return [self.bundle(name) for name in names]
        decided = approved(self.workspace.ledger.verified_entries())
        if not decided:
            raise NothingApproved
        latest = {each.model: each.approval.bundle_digest for each in decided}
        return [self.bundle(digest) for digest in latest.values()]

    def approve(self, bundle: str) -> Approval:
        """Allow a bundle to decide: said by a validator who did not build it, on evidence without failures."""
        opened = self.bundle(bundle, is_approved=False)
        builder, signer, at = opened.manifest.builder, self.workspace.signer(), self.workspace.clock.now()
        evidence = opened.evidence.to_plain()
        approval = approve(self.workspace.ledger, opened.digest, evidence, builder=builder, signer=signer, at=at)
        self.workspace.ledger.checkpoint(signer, at)
        return approval

    def refuse(self, bundle: str, *, reason: str) -> LedgerEntry:
        """Forbid a bundle to decide; an approval that stands falls.

        Parameters
        ----------
        bundle : what its digest begins with
        reason : for those who read the ledger later; never empty
        """
        opened = self.bundle(bundle, is_approved=False)
        signer, at = self.workspace.signer(), self.workspace.clock.now()
        entry = refuse(self.workspace.ledger, opened.digest, reason=reason, signer=signer, at=at)
        # Cut off the ledger's end, a refusal would leave the approval before it standing.
        self.workspace.ledger.checkpoint(signer, at)
        return entry
