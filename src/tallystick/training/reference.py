"""What monitoring compares later days with: how scores lay when the model was tested, and how often it was wrong."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

_BINS = 10


class Histogram(msgspec.Struct, frozen=True):
    """Counts of scores in bins of about equal size.

    Parameters
    ----------
    edges : inner edges, rising; bin i holds edges[i-1] < score <= edges[i], the first and last are open
    counts : one more than edges
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many scores were counted."""
        return sum(self.counts)


class BadRate(msgspec.Struct, frozen=True):
    """How often an allowed record turned out bad.

    Parameters
    ----------
    n_allowed : records the policy allowed
    n_bad : those of them that were reported when the data ended
    """

    n_allowed: int
    n_bad: int

    @property
    def rate(self) -> float:
        """The share of bad ones among the allowed, 0 where none was allowed."""
        return self.n_bad / self.n_allowed if self.n_allowed else 0.0


class Reference(msgspec.Struct, frozen=True):
    """What the test part was like under this model and its policy.

    Parameters
    ----------
    start, end : the test part's instants, start <= time < end
    scores : calibrated scores of its matured rows
    bad : allowed and bad
    """

    start: int
    end: int
    scores: Histogram
    bad: BadRate


def histogram(scores: NDArray[np.float64], *, bins: int = _BINS) -> Histogram:
    """Count scores in bins whose edges are their quantiles; equal edges are one.

    Parameters
    ----------
    scores : shape (n,), n >= 1
    bins : how many, at most; fewer where scores are equal

    Examples
    --------
    >>> histogram(np.array([0.1, 0.2, 0.3, 0.4]), bins=2)
    Histogram(edges=(0.2,), counts=(2, 2))
    """
    quantiles = np.quantile(scores, np.arange(1, bins) / bins, method="inverted_cdf")
    edges = np.unique(quantiles[quantiles < scores.max()])
    return Histogram(tuple(edges.tolist()), counts(scores, edges.tolist()))


def counts(scores: NDArray[np.float64], edges: Sequence[float]) -> tuple[int, ...]:
    """Count scores in given bins.

    Parameters
    ----------
    scores : shape (n,)
    edges : inner edges, rising, as a histogram's

    Examples
    --------
    >>> counts(np.array([0.1, 0.2, 0.9]), [0.2])
    (2, 1)
    """
    place = np.searchsorted(np.asarray(edges, dtype=np.float64), scores, side="left")
    return tuple(np.bincount(place, minlength=len(edges) + 1).tolist())


def bad_rate(is_allowed: NDArray[np.bool_], labels: NDArray[np.int8]) -> BadRate:
    """Count the allowed, and the bad among them.

    Parameters
    ----------
    is_allowed : shape (n,), what the policy allowed
    labels : of the same rows, 0 or 1

    Examples
    --------
    >>> bad_rate(np.array([True, True, False]), np.array([0, 1, 1], dtype=np.int8)).rate
    0.5
    """
    return BadRate(int(is_allowed.sum()), int((is_allowed & (labels == 1)).sum()))
