"""Candidates that were checked, found in the ledger by their digest: only what is looked for is opened."""

from dataclasses import dataclass
from pathlib import Path

from tallystick.errors import EvidenceDamaged
from tallystick.governance.trainings import CHECKED, TRAINED
from tallystick.ledger.ledger import Ledger
from tallystick.training.candidate import open_candidate
from tallystick.validation.evidence import read_evidence
from tallystick.validation.judged import Judged


@dataclass(frozen=True, slots=True)
class CheckedCandidates:
    """The candidates of a project, each with its latest evidence.

    Parameters
    ----------
    ledger : says which there are
    folder : of candidates, each under its digest
    evidence : the folder of evidence, each under its digest
    """

    ledger: Ledger
    folder: Path
    evidence: Path

    @property
    def latest(self) -> dict[str, str]:
        """The digest of each candidate's latest evidence by the candidate's, the oldest first; nothing is opened."""
        checked = [entry.facts for entry in self.ledger.entries(CHECKED)]
        found = {str(facts["candidate"]): str(facts["evidence"]) for facts in checked}
        return {name: evidence for name, evidence in found.items() if (self.folder / name).is_dir()}

    def of_last_training(self) -> tuple[str, ...]:
        """Return the digests of the candidates of the last training whose candidates are still there."""
        known = self.latest
        trained = [entry.facts for entry in self.ledger.entries(TRAINED) if entry.facts["candidate"] in known]
        last = trained[-1].get("training") if trained else None
        return tuple(str(facts["candidate"]) for facts in trained if facts.get("training") == last)

    def open(self, name: str) -> Judged:
        """Open a candidate by its whole digest.

        Raises
        ------
        EvidenceDamaged
            If its evidence is not there.
        """
        digest = self.latest[name]
        path = self.evidence / f"{digest}.json"
        if not path.is_file():
            raise EvidenceDamaged(f"{path} is not there")
        return Judged(open_candidate(self.folder / name), read_evidence(path.read_bytes(), digest=digest))
