"""How good a ranking, and how honest a probability, was: the numbers a search and the checks look at."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.errors import MetricUndefined


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve: how often a flagged record scores above another; ties count half.

    Parameters
    ----------
    labels : shape (n,), 0 or 1, both present
    scores : shape (n,), higher is riskier; raw scores and probabilities rank alike

    Raises
    ------
    MetricUndefined
        If the labels are all equal.

    References
    ----------
    J. Hanley and B. McNeil (1982), "The Meaning and Use of the Area under a Receiver Operating Characteristic
    (ROC) Curve", *Radiology* 143, 29-36.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    known, values = _pair("auc", labels, scores)
    n_positives = int(known.sum())
    n_negatives = len(known) - n_positives
    # Twice the midrank is a whole number, so the sum is exact however many rows there are.
    doubled = int(doubled_midranks(values)[known].sum())
    return (doubled - n_positives * (n_positives + 1)) / (2 * n_positives * n_negatives)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean precision over the flagged records, going down the ranking; equal scores go together.

    Parameters
    ----------
    labels : shape (n,), 0 or 1, both present
    scores : shape (n,), higher is riskier; raw scores and probabilities rank alike

    Raises
    ------
    MetricUndefined
        If the labels are all equal.

    References
    ----------
    M. Zhu (2004), "Recall, Precision and Average Precision", University of Waterloo, working paper 2004-09.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return mean_precision(*_pair("average_precision", labels, scores))


def mean_precision(bad: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision of records that are bad in part: precision at every score, weighted by what it adds.

    Parameters
    ----------
    bad : shape (n,), 1 for bad and 0 for good, or a probability between them where that is all that is known; some of
        it must be above zero
    scores : shape (n,), higher is riskier; equal ones enter together, so that no order among ties matters

    Examples
    --------
    >>> mean_precision([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1])
    0.8333333333333333
    """
    weights, values = np.asarray(bad, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    found = np.cumsum(weights[order])[last]
    gained = np.diff(found, prepend=0.0)
    return float((gained * (found / (last + 1))).sum() / found[-1])


def brier(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean squared distance of a probability from what happened, 0 (best) to 1.

    Parameters
    ----------
    labels : shape (n,), 0 or 1
    scores : shape (n,), probabilities

    References
    ----------
    G. Brier (1950), "Verification of Forecasts Expressed in Terms of Probability", *Monthly Weather Review* 78, 1-3.

    Examples
    --------
    >>> round(brier([0, 1], [0.1, 0.8]), 4)
    0.025
    """
    distance = np.asarray(scores, dtype=np.float64) - np.asarray(labels, dtype=np.float64)
    return float(np.mean(distance**2))


def card_precision(
    days: ArrayLike, customers: ArrayLike, scores: ArrayLike, labels: ArrayLike, *, k: int = 100
) -> float:
    """Return what share of the k cards examined each day had a fraud that day, on average over the days.

    A card's score of a day is its highest. Cards found on an earlier day are not examined again. Equal scores
    are taken in order of the customer.

    Parameters
    ----------
    days, customers, scores, labels : shape (n,), one per payment
    k : cards that can be examined in a day

    References
    ----------
    Y. Le Borgne, W. Siblini, B. Lebichot, G. Bontempi (2022), *Reproducible Machine Learning for Credit Card Fraud
    Detection - Practical Handbook*, chapter 4.

    Examples
    --------
    >>> card_precision([1, 1, 1, 2, 2], ["a", "a", "b", "a", "b"], [0.9, 0.1, 0.5, 0.9, 0.8], [0, 1, 0, 1, 1], k=1)
    1.0
    """
    day, risk, known = np.asarray(days), np.asarray(scores, dtype=np.float64), np.asarray(labels) == 1
    card = np.unique(np.asarray(customers), return_inverse=True)[1]
    is_found = np.zeros(int(card.max(initial=-1)) + 1, dtype=np.bool_)
    shares = []
    for today in np.unique(day):
        rows = np.flatnonzero((day == today) & ~is_found[card])
        hits = _examined(card[rows], risk[rows], known[rows], k)
        is_found[hits] = True
        shares.append(len(hits) / k)
    return float(np.mean(shares))


def doubled_midranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return twice the rank of each value, counted from 1; equal values share the middle of their ranks.

    >>> doubled_midranks(np.array([0.3, 0.1, 0.3])).tolist()
    [5, 2, 5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((2 * last - counts + 1)[place], dtype=np.int64)


METRICS = {"auc": auc, "average_precision": average_precision}


def _examined(
    card: NDArray[np.int64], risk: NDArray[np.float64], known: NDArray[np.bool_], k: int
) -> NDArray[np.int64]:
    cards, place = np.unique(card, return_inverse=True)
    highest = np.full(len(cards), -np.inf)
    np.maximum.at(highest, place, risk)
    is_fraud = np.zeros(len(cards), dtype=np.bool_)
    is_fraud[place[known]] = True
    top = np.argsort(-highest, kind="stable")[:k]
    return np.asarray(cards[top][is_fraud[top]])


def _pair(metric: str, labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    known, values = np.asarray(labels) == 1, np.asarray(scores, dtype=np.float64)
    if not known.any() or known.all():
        raise MetricUndefined(metric, n_rows=len(known), n_positives=int(known.sum()))
    return known, values
