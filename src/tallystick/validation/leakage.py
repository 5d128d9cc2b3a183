"""V4xx: whether a row holds anything that was not known when it was decided."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle import inputs as oracle_input
from tallystick.training.fit import Scored
from tallystick.validation.check import Question, found, not_applicable
from tallystick.validation.finding import Finding

_PIECE = 250  # rows rebuilt at a time: each brings all records of its entities as plain Python


class RowsRebuild:
    """Ask whether 1,000 random rows of the table are what the oracle makes of them, bit for bit.

    The oracle computes each row by brute force from the text of the contract, seeing only what had arrived; it shares
    no code with the executor that made the table. A value from the future differs. Rows are drawn with the model's
    seed from those the model learnt from and those it was tested on.
    """

    code: ClassVar[str] = "V401"
    title: ClassVar[str] = "rows rebuilt by the oracle"
    n_rows: ClassVar[int] = 1_000

    def ask(self, question: Question) -> Finding:
        """Rebuild the rows and compare them."""
        rows = self.rows(question.fit, question.test, question.model.search.seed)
        if not len(rows):
            return not_applicable(self, "the table has no row")
        rebuilt = np.concatenate([_rebuilt(question, rows[i : i + _PIECE]) for i in range(0, len(rows), _PIECE)])
        stored = question.table.values[rows]
        wrong = np.argwhere(~same_bits(stored, rebuilt))
        n_wrong = len(np.unique(wrong[:, 0]))
        reason = f"{len(rows)} random rows of {stored.shape[1]} features are equal, bit for bit"
        if len(wrong):
            row, column = wrong[0]
            name, feature = question.table.ids[int(rows[row])].as_py(), question.table.names[column]
            reason = (
                f"{n_wrong} of {len(rows)} random rows differ; the first is {name}, whose {feature} is "
                f"{stored[row, column]} in the table and {rebuilt[row, column]} rebuilt"
            )
        return found(self, passes=not n_wrong, reason=reason, n_rows=len(rows), n_different=n_wrong)

    @classmethod
    def rows(cls, fit: Scored, test: Scored, seed: int) -> NDArray[np.int64]:
        """Return the places in the table of the rows that are rebuilt.

        Parameters
        ----------
        fit, test : rows that the model learnt from, and rows that it was tested on
        seed : the model's
        """
        eligible = np.union1d(fit.rows, test.rows)
        chance = np.random.default_rng(seed)
        return np.sort(chance.choice(eligible, min(cls.n_rows, len(eligible)), replace=False))


def same_bits(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where two arrays hold the same double; any two missing values are the same.

    Parameters
    ----------
    left, right : doubles, of one shape

    Examples
    --------
    >>> same_bits(np.array([0.0, np.nan, 1.0]), np.array([-0.0, np.nan, 1.0])).tolist()
    [False, True, True]
    """
    equal = np.ascontiguousarray(left).view(np.int64) == np.ascontiguousarray(right).view(np.int64)
    return np.asarray(equal | (np.isnan(left) & np.isnan(right)))


def _rebuilt(question: Question, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    definition = question.model.features
    position = question.table.position[rows]
    places = np.searchsorted(question.dataset.records[definition.spine.name].position, position)
    streams, requested = oracle_input.from_dataset(definition, question.dataset, places)
    sources = {name: records.source for name, records in question.dataset.records.items()}
    return np.array(oracle.compute(definition, sources, streams, requested, position.tolist()), dtype=np.float64)
