"""What a validator looks at before a candidate is released: no bundle is opened for it, and no model loaded."""

from collections.abc import Iterable
from dataclasses import dataclass

from tallystick.definitions.changes import Change, changes
from tallystick.definitions.models import ModelDefinition
from tallystick.governance.approval_status import RELEASED
from tallystick.governance.review import Review, review
from tallystick.ledger.entry import LedgerEntry
from tallystick.lifecycle.candidates import Candidates
from tallystick.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Reviews:
    """The reviews of a project's candidates.

    Parameters
    ----------
    workspace : where they lie
    candidates : what is reviewed
    """

    workspace: Workspace
    candidates: Candidates

    def changes(self, definition: ModelDefinition) -> tuple[Change, ...]:
        """Return what the project's file says otherwise by now than a definition that was judged."""
        today = self.workspace.definitions.models.get(definition.name)
        return () if today is None else changes(definition, today)

    def is_released(self, name: str | None) -> bool:
        """Say whether a bundle's digest begins so."""
        released = released_bundles(self.workspace.ledger.entries(RELEASED))
        return bool(name) and any(digest.startswith(str(name)) for digest in released)

    def review(self, name: str | None = None) -> Review:
        """Return the review of the candidate whose digest begins so; by default of the last training's best."""
        made = self.candidates.candidate(name).candidate
        return review(self.workspace.ledger.verified_entries(), made.digest, made.record, made.definition)


def released_bundles(entries: Iterable[LedgerEntry]) -> list[str]:
    """Return the digests of the bundles that entries of their releases name, each once, in order."""
    return list(dict.fromkeys(str(entry.facts["bundle"]) for entry in entries))
