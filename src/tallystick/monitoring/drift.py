"""Whether scores are spread as they were when the bundle was made: PSI that knows how many scores it compares."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tallystick.errors import HistogramUnfit
from tallystick.monitoring import chi_square

SMOOTHING = 0.5  # a count added to every bin: an empty one would make PSI infinite


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of scores between edges.

    Parameters
    ----------
    edges : strictly rising inner edges; a score equal to an edge falls in the bin below it, as in a bundle's reference
    counts : one more than edges, the outermost bins reach to infinity

    Raises
    ------
    HistogramUnfit
        If there is not one count more than edges, the edges do not rise, or a count is negative.

    Examples
    --------
    >>> Histogram.of(np.array([0.1, 0.2, 0.7]), edges=(0.2, 0.5)).counts
    (2, 0, 1)
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        rise = all(low < high for low, high in zip(self.edges, self.edges[1:], strict=False))
        if len(self.counts) != len(self.edges) + 1 or not rise or min(self.counts) < 0:
            raise HistogramUnfit(self.edges, self.counts)

    @property
    def n(self) -> int:
        """How many scores were counted."""
        return sum(self.counts)

    @classmethod
    def of(cls, scores: NDArray[np.float64], edges: tuple[float, ...]) -> Self:
        """Return the histogram of some scores over given inner edges.

        Parameters
        ----------
        scores : shape (n,)
        edges : strictly rising inner edges
        """
        bins = np.searchsorted(np.array(edges), scores, side="left")
        return cls(edges, tuple(np.bincount(bins, minlength=len(edges) + 1).tolist()))

    @classmethod
    def by_quantiles(cls, scores: NDArray[np.float64], bins: int = 10) -> Self:
        """Return the histogram of some scores over their own quantiles, fewer bins where scores repeat.

        Parameters
        ----------
        scores : shape (n,), one at least
        bins : how many, where no scores are equal
        """
        inner = np.quantile(scores, np.arange(1, bins) / bins, method="inverted_cdf")
        edges = tuple(edge for edge in np.unique(inner).tolist() if edge < scores.max())
        return cls.of(scores, edges)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far scores have moved, and how far chance alone could have moved them.

    Parameters
    ----------
    psi : population stability index between reference and current scores
    critical : PSI that chance alone exceeds with probability ``significance`` at these sample sizes
    floor : PSI too small to care about, however certain. Normal scores that move by d standard deviations have a
        PSI of about d squared: 0.05 is a move by 0.22
    p_value : probability of a PSI at least as large by chance alone
    n_reference, n_current : scores compared
    """

    psi: float
    critical: float
    floor: float
    p_value: float
    n_reference: int
    n_current: int

    @property
    def is_drifted(self) -> bool:
        """Whether the move is larger than chance explains, and large enough to matter."""
        return self.psi > max(self.critical, self.floor)


def score_drift(
    reference: Histogram, scores: NDArray[np.float64], *, significance: float = 0.001, floor: float = 0.05
) -> Drift | None:
    r"""Return how far scores have moved from a reference, or ``None`` where there is nothing to compare.

    With shares :math:`p_i` of the reference and :math:`q_i` now, half a count added to every bin, PSI is
    :math:`\sum_i (p_i - q_i) \ln (p_i / q_i)`. Without any change, PSI divided by :math:`1/n + 1/m` is nearly
    chi-square with one degree of freedom less than there are bins; the usual limits 0.1 and 0.25 ignore both
    sample sizes. Scores of one customer resemble each other, so the true chance is larger than the stated one:
    drift explains an alarm and never raises one.

    Parameters
    ----------
    reference : scores as they were
    scores : shape (n,), as they are now
    significance : probability of calling chance a drift
    floor : index too small to care about

    References
    ----------
    B. Yurdakul, J. Naranjo (2020), "Statistical properties of the population stability index", *Journal of Risk
    Model Validation* 14 (4).

    Examples
    --------
    >>> draws = np.random.default_rng(1)
    >>> reference = Histogram.by_quantiles(draws.random(5_000))
    >>> score_drift(reference, draws.random(2_000)).is_drifted
    False
    >>> score_drift(reference, draws.random(2_000) ** 2).is_drifted
    True
    """
    degrees, n, m = len(reference.counts) - 1, reference.n, len(scores)
    if degrees < 1 or not n or not m:
        return None
    moved = _psi(_shares(reference), _shares(Histogram.of(scores, reference.edges)))
    scale = 1 / n + 1 / m
    return Drift(
        psi=moved,
        critical=chi_square.quantile(significance, degrees) * scale,
        floor=floor,
        p_value=chi_square.tail(moved / scale, degrees),
        n_reference=n,
        n_current=m,
    )


def _psi(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return float(np.sum((p - q) * np.log(p / q)))


def _shares(histogram: Histogram) -> NDArray[np.float64]:
    counts = np.array(histogram.counts) + SMOOTHING
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares
