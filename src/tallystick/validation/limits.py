"""V9xx: whether the model reaches what the project demands."""

from typing import ClassVar, Literal

from tallystick.training.metrics import METRICS
from tallystick.validation.check import Question, found, not_applicable
from tallystick.validation.finding import Finding


class _ReachesItsFloor:
    code: ClassVar[str]
    title: ClassVar[str]
    metric: ClassVar[Literal["average_precision", "auc"]]

    def ask(self, question: Question) -> Finding:
        """Compare what the model reached on the test part with the highest floor the project sets."""
        floors = [limit.at_least for limit in question.model.limits if limit.metric == self.metric]
        if not floors:
            return not_applicable(self, f"the project sets no limit on {self.metric}")
        labels, floor = question.test.labels, max(floors)
        value = METRICS[self.metric](labels, question.test.raw)
        reason = f"{self.metric} is {value:.4f} on {len(labels)} test rows; the project demands {floor}"
        return found(self, passes=value >= floor, reason=reason, value=value, at_least=floor)


class ReachesAveragePrecision(_ReachesItsFloor):
    """Ask whether average precision on the test part reaches the project's limit. No confidence is added or taken."""

    code: ClassVar[str] = "V901"
    title: ClassVar[str] = "the project's limit on average precision"
    metric: ClassVar[Literal["average_precision", "auc"]] = "average_precision"


class ReachesAuc(_ReachesItsFloor):
    """Ask whether AUC on the test part reaches the project's limit. No confidence is added or taken."""

    code: ClassVar[str] = "V902"
    title: ClassVar[str] = "the project's limit on AUC"
    metric: ClassVar[Literal["average_precision", "auc"]] = "auc"
