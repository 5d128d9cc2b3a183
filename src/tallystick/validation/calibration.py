"""V2xx: whether a score of 0.2 means that one in five is flagged."""

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.training.libraries import need
from tallystick.training.metrics import brier
from tallystick.validation.check import Question, found, too_few
from tallystick.validation.discrimination import ONE_SIDED_99
from tallystick.validation.finding import Finding


class BeatsTheConstant:
    """Ask whether the score's squared error on the test part is below that of one constant for all.

    The constant is the share of flagged rows the model learnt from: the best forecast that needs no model. Fails
    unless the one-sided 99 % lower bound of the mean gain per row is above zero.

    References
    ----------
    G. Brier (1950), "Verification of Forecasts Expressed in Terms of Probability", *Monthly Weather Review* 78, 1-3.
    F. Diebold and R. Mariano (1995), "Comparing Predictive Accuracy", *Journal of Business & Economic Statistics* 13.
    """

    code: ClassVar[str] = "V201"
    title: ClassVar[str] = "Brier score below the constant's"

    def ask(self, question: Question) -> Finding:
        """Compare the two errors, row by row."""
        if (finding := too_few(self, question.test)) is not None:
            return finding
        labels, scores = question.test.labels, question.test.scores
        trained_on = question.candidate.record.part("fit")
        constant = trained_on.n_positives / trained_on.n_rows
        gain = (constant - labels) ** 2 - (scores - labels) ** 2
        lower = float(gain.mean()) - ONE_SIDED_99 * float(gain.std(ddof=1)) / math.sqrt(len(gain))
        own, theirs = brier(labels, scores), brier(labels, np.full(len(labels), constant))
        skill = 1.0 - own / theirs
        reason = (
            f"Brier score {own:.6f} against {theirs:.6f} of the constant {constant:.4f}: {skill:.1%} better, "
            f"the gain per row at least {lower:.6f} with 99 % confidence"
        )
        figures = {"brier": own, "constant": constant, "brier_of_constant": theirs, "skill": skill, "lower": lower}
        return found(self, passes=lower > 0.0, reason=reason, **figures)


class MeansWhatItSays:
    """Ask whether flagged records are as many as the scores promise, overall and in bands of the score.

    The rows are cut into bands, by score, that each promise about the same number of flagged ones. A band fails
    when the exact interval of its observed rate (99 % over all bands together) lies wholly beyond a factor 1.5 of
    what its scores promise. So neither chance in a thin band, nor a tiny deviation that a million rows make
    significant, is a failure; a score that is wrong enough to move money is.

    References
    ----------
    C. Clopper and E. Pearson (1934), "The Use of Confidence or Fiducial Limits", *Biometrika* 26, 404-413.
    D. Hosmer and S. Lemeshow (1980), "Goodness of Fit Tests for the Multiple Logistic Regression Model",
    *Communications in Statistics* 9, 1043-1069 (bands).
    """

    code: ClassVar[str] = "V202"
    title: ClassVar[str] = "as many flagged as the scores promise"

    tolerated: ClassVar[float] = 1.5
    most_bands: ClassVar[int] = 10
    predicted_by_band: ClassVar[int] = 20

    def ask(self, question: Question) -> Finding:
        """Compare promised and observed rates, overall and by band."""
        if (finding := too_few(self, question.test)) is not None:
            return finding
        labels, scores = question.test.labels, question.test.scores
        n_bands = int(np.clip(scores.sum() // self.predicted_by_band, 1, self.most_bands))
        place = bands(scores, n_bands)
        parts = [np.ones(len(labels), dtype=np.bool_)] + [place == band for band in range(n_bands) if n_bands > 1]
        table = [self._band(labels[part], scores[part], level=0.01 / len(parts)) for part in parts if part.any()]
        wrong = [band for band in table if not band["holds"]]
        overall, observed, predicted = table[0], int(labels.sum()), float(scores.sum())
        share = overall["observed"] / overall["predicted"]
        reason = f"{observed} flagged where the scores promise {predicted:.1f} ({share:.2f}x)"
        if not wrong:
            few = "too few for bands" if len(table) == 1 else f"{len(table) - 1} bands"
            reason += f", {few}; none is surely beyond a factor {self.tolerated} of its promise"
        for band in wrong[:3]:
            reason += (
                f"; of {band['n_rows']} rows that promise {band['predicted']:.4f}, {band['observed']:.4f} were flagged "
                f"({band['low']:.4f} to {band['high']:.4f})"
            )
        return found(self, passes=not wrong, reason=reason, bands=table, tolerated=self.tolerated)

    def _band(self, labels: NDArray[np.int8], scores: NDArray[np.float64], *, level: float) -> dict[str, Any]:
        low, high = exact_interval(int(labels.sum()), len(labels), level=level)
        predicted = float(scores.mean())
        return {
            "n_rows": len(labels),
            "predicted": predicted,
            "observed": float(labels.mean()),
            "low": low,
            "high": high,
            "holds": high >= predicted / self.tolerated and low <= predicted * self.tolerated,
        }


def bands(scores: NDArray[np.float64], n_bands: int) -> NDArray[np.int64]:
    """Return each row's band, from the lowest scores up; every band promises about as many flagged rows.

    Equal scores stay together.

    Parameters
    ----------
    scores : shape (n,), calibrated probabilities
    n_bands : how many, at most

    Examples
    --------
    >>> bands(np.array([0.1, 0.1, 0.2, 0.4]), 2).tolist()
    [0, 0, 0, 1]
    """
    order = np.argsort(scores, kind="stable")
    before = np.cumsum(scores[order]) - scores[order]
    place = np.minimum((before / float(scores.sum()) * n_bands).astype(np.int64), n_bands - 1)
    _, first, group = np.unique(scores[order], return_index=True, return_inverse=True)
    result = np.empty(len(scores), dtype=np.int64)
    result[order] = place[first][group]
    return result


def exact_interval(n_hits: int, n_rows: int, *, level: float) -> tuple[float, float]:
    """Return the interval of a rate that misses the true one with at most probability ``level``.

    Parameters
    ----------
    n_hits, n_rows : flagged rows, of how many
    level : the probability of missing the true rate, both sides together

    Examples
    --------
    >>> [round(bound, 3) for bound in exact_interval(0, 10, level=0.05)]
    [0.0, 0.308]
    """
    beta = need("scipy.stats").beta
    low = 0.0 if n_hits == 0 else float(beta.ppf(level / 2, n_hits, n_rows - n_hits + 1))
    high = 1.0 if n_hits == n_rows else float(beta.ppf(1 - level / 2, n_hits + 1, n_rows - n_hits))
    return low, high
