"""What all families of one training share: rows, labels, parts, amounts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.models import ModelDefinition
from tallystick.errors import RowsMismatched
from tallystick.features.table import FeatureTable
from tallystick.scoring.boundary import cast
from tallystick.training.facts import RowFacts
from tallystick.training.record import PartRecord
from tallystick.training.search import Judged
from tallystick.training.splits import Rows, rows_of, split


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A feature table cut into parts, with labels as each part may know them.

    Parameters
    ----------
    model, table, facts : what was handed in
    train, validate, fit, test : the parts' rows and labels
    """

    model: ModelDefinition
    table: FeatureTable
    facts: RowFacts
    train: Rows
    validate: Rows
    fit: Rows
    test: Rows

    @classmethod
    def cut(
        cls, model: ModelDefinition, table: FeatureTable, facts: RowFacts, exclude: NDArray[np.bool_] | None
    ) -> "TrainingData":
        """Join labels with the table, and cut it as the model's split says.

        Parameters
        ----------
        model : whose label and split
        table : the features
        facts : of the table's rows
        exclude : shape (n,), True for rows that can have no label

        Raises
        ------
        RowsMismatched
            If ``exclude`` is not as long as the table.
        TableOfOtherPlan, TableOfOtherData
            If the facts are not of what the table was made from.
        """
        if exclude is not None and len(exclude) != len(table):
            raise RowsMismatched("exclude", found=len(exclude), wanted=len(table))
        table.origin.require(facts.origin)
        allowed = np.ones(len(table), dtype=np.bool_) if exclude is None else ~exclude
        parts = split(model.split, facts.labels, ends_at=facts.ends_at).parts
        return cls(model, table, facts, *(rows_of(part, facts.labels, allowed=allowed) for part in parts))

    def features(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return rows of the table through the model's boundary, shape [m, k]."""
        return cast(self.table.values[rows])

    def judged(self) -> Judged:
        """Return what the search learns from and is judged on."""
        train, validate = self.features(self.train.rows), self.features(self.validate.rows)
        return Judged(train, self.train.labels, validate, self.validate.labels)

    def amounts(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return the spine's numbers in their units, as a policy's costs need them; missing as NaN."""
        return {name: column.in_units(rows) for name, column in self.facts.amounts.items()}

    def parts(self) -> tuple[PartRecord, ...]:
        """Return the parts for the record."""
        return tuple(
            PartRecord(p.part.name, p.part.start, p.part.end, p.part.labels_as_of, len(p.rows), p.n_positives)
            for p in (self.train, self.validate, self.fit, self.test)
        )
