"""What was trained and is kept: every candidate, with what the checks found of it."""

from dataclasses import dataclass

from tallystick.errors import EvidenceDamaged
from tallystick.training.candidate import Candidate, open_candidate
from tallystick.validation.evidence import Evidence, read_evidence
from tallystick.workspace import Workspace, named


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with what the checks found of it."""

    candidate: Candidate
    evidence: Evidence


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
        checked = [entry.facts for entry in self.workspace.ledger.entries("checked")]
        latest = {str(facts["candidate"]): str(facts["evidence"]) for facts in checked}
        return [
            Judged(open_candidate(self.workspace.places.candidates / name), self._evidence(evidence))
            for name, evidence in reversed(latest.items())
            if (self.workspace.places.candidates / name).is_dir()
        ]

    def _evidence(self, digest: str) -> Evidence:
        path = self.workspace.places.evidence / f"{digest}.json"
        if not path.is_file():
            raise EvidenceDamaged(f"{path} is not there")
        return read_evidence(path.read_bytes(), digest=digest)

    def candidate(self, name: str | None = None) -> Judged:
        """Return the candidate whose digest begins so; by default the best of the last training.

        Raises
        ------
        NameUnclear
            If no candidate's digest begins so, or several do.
        """
        judged = {made.candidate.digest: made for made in self.candidates()}
        if name is None and judged:
            newest = max(made.candidate.record.created_at for made in judged.values())
            return min((m for m in judged.values() if m.candidate.record.created_at == newest), key=rank)
        return judged[named("candidate", name or "", list(judged), remedy="tally train")]


def rank(made: Judged) -> tuple[bool, float]:
    """Return what candidates are sorted by, the best first: a failed check, then the rank on the validate part."""
    record = made.candidate.record
    return bool(made.evidence.failed), -float(getattr(record.metrics["validate"], record.metric))
