"""V1xx: whether the model ranks flagged records above others, beyond chance."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.training.metrics import auc, average_precision, doubled_midranks
from tallystick.validation.check import Question, found, too_few
from tallystick.validation.finding import Finding

ONE_SIDED_99 = 2.3263478740408408  # the 99 % point of the normal distribution


class RanksAboveChance:
    """Ask whether the area under the ROC curve on the test part lies above one half, beyond chance.

    Fails unless the one-sided 99 % lower bound, with DeLong's variance on the scale of log-odds, is above 0.5.

    References
    ----------
    E. DeLong, D. DeLong, D. Clarke-Pearson (1988), "Comparing the Areas under Two or More Correlated Receiver
    Operating Characteristic Curves", *Biometrics* 44, 837-845.
    X. Sun and W. Xu (2014), "Fast Implementation of DeLong's Algorithm", *IEEE Signal Processing Letters* 21.
    """

    code: ClassVar[str] = "V101"
    title: ClassVar[str] = "AUC above chance"

    def ask(self, question: Question) -> Finding:
        """Compare the lower bound with one half."""
        if (finding := too_few(self, question.test)) is not None:
            return finding
        labels, scores = question.test.labels, question.test.raw
        area = auc(labels, scores)
        lower = auc_lower(labels, scores)
        reason = f"AUC {area:.4f}, at least {lower:.4f} with 99 % confidence; chance is 0.5"
        return found(self, passes=lower > 0.5, reason=reason, auc=area, lower=lower, n_rows=len(labels))


class FindsMoreThanItsShare:
    """Ask whether average precision on the test part lies above the base rate, which a random ranking reaches.

    Fails unless the one-sided 99 % lower bound, on the scale of log-odds, is above the base rate.

    References
    ----------
    K. Boyd, K. Eng, C. Page (2013), "Area under the Precision-Recall Curve: Point Estimates and Confidence Intervals",
    *ECML PKDD*, 451-466 (the logit interval).
    """

    code: ClassVar[str] = "V102"
    title: ClassVar[str] = "average precision above the base rate"

    def ask(self, question: Question) -> Finding:
        """Compare the lower bound with the base rate."""
        if (finding := too_few(self, question.test)) is not None:
            return finding
        labels = question.test.labels
        value, base = average_precision(labels, question.test.raw), float(labels.mean())
        lower = average_precision_lower(value, int(labels.sum()))
        reason = (
            f"average precision {value:.4f}, at least {lower:.4f} with 99 % confidence; the base rate is {base:.4f}"
        )
        return found(self, passes=lower > base, reason=reason, average_precision=value, lower=lower, base_rate=base)


def auc_lower(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float:
    """Return the one-sided 99 % lower bound of the area under the ROC curve.

    DeLong's variance on the scale of log-odds; near 1 the plain interval is far too narrow. And never above what a
    perfect ranking would tell: were the true area A, the fewer kind's n rows, each paired with a row of its own of
    the other kind, would all rank right with probability A**n.

    Parameters
    ----------
    labels : shape (n,), 0 or 1, both present
    scores : shape (n,), higher is riskier

    References
    ----------
    X. Qin and L. Hotilovac (2008), "Comparison of non-parametric confidence intervals for the area under the ROC
    curve of a continuous-scale diagnostic test", *Statistical Methods in Medical Research* 17.

    Examples
    --------
    >>> labels = np.repeat([0, 1], [90, 10])
    >>> round(auc_lower(labels, labels.astype(np.float64)), 3)
    0.631
    """
    area, n1 = auc(labels, scores), int(labels.sum())
    perfect = math.exp(math.log(0.01) / min(n1, len(labels) - n1))
    if area >= 1.0 or area <= 0.0:
        return perfect if area >= 1.0 else 0.0
    spread = math.sqrt(auc_variance(labels, scores)) / (area * (1.0 - area))
    odds = math.log(area / (1.0 - area)) - ONE_SIDED_99 * spread
    return min(perfect, 1.0 / (1.0 + math.exp(-odds)))


def auc_variance(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float:
    """Return DeLong's variance of the area under the ROC curve.

    Parameters
    ----------
    labels : shape (n,), 0 or 1, at least two of each
    scores : shape (n,), higher is riskier

    Examples
    --------
    >>> auc_variance(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.125
    """
    known = labels == 1
    all_ranks, n1, n0 = doubled_midranks(scores) / 2, int(known.sum()), int((~known).sum())
    of_flagged = (all_ranks[known] - doubled_midranks(scores[known]) / 2) / n0
    of_others = 1.0 - (all_ranks[~known] - doubled_midranks(scores[~known]) / 2) / n1
    return float(of_flagged.var(ddof=1) / n1 + of_others.var(ddof=1) / n0)


def average_precision_lower(value: float, n_positives: int) -> float:
    """Return the one-sided 99 % lower bound of an average precision reached on so many flagged rows.

    A perfect ranking of few rows is doubted as one that is half a row away from it.

    Parameters
    ----------
    value : the average precision
    n_positives : flagged rows it was reached on

    Examples
    --------
    >>> round(average_precision_lower(0.6, 385), 3)
    0.541
    """
    value = min(value, 1.0 - 0.5 / n_positives)
    odds = math.log(value / (1.0 - value))
    spread = 1.0 / math.sqrt(n_positives * value * (1.0 - value))
    return 1.0 / (1.0 + math.exp(-(odds - ONE_SIDED_99 * spread)))
