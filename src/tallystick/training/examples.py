"""Rows that try a model: what a bundle's self-test is made of, so that releasing needs no data."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.data.records import FixedPoint
from tallystick.training.example import Example

N_EXAMPLES = 32


def examples(
    features: ArrayLike, columns: Mapping[str, FixedPoint], places: NDArray[np.int64], needed: Sequence[str]
) -> tuple[Example, ...]:
    """Return rows as examples.

    Parameters
    ----------
    features : shape [n, k], missing as NaN
    columns : whole numbers of records of the spine, by field
    places : of the same rows in these columns
    needed : the fields whose values an example has: those that the policy's costs need
    """
    rows = np.asarray(features, dtype=np.float64)
    return tuple(
        Example(
            tuple(None if np.isnan(value) else value for value in row.tolist()),
            {name: None if columns[name].missing[place] else int(columns[name].values[place]) for name in needed},
        )
        for row, place in zip(rows, places.tolist(), strict=True)
    )


def choose(features: ArrayLike, scores: ArrayLike, *, n: int = N_EXAMPLES) -> NDArray[np.int64]:
    """Choose rows that try a model: the whole range of scores, and rows with the most missing values.

    Parameters
    ----------
    features : shape [n_rows, k]
    scores : shape [n_rows]
    n : at most so many

    Returns
    -------
    places of at most ``n`` different rows, rising; the same for the same input

    Examples
    --------
    >>> choose([[0.0], [1.0], [float("nan")], [3.0]], [0.1, 0.4, 0.2, 0.3], n=3).tolist()
    [0, 1, 2]
    """
    rows, given = np.asarray(features, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    by_score = np.argsort(given, kind="stable")
    spread = by_score[np.linspace(0, len(given) - 1, num=min(len(given), n - n // 4)).astype(np.int64)]
    others = np.setdiff1d(np.arange(len(given)), spread)
    emptiest = others[np.argsort(-np.isnan(rows[others]).sum(axis=1), kind="stable")]
    spread = np.unique(spread)
    return np.sort(np.concatenate([spread, emptiest[: n - len(spread)]]))
