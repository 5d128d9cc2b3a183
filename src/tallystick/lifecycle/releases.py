"""From a candidate to a bundle: release."""

from dataclasses import dataclass

from tallystick.governance.releases import record_release
from tallystick.lifecycle.candidates import Candidates
from tallystick.release.make import release as make_bundle
from tallystick.release.open import Bundle
from tallystick.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Releases:
    """The making of a project's bundles.

    Parameters
    ----------
    workspace : where they lie
    candidates : what a bundle is made of
    """

    workspace: Workspace
    candidates: Candidates

    def release(self, candidate: str | None = None) -> Bundle:
        """Pack, prove and sign a candidate as it was judged, whatever the project's file says by now; record it."""
        judged, signer = self.candidates.candidate(candidate), self.workspace.signer()
        made, clock = judged.candidate, self.workspace.clock
        bundle = make_bundle(made, judged.evidence, self.workspace.places.bundles, signer=signer, at=clock.now())
        facts = {"candidate": made.digest, "plan": bundle.manifest.plan, "model": bundle.manifest.model}
        record_release(
            self.workspace.ledger, bundle.digest, bundle.manifest.evidence, signer=signer, at=clock.now(), facts=facts
        )
        return bundle
