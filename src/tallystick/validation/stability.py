"""V3xx: whether the world the model is tested in is the one it learnt from."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.training.libraries import need
from tallystick.training.reference import counts, histogram
from tallystick.validation.check import Question, found, not_applicable
from tallystick.validation.finding import Finding

LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class Shift:
    """How far two samples of one quantity lie apart.

    Parameters
    ----------
    psi : population stability index
    bins : how many bins it was counted in
    critical : the largest index that chance and a tolerated shift explain at this size of samples
    p_value : probability of an index at least as large, were the true one the tolerated
    by_chance : probability of an index at least as large, were there no shift at all
    """

    psi: float
    bins: int
    critical: float
    p_value: float
    by_chance: float


class ScoresLieAlike:
    """Ask whether scores of the test part are distributed as those of the rows the model learnt from.

    Fails when the index is larger than chance explains even if the true one were 0.1.
    """

    code: ClassVar[str] = "V301"
    title: ClassVar[str] = "PSI of the score between fit and test"
    tolerated: ClassVar[float] = 0.1

    def ask(self, question: Question) -> Finding:
        """Compare the two distributions of scores."""
        seen = shift(question.fit.scores, question.test.scores, tolerated=self.tolerated)
        if seen is None:
            return not_applicable(self, "the model gives every row it learnt from the same score")
        n, m = len(question.fit.scores), len(question.test.scores)
        reason = (
            f"PSI {seen.psi:.4f} in {seen.bins} bins between {n} and {m} rows; "
            f"up to {seen.critical:.4f} is explained by chance and a tolerated {self.tolerated}"
        )
        figures = {"psi": seen.psi, "bins": seen.bins, "critical": seen.critical, "p_value": seen.p_value}
        passes = seen.psi <= seen.critical
        return found(self, passes=passes, reason=reason, **figures, by_chance=seen.by_chance, tolerated=self.tolerated)


class FeaturesLieAlike:
    """Ask whether each feature is distributed in the test part as in the rows the model learnt from.

    Missing values are a bin of their own. Fails for the features whose index is larger than chance explains even if
    the true one were 0.25, with Holm's correction: the probability that any sound feature fails is at most 1 %.

    References
    ----------
    S. Holm (1979), "A Simple Sequentially Rejective Multiple Test Procedure", *Scandinavian Journal of Statistics* 6.
    """

    code: ClassVar[str] = "V302"
    title: ClassVar[str] = "PSI of every feature between fit and test"
    tolerated: ClassVar[float] = 0.25

    def ask(self, question: Question) -> Finding:
        """Compare the two distributions of every feature."""
        values, fit, test = question.table.values, question.fit.rows, question.test.rows
        seen = {
            name: shift(values[fit, place], values[test, place], tolerated=self.tolerated)
            for place, name in enumerate(question.table.names)
        }
        varying = {name: found_shift for name, found_shift in seen.items() if found_shift is not None}
        if not varying:
            return not_applicable(self, "no feature varies among the rows the model learnt from")
        moved = holm({name: each.p_value for name, each in varying.items()}, level=LEVEL)
        furthest = max(varying, key=lambda name: varying[name].psi)
        reason = (
            f"{len(varying)} features, the largest PSI {varying[furthest].psi:.4f} ({furthest}); "
            f"{self.tolerated} is tolerated"
        )
        if moved:
            reason = "; ".join(
                f"{n}: PSI {varying[n].psi:.4f}, explained up to {varying[n].critical:.4f}" for n in moved
            )
        figures = {n: {"psi": s.psi, "critical": s.critical, "p_value": s.p_value} for n, s in varying.items()}
        return found(self, passes=not moved, reason=reason, features=figures, tolerated=self.tolerated)


def shift(before: NDArray[np.float64], after: NDArray[np.float64], *, tolerated: float) -> Shift | None:
    """Compare two samples in bins that hold equal shares of the first; None where the first never varies.

    Without any shift, PSI / (1/n + 1/m) has a chi-squared distribution with bins - 1 degrees of freedom; with a
    true index of T, about a non-central one whose centre is moved by T / (1/n + 1/m). So the critical value knows
    both sample sizes: 0.1 of a hundred rows is nothing, and 0.01 of a million is real but tolerated. Half a count
    is added to each bin, so that an empty one is no infinity.

    Parameters
    ----------
    before : shape (n,), the sample that bins are cut from; NaN where missing
    after : shape (m,), the sample compared with it
    tolerated : the largest index that does not count as a shift

    References
    ----------
    B. Yurdakul and J. Naranjo (2020), "Statistical properties of the population stability index", *Journal of Risk
    Model Validation* 14 (the chi-squared distribution).
    "Population Resemblance Statistic", arXiv 2307.11878 (a test of worse than tolerable, non-central chi-squared).

    Examples
    --------
    At 100 rows an index above 0.1 is what chance alone explains.

    >>> rng = np.random.default_rng(0)
    >>> seen = shift(rng.normal(size=5_000), rng.normal(size=100), tolerated=0.0)
    >>> bool(seen.psi > 0.1), bool(seen.psi < seen.critical)
    (True, True)
    """
    binned = _binned(before, after)
    if binned is None:
        return None
    old, new = (np.array(c, dtype=np.float64) + 0.5 for c in binned)
    old, new = old / old.sum(), new / new.sum()
    psi = float(((new - old) * np.log(new / old)).sum())
    noise, freedom = 1.0 / len(before) + 1.0 / len(after), len(old) - 1
    stats = need("scipy.stats")
    return Shift(
        psi=psi,
        bins=len(old),
        critical=noise * float(stats.ncx2.ppf(1.0 - LEVEL, freedom, tolerated / noise)),
        p_value=float(stats.ncx2.sf(psi / noise, freedom, tolerated / noise)),
        by_chance=float(stats.chi2.sf(psi / noise, freedom)),
    )


def holm(p_values: dict[str, float], *, level: float) -> list[str]:
    """Return the names that Holm's procedure rejects, the least likely first.

    Parameters
    ----------
    p_values : of each test, by name
    level : the probability that any true hypothesis is rejected

    Examples
    --------
    >>> holm({"a": 0.001, "b": 0.02, "c": 0.04}, level=0.05)
    ['a', 'b', 'c']
    >>> holm({"a": 0.03, "b": 0.04}, level=0.05)
    []
    """
    rejected: list[str] = []
    for name, p_value in sorted(p_values.items(), key=lambda item: item[1]):
        # Step by step: behind the first that chance explains, all others are explained too.
        if p_value > level / (len(p_values) - len(rejected)):
            break
        rejected.append(name)
    return rejected


def _binned(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    known = [sample[~np.isnan(sample)] for sample in (before, after)]
    if not len(known[0]) or not len(after):
        return None
    # Bins are cut by the first sample alone: cut by both, they would move with the shift they are to show.
    edges = histogram(known[0]).edges
    missing = [len(sample) - len(there) for sample, there in zip((before, after), known, strict=True)]
    if not edges and not any(missing):
        return None
    old, new = (counts(there, edges) for there in known)
    return ((*old, missing[0]), (*new, missing[1])) if any(missing) else (old, new)
