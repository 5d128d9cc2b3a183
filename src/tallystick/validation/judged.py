"""A candidate with what the checks found of it: what training makes, release takes, and a reader is shown."""

from dataclasses import dataclass

from tallystick.training.candidate import Candidate
from tallystick.validation.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with what the checks found of it."""

    candidate: Candidate
    evidence: Evidence
