"""What a check is, and what it may look at."""

from dataclasses import dataclass
from typing import Any, Protocol

from tallystick.data.records import Dataset
from tallystick.definitions.models import ModelDefinition
from tallystick.features.sampling import Bounds
from tallystick.features.table import FeatureTable
from tallystick.training.candidate import Candidate
from tallystick.training.fit import Scored, Trained
from tallystick.validation.finding import Finding, Outcome

FEWEST = 10  # with fewer records of one kind, intervals say nothing


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a check may look at.

    Parameters
    ----------
    candidate : who is questioned
    model : what the project declares
    dataset : the records it was made of: all, or those near the rows and entities that checks look at
    table : the features
    fit, test : its scores of rows it learnt from (at most 100,000), and of the test part's matured rows
    bounds : how far entities are drawn, where the dataset has not all records to tell it by
    """

    candidate: Candidate
    model: ModelDefinition
    dataset: Dataset
    table: FeatureTable
    fit: Scored
    test: Scored
    bounds: Bounds | None = None

    @classmethod
    def about(
        cls,
        trained: Trained,
        *,
        model: ModelDefinition,
        dataset: Dataset,
        table: FeatureTable,
        bounds: Bounds | None = None,
    ) -> "Question":
        """Return the question about a candidate that training just made.

        Parameters
        ----------
        trained : the candidate with its scores
        model, dataset, table, bounds : as the question holds them
        """
        return cls(trained.candidate, model, dataset, table, trained.fit, trained.test, bounds)


class Check(Protocol):
    """A question asked of a candidate.

    Law: the code and its meaning never change; a changed question gets a new code. The same question gives the
    same finding. A check that cannot answer says ``not applicable`` and why. It never raises for what it finds.
    """

    @property
    def code(self) -> str:
        """The code, such as V101: the first digit is the family."""
        ...

    @property
    def title(self) -> str:
        """What is asked, in a few words."""
        ...

    def ask(self, question: Question) -> Finding:
        """Answer."""
        ...


def found(check: Check, *, passes: bool, reason: str, **figures: Any) -> Finding:
    """Return a check's answer, passed or failed.

    Parameters
    ----------
    check : whose code the answer carries
    passes : whether what was asked holds
    reason : a sentence with the numbers that decided
    figures : the same numbers and more, for machines
    """
    return Finding(check.code, Outcome.PASSED if passes else Outcome.FAILED, reason, figures)


def warned(check: Check, reason: str, **figures: Any) -> Finding:
    """Return the answer of a check that proves nothing wrong, and asks for somebody to look.

    Parameters
    ----------
    check : whose code the answer carries
    reason : a sentence with the numbers that decided, and whatever they are of
    figures : the same numbers and more, for machines
    """
    return Finding(check.code, Outcome.WARNED, reason, figures)


def not_applicable(check: Check, reason: str) -> Finding:
    """Return the answer of a check that has nothing to look at.

    Parameters
    ----------
    check : whose code the answer carries
    reason : what it lacks, in a sentence
    """
    return Finding(check.code, Outcome.NOT_APPLICABLE, reason)


def too_few(check: Check, scored: Scored) -> Finding | None:
    """Return the answer of a check that needs more flagged and other rows than there are, or None.

    Parameters
    ----------
    check : whose code the answer carries
    scored : the test part
    """
    n_positives = int(scored.labels.sum())
    fewer = min(n_positives, len(scored.labels) - n_positives)
    if fewer >= FEWEST:
        return None
    reason = f"the test part has {n_positives} flagged of {len(scored.labels)} rows; {FEWEST} of each kind are needed"
    return not_applicable(check, reason)
