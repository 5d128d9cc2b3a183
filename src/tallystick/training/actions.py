"""What a policy would have done with some judged rows: counted by action, for whoever is to approve it."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.definitions.policies import ACTIONS, Action, Policy
from tallystick.scoring.policy import Values, actions, costs
from tallystick.training.record import ActionRecord


def action_records(
    policy: Policy, scores: ArrayLike, labels: NDArray[np.int8], values: Values
) -> tuple[ActionRecord, ...]:
    """Count rows by what the policy does with them.

    Parameters
    ----------
    policy : what is done with a score
    scores : shape (n,): calibrated
    labels : shape (n,): 1 where a row turned out bad
    values : the rows' numbers in their units, as costs need them

    Examples
    --------
    >>> from tallystick.definitions.policies import above
    >>> [(made.action, made.n_rows, made.n_bad) for made in
    ...  action_records(Policy(decline=above(0.5)), [0.1, 0.6, 0.9], np.array([0, 0, 1], np.int8), {})]
    [('approve', 1, 0), ('refer', 0, 0), ('decline', 2, 1)]
    """
    done, amounts = actions(policy, scores, values), costs(policy, values, len(labels))
    return tuple(_record(action, done == action, labels == 1, amounts) for action in ACTIONS)


def _record(
    action: Action, is_done: NDArray[np.bool_], is_bad: NDArray[np.bool_], amounts: NDArray[np.float64] | None
) -> ActionRecord:
    both = is_done & is_bad
    sums = (None, None) if amounts is None else (_sum(amounts[is_done]), _sum(amounts[both]))
    return ActionRecord(action, int(is_done.sum()), int(both.sum()), *sums)


def _sum(amounts: NDArray[np.float64]) -> float:
    # Rounded once at the end, so that it does not depend on the order of the rows.
    return math.fsum(amounts[~np.isnan(amounts)].tolist())
