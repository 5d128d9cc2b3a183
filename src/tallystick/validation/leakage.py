"""V4xx: whether a row holds anything that was not known when it was decided."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle import inputs as oracle_input
from tallystick.training.fit import Scored
from tallystick.training.metrics import auc
from tallystick.validation.check import Question, found, not_applicable, too_few, warned
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


class NoFeatureRanksAlone:
    """Ask whether a model that ranks very well owes it to more than one feature.

    A feature that alone reaches the figure of the whole model either knows the answer, as a field that is filled in
    after the fact does, or makes the model needless. Both are for a person to tell apart: the check warns. Of a
    model that does not rank above ``high`` it never does: there one strong feature is what risk often looks like.

    References
    ----------
    S. Kaufman, S. Rosset, C. Perlich, O. Stitelman (2012), "Leakage in Data Mining: Formulation, Detection, and
    Avoidance", *ACM Transactions on Knowledge Discovery from Data* 6 (features too good to be true).
    """

    code: ClassVar[str] = "V402"
    title: ClassVar[str] = "no feature alone ranks as the model"
    high: ClassVar[float] = 0.9
    margin: ClassVar[float] = 0.01

    def ask(self, question: Question) -> Finding:
        """Compare the AUC of each feature alone with the model's."""
        if (finding := too_few(self, question.test)) is not None:
            return finding
        test, names = question.test, question.table.names
        of_model = auc(test.labels, test.raw)
        alone = {name: auc_alone(test.labels, question.table.values[test.rows, i]) for i, name in enumerate(names)}
        best = max(alone, key=lambda name: alone[name])
        figures = {"auc": of_model, "features": alone, "high": self.high, "margin": self.margin}
        suspects = [name for name in names if of_model > self.high and alone[name] >= of_model - self.margin]
        if suspects:
            listed = ", ".join(f"{name} {alone[name]:.4f}" for name in suspects)
            reason = f"the AUC of a feature alone comes within {self.margin} of the model's {of_model:.4f}: {listed}"
            return warned(self, reason, **figures)
        reason = (
            f"of {len(alone)} features the best alone is {best}, AUC {alone[best]:.4f}; the model's is {of_model:.4f}"
        )
        return found(self, passes=True, reason=reason, **figures)


def auc_alone(labels: NDArray[np.int8], values: NDArray[np.float64]) -> float:
    """Return the AUC of one feature, read whichever way it ranks best: never below one half.

    Missing values are one tie at the top or at the bottom. That a value is missing can itself be the leak, as where
    a field is filled in only for what was investigated.

    Parameters
    ----------
    labels : shape (n,), 0 or 1, both present
    values : shape (n,), NaN where missing

    Examples
    --------
    >>> labels = np.array([0, 0, 1, 1], dtype=np.int8)
    >>> auc_alone(labels, np.array([4.0, 3.0, 2.0, 1.0])), auc_alone(labels, np.array([3.0, 4.0, 3.5, np.nan]))
    (1.0, 0.75)
    """
    areas = [auc(labels, np.where(np.isnan(values), end, values)) for end in (-np.inf, np.inf)]
    return max(max(area, 1.0 - area) for area in areas)


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
