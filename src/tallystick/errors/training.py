"""Training that no candidate comes out of.

TrainingError
· LibraryMissing          the train extra is not installed
· PartOutside             a part of the split reaches beyond the data
· PartEmpty               a part has no row with a label
· PartOneClass            a part's labels are all equal
· MetricUndefined         a metric needs both labels
· FamilyUnknown           nothing here fits this family
· FitFailed               a framework could not fit
· SearchFailed            no trial could be fitted
· CalibrationInverted     the raw score ranks upside down
· ParityBroken            the model file scores otherwise than the framework
· RowsMismatched          values and rows are not of one length
· CandidateMissing        no candidate in this folder
· CandidateFormatUnknown  another version wrote it
· CandidateDamaged        its bytes are not those that were recorded
"""

from collections.abc import Iterable
from pathlib import Path

from tallystick.errors.base import TallystickError


class TrainingError(TallystickError):
    """No candidate can be made, saved or opened."""


class LibraryMissing(TrainingError):
    """A library of the ``train`` extra is not installed."""

    def __init__(self, library: str) -> None:
        self.library = library
        super().__init__(
            f"{library!r} is needed to train and to check models, and it is not installed. "
            "Run: pip install 'tallystick[train]'."
        )


class PartOutside(TrainingError):
    """A part of the split reaches, by more than a tenth of its length, where there is no data.

    Parameters
    ----------
    part : of the split: "train", "validate" or "test"
    days : its first and last day, as texts
    data : the first and last day of the data, as texts
    """

    def __init__(self, part: str, *, days: str, data: str) -> None:
        self.part, self.days, self.data = part, days, data
        super().__init__(
            f"The {part} part ({days}) reaches beyond the data ({data}). "
            "Shorten train, gap, validate or test in ts.TimeSplit(...), move test_from, or read more history."
        )


class PartEmpty(TrainingError):
    """A part of the split has no row with a label that counts.

    Parameters
    ----------
    part : of the split: "train", "validate" or "test"
    days : its first and last day, as texts
    n_inside : how many records lie in it
    matures_after : how long after its event a label counts, as text
    """

    def __init__(self, part: str, *, days: str, n_inside: int, matures_after: str) -> None:
        self.part, self.days, self.n_inside, self.matures_after = part, days, n_inside, matures_after
        super().__init__(
            f"The {part} part ({days}) has {n_inside} records and none with a label that counts; a tested label "
            f"counts {matures_after} after its event. Move test_from back, lower matures_after in ts.Label(...) if "
            "labels really are final sooner, or read more data."
        )


class PartOneClass(TrainingError):
    """The labels of a part are all equal, so nothing can be learnt from it or judged on it.

    Parameters
    ----------
    part : of the split: "train", "validate" or "test"
    days : its first and last day, as texts
    n_rows : how many rows there are
    n_positives : how many of them are flagged
    """

    def __init__(self, part: str, *, days: str, n_rows: int, n_positives: int) -> None:
        self.part, self.days, self.n_rows, self.n_positives = part, days, n_rows, n_positives
        super().__init__(
            f"The {part} part ({days}) has {n_rows} rows, of which {n_positives} are flagged: both kinds are needed. "
            "Make the part longer in ts.TimeSplit(...), or check that the reports were read and join to their events."
        )


class MetricUndefined(TrainingError):
    """A metric is asked of labels that are all equal.

    Parameters
    ----------
    metric : its name
    n_rows : how many rows there are
    n_positives : how many of them are flagged
    """

    def __init__(self, metric: str, *, n_rows: int, n_positives: int) -> None:
        self.metric, self.n_rows, self.n_positives = metric, n_rows, n_positives
        super().__init__(
            f"{metric} has no value on {n_rows} rows of which {n_positives} are flagged: it needs both kinds. "
            "Take a longer stretch of time."
        )


class FitFailed(TrainingError):
    """A framework could not fit these rows with these settings.

    Parameters
    ----------
    family : the name of the model family
    reason : what went wrong, as the framework says it
    """

    def __init__(self, family: str, *, reason: str) -> None:
        self.family, self.reason = family, reason
        super().__init__(f"{family} could not be fitted: {reason}. Look at the features, or leave this family out.")


class SearchFailed(TrainingError):
    """Not one trial of a family could be fitted.

    Parameters
    ----------
    family : the name of the model family
    n_trials : how many were tried
    reason : why the last one failed
    """

    def __init__(self, family: str, *, n_trials: int, reason: str) -> None:
        self.family, self.n_trials, self.reason = family, n_trials, reason
        super().__init__(
            f"All {n_trials} trials of {family} failed; the last one: {reason} "
            "Leave this family out of candidates=[...]."
        )


class CalibrationInverted(TrainingError):
    """The raw score falls where the risk rises, so no probability can keep its order.

    Parameters
    ----------
    slope : of the fitted sigmoid
    n_rows : how many rows there are
    n_positives : how many of them are flagged
    """

    def __init__(self, slope: float, *, n_rows: int, n_positives: int) -> None:
        self.slope, self.n_rows, self.n_positives = slope, n_rows, n_positives
        super().__init__(
            f"The raw score does not rise with the risk on the held-out rows ({n_rows} rows, {n_positives} flagged; "
            f"slope {slope:.3g}), so it cannot become a probability. The features tell nothing about the label in the "
            "validate part: look at them, or make the parts longer."
        )


class ParityBroken(TrainingError):
    """A model file does not score as the framework that fitted it.

    Parameters
    ----------
    family : the name of the model family
    largest : the largest difference of a raw score
    allowed : the largest that may be
    n_rows : how many rows there are
    """

    def __init__(self, family: str, *, found: str) -> None:
        self.family, self.found = family, found
        super().__init__(
            f"The exported {family} does not score as its framework: {found}. The candidate is refused. Report this "
            "with the versions of the libraries; until then leave the family out."
        )


class FamilyUnknown(TrainingError):
    """A family of models that nothing here can fit."""

    def __init__(self, family: str, *, known: Iterable[str]) -> None:
        self.family, self.known = family, sorted(known)
        super().__init__(
            f"No family of models is called {family!r}. Known: {', '.join(self.known)}. Name one of them in "
            "candidates=[...], or take the version of tallystick that knows it."
        )


class RowsMismatched(TrainingError):
    """Values that belong to rows are not as many as the rows.

    Parameters
    ----------
    values : what they are, for the sentence
    found : how many there are
    wanted : how many rows there are
    """

    def __init__(self, values: str, *, found: int, wanted: int) -> None:
        self.values, self.found, self.wanted = values, found, wanted
        super().__init__(f"{values} has {found} rows and the table has {wanted}. Give one value for each row.")


class CandidateMissing(TrainingError):
    """A folder that holds no candidate.

    Parameters
    ----------
    folder : the candidate's folder
    lacking : the files that are not there
    """

    def __init__(self, folder: Path, *, lacking: Iterable[str]) -> None:
        self.folder, self.lacking = folder, sorted(lacking)
        super().__init__(
            f"{folder} is no candidate: {', '.join(self.lacking)} is not there. "
            "Give the folder that `tally train` wrote, named by its digest."
        )


class CandidateFormatUnknown(TrainingError):
    """A candidate was written by another version."""

    def __init__(self, folder: Path, found: int, *, known: Iterable[int]) -> None:
        self.folder, self.found, self.known = folder, found, sorted(known)
        super().__init__(
            f"The candidate {folder} has format {found}, and this version opens {', '.join(map(str, self.known))}. "
            "Open it with the version that wrote it, or train it again."
        )


class CandidateDamaged(TrainingError):
    """A candidate whose bytes are not those that were recorded.

    Parameters
    ----------
    folder : the candidate's folder
    reason : what is wrong, without a full stop
    """

    def __init__(self, folder: Path, *, reason: str) -> None:
        self.folder, self.reason = folder, reason
        super().__init__(f"The candidate {folder} is damaged: {reason}. Train it again; nothing of it was used.")
