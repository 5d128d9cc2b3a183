"""From a candidate to a bundle that may decide: release, approve, refuse."""

from dataclasses import dataclass

from tallystick.definitions.progress import Step
from tallystick.errors import BundleInconsistent, NothingApproved
from tallystick.governance.approval_status import APPROVED, Approval
from tallystick.governance.approvals import Approvals, approve, refuse
from tallystick.governance.releases import record_release
from tallystick.ledger.entry import LedgerEntry
from tallystick.lifecycle.candidates import Candidates
from tallystick.lifecycle.datasets import Datasets
from tallystick.release.make import Ingredients
from tallystick.release.make import release as make_bundle
from tallystick.release.open import Bundle, open_bundle
from tallystick.workspace import Workspace, named


@dataclass(frozen=True, slots=True)
class Releases:
    """The bundles of a project.

    Parameters
    ----------
    workspace : where they lie
    datasets : the project's records
    candidates : what a bundle is made of
    """

    workspace: Workspace
    datasets: Datasets
    candidates: Candidates

    def release(self, candidate: str | None = None, *, step: Step | None = None) -> Bundle:
        """Pack, prove and sign a candidate, and record it in the ledger."""
        judged, signer = self.candidates.candidate(candidate), self.workspace.signer()
        definition = self.workspace.definitions.model(judged.candidate.record.name)
        dataset, evidence = self.datasets.dataset(step, model=definition.name), judged.evidence.to_plain()
        ingredients = Ingredients(definition, self.workspace.plan(definition), judged.candidate, evidence, dataset)
        bundle = make_bundle(ingredients, self.workspace.places.bundles, signer=signer, at=self.workspace.clock.now())
        facts = {"candidate": judged.candidate.digest, "plan": bundle.manifest.plan}
        record_release(
            self.workspace.ledger,
            bundle.digest,
            bundle.manifest.evidence,
            signer=signer,
            at=self.workspace.clock.now(),
            facts=facts,
        )
        return bundle

    def bundle(self, name: str | None = None, *, is_approved: bool = True) -> Bundle:
        """Open the bundle whose digest begins so; by default the one approved last.

        Raises
        ------
        NothingApproved
            If no bundle is named and none is approved.
        NameUnclear
            If no bundle's digest begins so, or several do.
        BundleInconsistent
            If another bundle lies under that digest.
        """
        approvals = Approvals(self.workspace.ledger)
        if name is None:
            words = [str(entry.facts["bundle"]) for entry in self.workspace.ledger.verified_entries(APPROVED)]
            approved = [digest for digest in words if approvals.of(digest)]
            if not approved:
                raise NothingApproved
            name = approved[-1]
        released = [str(entry.facts["bundle"]) for entry in self.workspace.ledger.entries("released")]
        digest = named("bundle", name, list(dict.fromkeys(released)), remedy="tally release")
        folder = self.workspace.places.bundles / digest
        opened = open_bundle(
            folder, trusted_keys=self.workspace.trusted_keys(), approvals=approvals if is_approved else None
        )
        if opened.digest != digest:
            # Who approves or serves this one would answer for another.
            raise BundleInconsistent("manifest.json", folder=folder, reason=f"it is bundle {opened.digest[:12]}")
        return opened

    def approve(self, bundle: str) -> Approval:
        """Allow a bundle to decide: said by a validator who did not build it, on evidence without failures."""
        opened = self.bundle(bundle, is_approved=False)
        builder, signer, at = opened.manifest.builder, self.workspace.signer(), self.workspace.clock.now()
        approval = approve(self.workspace.ledger, opened.digest, opened.evidence, builder=builder, signer=signer, at=at)
        self.workspace.ledger.checkpoint(signer, at)
        return approval

    def refuse(self, bundle: str, *, reason: str) -> LedgerEntry:
        """Forbid a bundle to decide; an approval that stands falls."""
        opened = self.bundle(bundle, is_approved=False)
        signer, at = self.workspace.signer(), self.workspace.clock.now()
        entry = refuse(self.workspace.ledger, opened.digest, reason=reason, signer=signer, at=at)
        # Cut off the ledger's end, a refusal would leave the approval before it standing.
        self.workspace.ledger.checkpoint(signer, at)
        return entry
