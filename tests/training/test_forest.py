"""One walk for every framework's trees, and one comparison for every framework's splits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.scoring.boundary import cast
from tallystick.training.forest import Split, below, grow

singles = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(singles, singles)
def test_below_says_at_most_where_a_framework_says_less(value: float, threshold: float) -> None:
    """Of any two float32, ``x <= below(t)`` is ``x < t``."""
    assert (value <= below(threshold)) == (value < threshold)


@pytest.mark.parametrize("end", [-np.inf, np.inf])
@given(threshold=singles)
def test_below_is_right_one_bit_either_way(end: float, threshold: float) -> None:
    """On the threshold itself and on its neighbours among float32, zeros of both signs included."""
    with np.errstate(over="ignore"):
        neighbour = float(cast(np.nextafter(np.float32(threshold), np.float32(end))))

    for value in (threshold, -0.0 if threshold == 0.0 else threshold, neighbour):
        assert (value <= below(threshold)) == (value < threshold)


def test_below_stays_finite() -> None:
    """Nothing lies below the lowest float32, and a threshold of infinity lets every finite value pass."""
    largest = float(np.finfo(np.float32).max)

    assert below(-largest) == -float(np.finfo(np.float64).max)
    assert below(float("inf")) == largest


def test_a_deep_tree_needs_no_recursion() -> None:
    """A tree of five thousand splits in a row becomes a forest."""
    n = 5_000

    def describe(node: int) -> Split | float:
        return Split(0, float(node), False, -node - 1, node + 1) if 0 <= node < n else float(node)

    forest, origins = grow([0], describe)

    forest.check()
    assert len(forest.split) == n
    assert forest.weights.tolist() == [float(origin) for origin in origins]


def test_leaves_are_numbered_as_the_walk_meets_them() -> None:
    """Trees in order, the true side first; a constant is a tree whose one leaf counts like any other."""
    nodes: dict[str, Any] = {
        "base": 0.25, "a": Split(1, 0.5, True, "b", "low"), "b": Split(0, 1.5, False, "mid", "high"),
        "low": -1.0, "mid": 0.5, "high": 2.0,
    }  # fmt: skip

    forest, origins = grow(["base", "a"], nodes.__getitem__)

    forest.check()
    assert origins == ["base", "mid", "high", "low"]
    assert forest.weights.tolist() == [0.25, 0.5, 2.0, -1.0]
    indices = forest.leaf_indices(np.array([[1.0, np.nan], [2.0, 0.5], [0.0, 0.75], [np.nan, 0.0]]))
    assert indices.tolist() == [[0, 1], [0, 2], [0, 3], [0, 2]]
    assert forest.sums(indices).tolist() == [0.75, 2.25, -0.75, 2.25]
