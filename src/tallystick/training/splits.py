"""Parts of time: what a search learns from, what it is judged on, what the final model learns from, what tests it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.durations import duration_text
from tallystick.definitions.models import SplitDefinition
from tallystick.errors import PartEmpty, PartOneClass, PartOutside
from tallystick.training.labels import Labels

# A few days without a record are no mistake of the split; a tenth of a part is.
_LARGEST_LACK = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of time, half open, and the instant whose knowledge its labels have.

    Parameters
    ----------
    name : train, validate, fit or test
    start, end : start <= time < end
    labels_as_of : labels are those known at this instant
    """

    name: str
    start: int
    end: int
    labels_as_of: int

    def holds(self, time: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which instants lie in the part."""
        return np.asarray((time >= self.start) & (time < self.end))

    @property
    def days(self) -> str:
        """The part's dates for people, its last instant included."""
        return f"{_day(self.start)} to {_day(self.end - 1)}"


@dataclass(frozen=True, slots=True)
class Split:
    """The four parts of one training.

    The search fits on ``train`` and is judged on ``validate``. The final model learns, with the settings
    found, from ``fit``: the same split shifted forward, a stretch as long as ``train`` that ends one gap
    before ``test``. So the model that is tested is as fresh as the one that was searched, and no setting
    was chosen by looking at the test part::

        search   [ train ]  gap  [ validate ]
        final                 [ fit ]  gap  [ test ]
    """

    train: Part
    validate: Part
    fit: Part
    test: Part

    @property
    def parts(self) -> tuple[Part, Part, Part, Part]:
        """All four, in order of their use."""
        return self.train, self.validate, self.fit, self.test


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part: places in the table, and their labels as the part may know them."""

    part: Part
    rows: NDArray[np.int64]
    labels: NDArray[np.int8]

    @property
    def n_positives(self) -> int:
        """How many are flagged."""
        return int(self.labels.sum())


def split(definition: SplitDefinition, labels: Labels, *, ends_at: int) -> Split:
    """Place the parts in time.

    Without ``test_from``, the test part ends with the last record whose label has matured when the data ends.

    Parameters
    ----------
    labels : of every row
    ends_at : the instant the data ends

    Raises
    ------
    PartEmpty
        If no label has matured, so that there is nothing to end the test with.

    Examples
    --------
    >>> day = 86_400_000_000
    >>> week = SplitDefinition(7 * day, 7 * day, 7 * day, 7 * day, test_from=35 * day)
    >>> parts = split(week, Labels(np.array([0]), np.array([0]), 0), ends_at=60 * day)
    >>> [(part.name, part.start // day, part.end // day) for part in parts.parts]
    [('train', 7, 14), ('validate', 21, 28), ('fit', 21, 28), ('test', 35, 42)]
    """
    # From the test part backwards, since the end of the data decides where that can be.
    test_from = _latest_test(definition, labels, ends_at) if definition.test_from is None else definition.test_from
    ends = test_from - definition.gap_us
    judged_from = ends - definition.validate_us
    trained_until = judged_from - definition.gap_us
    # Labels are those known when the next part begins: a model in service could not have learnt from later ones. Only
    # the test part is looked at from the end of the data, for it is judged, and taught to nobody.
    return Split(
        Part("train", trained_until - definition.train_us, trained_until, judged_from),
        Part("validate", judged_from, ends, test_from),
        Part("fit", ends - definition.train_us, ends, test_from),
        Part("test", test_from, test_from + definition.test_us, ends_at),
    )


def rows_of(part: Part, labels: Labels, *, allowed: NDArray[np.bool_]) -> Rows:
    """Return a part's rows: those allowed, and in the test part those with a final label.

    Parameters
    ----------
    part : which instants, and when its labels were looked at
    labels : of all rows, with the instants they became known at
    allowed : shape (n,), False for rows that can have no label

    Raises
    ------
    PartOutside
        If more than a tenth of the part lies before the first or after the last row.
    PartEmpty
        If it has no row with a label.
    PartOneClass
        If all its labels are equal.
    """
    inside = part.holds(labels.time)
    if len(labels.time) and _lacking(part, int(labels.time.min()), int(labels.time.max())) > _LARGEST_LACK:
        raise PartOutside(part.name, days=part.days, data=f"{_day(labels.time.min())} to {_day(labels.time.max())}")
    kept = inside & allowed
    # Only the test part waits for maturity: in service a model learns from young labels too.
    if part.name == "test":
        kept &= labels.is_matured(part.labels_as_of)
    rows = np.flatnonzero(kept)
    if not len(rows):
        matures = duration_text(labels.matures_after_us)
        raise PartEmpty(part.name, days=part.days, n_inside=int(inside.sum()), matures_after=matures)
    known = labels.at(part.labels_as_of)[rows]
    if known.min() == known.max():
        raise PartOneClass(part.name, days=part.days, n_rows=len(rows), n_positives=int(known.sum()))
    return Rows(part, rows, known)


def _lacking(part: Part, first: int, last: int) -> float:
    """Return which share of a part's length lies outside the data."""
    outside = max(0, min(part.end, first) - part.start) + max(0, part.end - 1 - max(part.start, last))
    return outside / (part.end - part.start)


def _latest_test(definition: SplitDefinition, labels: Labels, ends_at: int) -> int:
    matured = labels.time[labels.is_matured(ends_at)]
    if not len(matured):
        matures = duration_text(labels.matures_after_us)
        raise PartEmpty("test", days=f"until {_day(ends_at)}", n_inside=len(labels.time), matures_after=matures)
    # A part is half open, and its last record must lie inside.
    return int(matured.max()) + 1 - definition.test_us


def _day(instant: int) -> str:
    return datetime.fromtimestamp(int(instant) / 1_000_000, tz=UTC).date().isoformat()
