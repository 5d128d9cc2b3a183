"""What decisions cost, and how well scores rank: average precision, losses and precision of a mature cohort."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.monitoring.outcomes import Action, Cohort
from tallystick.training.metrics import mean_precision


@dataclass(frozen=True, slots=True)
class Risk:
    """What became of some mature decisions.

    A declined payment never happens, so nobody reports it as fraud. Where there is no report about a declined
    payment, its calibrated score stands in for the outcome; the fields named ``estimated`` contain such
    estimates and assume that scores are calibrated. A report about a declined payment (confirmed, or cleared)
    replaces the estimate. Referred payments count by their reports, like approved ones, but are never bad
    decisions.

    Parameters
    ----------
    n, n_approved, n_referred, n_declined : decisions
    n_bad : bad decisions: approved, and fraud reported within the maturity
    bad_rate : ``n_bad / n``, or ``None`` without decisions
    missed_cost : cost of the bad decisions, money
    estimated_false_alarm_cost : cost of declining what was no fraud, money
    estimated_precision : share of fraud among the declined, or ``None`` where nothing was declined
    average_precision : of the scores of payments that were not declined. Lower than in validation by
        construction, since the riskiest are missing. ``None`` without a reported fraud
    estimated_average_precision : the declined counted by their scores; comparable with validation
    """

    n: int
    n_approved: int
    n_referred: int
    n_declined: int
    n_bad: int
    bad_rate: float | None
    missed_cost: float
    estimated_false_alarm_cost: float
    estimated_precision: float | None
    average_precision: float | None
    estimated_average_precision: float | None


def risk(cohort: Cohort, *, false_alarm_cost: float, rows: NDArray[np.bool_] | None = None) -> Risk:
    """Return the risk of a cohort's decisions, or of some of its rows.

    Parameters
    ----------
    false_alarm_cost : money lost by stopping a payment that is no fraud
    rows : shape (n,), which decisions to count; all by default
    """
    chosen = np.ones(len(cohort.day), dtype=bool) if rows is None else rows
    action, score = cohort.decided.action[chosen], cohort.decided.score[chosen]
    bad, missed = cohort.is_bad[chosen], cohort.is_missed[chosen]
    declined = action == Action.DECLINE
    probable = np.where(declined & ~cohort.is_known[chosen], score, bad)
    n, n_declined = len(action), int(np.count_nonzero(declined))
    return Risk(
        n=n,
        n_approved=int(np.count_nonzero(action == Action.APPROVE)),
        n_referred=int(np.count_nonzero(action == Action.REFER)),
        n_declined=n_declined,
        n_bad=int(np.count_nonzero(missed)),
        bad_rate=float(np.mean(missed)) if n else None,
        missed_cost=float(cohort.decided.missed_cost[chosen][missed].sum()),
        estimated_false_alarm_cost=float((1 - probable[declined]).sum() * false_alarm_cost),
        estimated_precision=float(probable[declined].mean()) if n_declined else None,
        average_precision=average_precision(bad[~declined], score[~declined]),
        estimated_average_precision=average_precision(probable, score),
    )


def average_precision(bad: NDArray[np.bool_] | NDArray[np.float64], score: NDArray[np.float64]) -> float | None:
    r"""Return the average precision of scores: precision at every threshold, weighted by the recall it adds.

    .. math:: \sum_k (R_k - R_{k-1}) P_k

    over the distinct scores, from the highest. Equal scores enter together, so no order among ties matters.

    Parameters
    ----------
    bad : shape (n,), 1 for bad and 0 for good, or a probability between them where the outcome is not known
    score : shape (n,), higher is riskier

    Returns
    -------
    in [0, 1], or ``None`` where nothing is bad: there is no answer then

    References
    ----------
    scikit-learn user guide, "Precision, recall and F-measures": the same definition and treatment of ties.

    Examples
    --------
    >>> average_precision(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.8, 0.1]))
    0.8333333333333333
    """
    return mean_precision(bad, score) if len(bad) and bad.sum() > 0 else None
