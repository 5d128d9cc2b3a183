"""What all families of one training share: rows, labels, parts, amounts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.models import ModelDefinition
from tallystick.errors import MatrixForeign, RowsMismatched
from tallystick.features.matrix import Matrix
from tallystick.scoring.boundary import cast
from tallystick.training.labels import data_ends_at, read_labels
from tallystick.training.record import PartRecord
from tallystick.training.search import Judged
from tallystick.training.splits import Rows, rows_of, split


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A matrix cut into parts, with labels as each part may know them.

    Parameters
    ----------
    model, matrix, dataset : what was handed in
    spine_rows : for each row of the matrix its place among the spine's records
    ends_at : the instant the data ends
    train, validate, fit, test : the parts' rows and labels
    """

    model: ModelDefinition
    matrix: Matrix
    dataset: Dataset
    spine_rows: NDArray[np.int64]
    ends_at: int
    train: Rows
    validate: Rows
    fit: Rows
    test: Rows

    @classmethod
    def cut(
        cls, model: ModelDefinition, matrix: Matrix, dataset: Dataset, exclude: NDArray[np.bool_] | None
    ) -> "TrainingData":
        """Join labels with the matrix, and cut it as the model's split says.

        Raises
        ------
        RowsMismatched
            If ``exclude`` is not as long as the matrix.
        MatrixForeign
            If the matrix holds other columns than the model's features.
        """
        if exclude is not None and len(exclude) != len(matrix):
            raise RowsMismatched("exclude", found=len(exclude), wanted=len(matrix))
        if matrix.names != model.features.names:
            raise MatrixForeign(matrix.names, wanted=model.features.names)
        spine_rows = np.searchsorted(dataset.records[model.features.spine.name].position, matrix.position)
        labels = read_labels(dataset, model.label).take(spine_rows)
        ends_at = data_ends_at(dataset)
        allowed = np.ones(len(matrix), dtype=np.bool_) if exclude is None else ~exclude
        parts = split(model.split, labels, ends_at=ends_at).parts
        return cls(model, matrix, dataset, spine_rows, ends_at, *(rows_of(p, labels, allowed=allowed) for p in parts))

    def features(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return rows of the matrix through the model's boundary, shape [m, k]."""
        return cast(self.matrix.values[rows])

    def judged(self) -> Judged:
        """Return what the search learns from and is judged on."""
        train, validate = self.features(self.train.rows), self.features(self.validate.rows)
        return Judged(train, self.train.labels, validate, self.validate.labels)

    def amounts(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return the spine's numbers in their units, as a policy's costs need them; missing as NaN."""
        places = self.spine_rows[rows]
        columns = self.dataset.records[self.model.features.spine.name].values
        return {name: column.in_units(places) for name, column in columns.items()}

    def parts(self) -> tuple[PartRecord, ...]:
        """Return the parts for the record."""
        return tuple(
            PartRecord(p.part.name, p.part.start, p.part.end, p.part.labels_as_of, len(p.rows), p.n_positives)
            for p in (self.train, self.validate, self.fit, self.test)
        )
