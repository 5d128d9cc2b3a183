"""What a proof of parity accepts, and what it does not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallystick.scoring.forest import Forest, Places
from tallystick.training.forest import Split, grow
from tallystick.training.parity import by_leaves, compare

ROWS = np.array([[0.0], [1.0], [np.nan]])


def forest() -> Forest:
    """Return two trees of two leaves with values that float32 cannot add exactly."""
    nodes: dict[str, Any] = {
        "a": Split(0, 0.5, True, "low", "high"), "low": float(np.float32(0.1)), "high": float(np.float32(0.7)),
        "b": Split(0, 0.5, False, "low", "high"),
    }  # fmt: skip
    return grow(["a", "b"], nodes.__getitem__)[0]


def ask(rows: np.ndarray) -> tuple[Places, np.ndarray]:
    """Answer as a framework that adds leaves in float32."""
    leaves = forest().leaf_indices(rows)
    values = forest().weights.astype(np.float32)[leaves]
    return leaves, values[:, 0] + values[:, 1]


def test_leaves_and_a_rounded_sum_are_a_proof() -> None:
    """Equal leaves, their sum in double, and a float32 sum within its rounding hold."""
    raw = forest().sums(forest().leaf_indices(ROWS))

    found = by_leaves(forest(), ROWS, raw, ask)

    assert found.holds
    assert (found.standard, found.n_rows, found.n_equal) == ("leaves", 3, 3)
    assert 0.0 < found.largest <= found.allowed < 1e-7


def test_another_leaf_is_no_proof() -> None:
    """A row that the framework sends elsewhere is counted, even where both leaves hold the same number."""
    raw = forest().sums(forest().leaf_indices(ROWS))

    def elsewhere(rows: np.ndarray) -> tuple[Places, np.ndarray]:
        leaves, sums = ask(rows)
        return np.where(leaves == 2, 0, leaves), sums  # leaves 0 and 2 are equal

    found = by_leaves(forest(), ROWS, raw, elsewhere)

    assert not found.holds
    assert found.n_equal == 2


def test_one_bit_of_the_sum_is_no_proof() -> None:
    """A raw score one bit beside the sum of its leaves is counted."""
    raw = forest().sums(forest().leaf_indices(ROWS))
    raw[1] = np.nextafter(raw[1], 9.0)

    assert not by_leaves(forest(), ROWS, raw, ask).holds


def test_a_sum_beyond_rounding_is_no_proof() -> None:
    """Leaves whose values are not the framework's show in its sum."""
    other = replace(forest(), weights=forest().weights * (1 + 1e-6))
    raw = other.sums(other.leaf_indices(ROWS))

    found = by_leaves(other, ROWS, raw, ask)

    assert not found.holds
    assert found.largest > found.allowed


@pytest.mark.parametrize(("allowed", "holds"), [(0.0, False), (1e-9, True), (1e-13, False)])
def test_a_difference_is_held_to_what_is_allowed(allowed: float, holds: bool) -> None:
    """Nothing allowed demands equal bits; otherwise the largest difference decides."""
    theirs = np.array([0.5, 1.0])

    found = compare(np.add(theirs, [0.0, 1e-12]), theirs, allowed=allowed)

    assert (found.holds, found.n_equal) == (holds, 1)


def test_a_missing_raw_score_is_no_proof() -> None:
    """A framework that answers with no number proves nothing."""
    assert not compare(np.array([1.0]), np.array([np.nan]), allowed=1.0).holds
