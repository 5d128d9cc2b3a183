"""The proof that a model file scores as the framework that fitted it, by the strictest standard its family can hold."""

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.scoring.forest import Forest, Places

Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]

_ROWS_AT_ONCE = 10_000  # leaves of all trees are held for so many rows


class Parity(msgspec.Struct, frozen=True):
    """How a model file's raw scores compare with the framework's.

    Parameters
    ----------
    standard : bits, every raw score has the framework's bits; difference, it lies no further from it than allowed;
        leaves, every row reaches the framework's own leaf in every tree, and the framework, which adds leaves in
        float32, lies no further from their sum in double than rounding can carry it
    n_rows : how many rows were scored by both
    n_equal : rows on which both agree bit for bit; under ``leaves``, in all their leaves and in the sum of these
    largest : the largest absolute difference of two raw scores
    allowed : the largest difference that is no refusal; under ``leaves``, the largest bound of all rows
    """

    standard: Literal["bits", "difference", "leaves"]
    n_rows: int
    n_equal: int
    largest: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the file is the model that was fitted."""
        return self.largest <= self.allowed and (self.standard == "difference" or self.n_equal == self.n_rows)

    @property
    def sentence(self) -> str:
        """What was compared and found, in words."""
        if self.standard == "leaves":
            return (
                f"{self.n_equal} of {self.n_rows} rows reach the framework's leaf in every tree, and its float32 sums "
                f"differ from the double ones by {self.largest:.3g} at most, {self.allowed:.3g} is the bound"
            )
        demanded = "no difference" if self.standard == "bits" else f"{self.allowed:.0e}"
        return (
            f"{self.n_equal} of {self.n_rows} raw scores are equal bit for bit, the largest difference is "
            f"{self.largest:.3g}, {demanded} is allowed"
        )


def compare(raw: Doubles, theirs: Doubles, *, allowed: float) -> Parity:
    """Compare raw scores one by one.

    Parameters
    ----------
    raw : shape (n,), the model file's
    theirs : shape (n,), the framework's of the same rows
    allowed : the largest difference that is no refusal; 0 demands equal bits

    Examples
    --------
    >>> compare(np.array([1.0, 2.0]), np.array([1.0, 2.5]), allowed=0.0).holds
    False
    """
    standard: Literal["bits", "difference"] = "difference" if allowed else "bits"
    largest = float(np.abs(raw - theirs).max())
    return Parity(standard, len(raw), int((raw == theirs).sum()), largest, allowed)


def by_leaves(
    forest: Forest, features: Doubles, raw: Doubles, ask: Callable[[Doubles], tuple[Places, Singles]]
) -> Parity:
    """Compare a forest with a framework that adds its leaves in float32.

    Such a raw score has too few digits to hold a double to. So the raw score is defined as the sum of the framework's
    leaves in double, in the order of the trees, and two things are proven of every row: in every tree it reaches the
    leaf that the framework says, and the framework's own sum is this one but for rounding. A sum of n numbers, rounded
    at each of its n - 1 additions, is at most (n - 1) u (sum of their sizes) off, whatever their order; u is 2**-24 in
    float32 and 2**-53 in double.

    Parameters
    ----------
    forest : as read from the model file
    features : shape [n, k], rows that passed the model's boundary
    raw : shape (n,), the model file's raw scores of them
    ask : returns, for some of these rows, the framework's leaves as numbered in the forest, shape [m, n_trees], and
        its own raw scores, shape (m,)

    References
    ----------
    S. Rump (2012), "Error estimation of floating-point summation and dot product", *BIT Numerical Mathematics* 52,
    201-220.
    """
    n_equal, largest, allowed = 0, 0.0, 0.0
    unit = (len(forest.roots) - 1) * (2.0**-24 + 2.0**-53)
    sizes = np.abs(forest.weights)
    for start in range(0, len(features), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        leaves, sums = ask(features[part])
        indices = forest.leaf_indices(features[part])
        away = np.abs(raw[part] - sums.astype(np.float64))
        bound = unit * sizes[indices].sum(axis=1)
        is_equal = (leaves == indices).all(axis=1) & (forest.sums(indices) == raw[part]) & (away <= bound)
        n_equal += int(is_equal.sum())
        largest, allowed = max(largest, float(away.max())), max(allowed, float(bound.max()))
    return Parity("leaves", len(features), n_equal, largest, allowed)
