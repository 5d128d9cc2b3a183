"""V5xx: whether every executor that could have made the features would have made the same."""

from typing import ClassVar

from tallystick.features.plan import Plan
from tallystick.features.prove import REFERENCE, FeatureParity, prove
from tallystick.validation.check import Question, found
from tallystick.validation.finding import Finding


class ExecutorsAgree:
    """Ask whether every installed executor gives the last records' features the same bits.

    It is the proof that ``tally prove`` prints, about fewer rows: of the last records, with all that their entities
    ever did, in the user's own data.
    """

    code: ClassVar[str] = "V503"
    title: ClassVar[str] = "all executors agree"
    n_rows: ClassVar[int] = 500

    def ask(self, question: Question) -> Finding:
        """Compute the last rows with every executor, and compare with batch."""
        sources = tuple(records.source for records in question.dataset.records.values())
        proof = prove(Plan(question.model.features, sources), question.dataset, self.n_rows)
        executors = [name for name in proof.n_rows if name != REFERENCE]
        wrong = [feature for feature in proof.features if feature.n_mismatches]
        reason = f"{', '.join(executors)} give {proof.n_rows[REFERENCE]} records the bits of {REFERENCE}"
        if wrong:
            reason = f"{len(wrong)} of {len(proof.features)} features differ; the first is {_first(wrong[0])}"
        return found(self, passes=not wrong, reason=reason, n_rows=dict(proof.n_rows), n_different=len(wrong))


def _first(feature: FeatureParity) -> str:
    first = feature.first
    if first is None:
        return feature.feature
    return f"{feature.feature} of {first.record}: {first.found} in {first.executor}, {first.reference} in {REFERENCE}"
