"""Every check there is, and asking them all."""

from collections.abc import Callable, Iterable

import msgspec

from tallystick.errors import CheckUnknown
from tallystick.validation.calibration import BeatsTheConstant, MeansWhatItSays
from tallystick.validation.check import Check, Question
from tallystick.validation.discrimination import FindsMoreThanItsShare, RanksAboveChance
from tallystick.validation.evidence import Evidence
from tallystick.validation.finding import Finding, Outcome
from tallystick.validation.leakage import RowsRebuild
from tallystick.validation.limits import ReachesAuc, ReachesAveragePrecision
from tallystick.validation.parity import OnlineEqualsBatch, ScoresAsItsFramework
from tallystick.validation.stability import FeaturesLieAlike, ScoresLieAlike

CHECKS: tuple[Check, ...] = (
    RanksAboveChance(),
    FindsMoreThanItsShare(),
    BeatsTheConstant(),
    MeansWhatItSays(),
    ScoresLieAlike(),
    FeaturesLieAlike(),
    RowsRebuild(),
    OnlineEqualsBatch(),
    ScoresAsItsFramework(),
    ReachesAveragePrecision(),
    ReachesAuc(),
)


def validate(
    question: Question, *, at: int, skip: Iterable[str] = (), progress: Callable[[int, int], None] | None = None
) -> Evidence:
    """Ask every check, and return the evidence.

    Parameters
    ----------
    at : the current instant
    skip : codes that are not to be asked; each is printed as skipped
    progress : told how many of how many checks have answered

    Raises
    ------
    CheckUnknown
        If a code to skip is none.
    """
    skipped, known = set(skip), [check.code for check in CHECKS]
    for code in sorted(skipped.difference(known)):
        raise CheckUnknown(code, known=known)
    findings = []
    for check in CHECKS:
        findings.append(_skipped(check) if check.code in skipped else check.ask(question))
        if progress is not None:
            progress(len(findings), len(CHECKS))
    record = question.candidate.record
    return Evidence(
        candidate=question.candidate.digest,
        name=record.name,
        family=record.family,
        model=record.model,
        features=record.features,
        dataset=record.dataset,
        created_at=at,
        findings=tuple(findings),
        figures={part: msgspec.to_builtins(reached) for part, reached in record.reached.items()},
    )


def _skipped(check: Check) -> Finding:
    return Finding(check.code, Outcome.SKIPPED, "it was asked to be left out")
