"""What was trained and is kept: every candidate, with what the checks found of it."""

from dataclasses import dataclass

from tallystick.governance.candidates import CheckedCandidates
from tallystick.validation.judged import Judged
from tallystick.workspace import Workspace, named


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of a project.

    Parameters
    ----------
    workspace : where they lie
    """

    workspace: Workspace

    def candidates(self) -> list[Judged]:
        """Return every candidate with its latest evidence, the newest first."""
        checked = self._checked
        return [checked.open(digest) for digest in reversed(checked.latest)]

    def candidate(self, name: str | None = None) -> Judged:
        """Return the candidate whose digest begins so; by default the best of the last training.

        Raises
        ------
        NameUnclear
            If no candidate's digest begins so, or several do.
        """
        checked = self._checked
        if name is None and (last := checked.of_last_training()):
            return min((checked.open(digest) for digest in last), key=rank)
        return checked.open(named("candidate", name or "", list(checked.latest), remedy="tally train"))

    @property
    def _checked(self) -> CheckedCandidates:
        places = self.workspace.places
        return CheckedCandidates(self.workspace.ledger, places.candidates, places.evidence)


def rank(made: Judged) -> tuple[bool, float]:
    """Return what candidates are sorted by, the best first: a failed check, then the rank on the validate part."""
    record = made.candidate.record
    return bool(made.evidence.failed), -float(getattr(record.metrics["validate"], record.metric))
