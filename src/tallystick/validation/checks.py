"""Every check there is, and asking them all."""

from collections.abc import Iterable, Sequence

import msgspec

from tallystick.definitions.progress import Progress
from tallystick.errors import CheckUnknown
from tallystick.validation.agreement import ExecutorsAgree
from tallystick.validation.calibration import BeatsTheConstant, MeansWhatItSays
from tallystick.validation.check import Check, Question
from tallystick.validation.discrimination import FindsMoreThanItsShare, RanksAboveChance
from tallystick.validation.evidence import FORMAT, Evidence
from tallystick.validation.finding import Finding, Outcome
from tallystick.validation.leakage import NoFeatureRanksAlone, RowsRebuild
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
    NoFeatureRanksAlone(),
    OnlineEqualsBatch(),
    ScoresAsItsFramework(),
    ExecutorsAgree(),
    ReachesAveragePrecision(),
    ReachesAuc(),
)


OF_THE_DATA = frozenset({"V302", "V401", "V501", "V503"})  # answers that all candidates of one training share


def validate(
    questions: Sequence[Question], *, at: int, skip: Iterable[str] = (), progress: Progress | None = None
) -> list[Evidence]:
    """Ask every check of each candidate of one training, and return their evidence in the same order.

    What is asked of the data alone is asked once.

    Parameters
    ----------
    questions : about candidates that share model, dataset, table and rows
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
    shared = {check.code: _skipped(check) for check in CHECKS if check.code in skipped}
    evidence: list[Evidence] = []
    for question in questions:
        findings: list[Finding] = []
        for check in CHECKS:
            findings.append(shared.get(check.code) or check.ask(question))
            if progress is not None:
                progress(len(evidence) * len(CHECKS) + len(findings), len(questions) * len(CHECKS))
        shared |= {finding.code: finding for finding in findings if finding.code in OF_THE_DATA}
        evidence.append(_evidence(question, findings, at))
    return evidence


def _evidence(question: Question, findings: list[Finding], at: int) -> Evidence:
    record = question.candidate.record
    return Evidence(
        format=FORMAT,
        candidate=question.candidate.digest,
        name=record.name,
        family=record.family,
        model=record.model,
        features=record.features,
        dataset=record.dataset,
        created_at=at,
        findings=tuple(findings),
        figures={part: msgspec.to_builtins(metrics) for part, metrics in record.metrics.items()},
    )


def _skipped(check: Check) -> Finding:
    return Finding(check.code, Outcome.SKIPPED, "it was asked to be left out")
