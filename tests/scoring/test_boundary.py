"""What the boundary promises: float32 once, and the same number however often it is crossed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tallystick.scoring.boundary import cast


@given(st.lists(st.floats()))
def test_crossing_twice_changes_nothing(values: list[float]) -> None:
    """A value that passed once passes again with the same bits."""
    once = cast(values)

    assert cast(once).tobytes() == once.tobytes()


@given(st.lists(st.floats(-1e38, 1e38)))
def test_a_usual_number_becomes_the_nearest_float32(values: list[float]) -> None:
    """Within range, crossing is the rounding of float32."""
    np.testing.assert_array_equal(cast(values), np.array(values, dtype=np.float32).astype(np.float64))


@given(st.lists(st.floats()))
def test_nothing_becomes_infinite_and_only_missing_is_missing(values: list[float]) -> None:
    """No infinity leaves, and NaN leaves exactly where it entered."""
    found = cast(values)

    assert not np.isinf(found).any()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
