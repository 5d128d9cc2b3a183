"""Compiled and plain, a function gives the same bits: there is one definition of each."""

import struct
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.features import columns, finalise
from tallystick.features.native import native
from tallystick.features.rowwise import OPERATIONS, PARTS, decimal

whole = st.integers(-(2**62), 2**62)
scales = st.sampled_from([1.0, 100.0, 1e9])
MEAN, TOTAL = native(finalise.mean), native(finalise.total)


def same(left: float, right: float) -> bool:
    """Return whether two doubles have the same bits, every NaN being the same."""
    return struct.pack("d", left) == struct.pack("d", right) and (not isnan(left) or isnan(right))


@pytest.mark.parametrize("op", OPERATIONS)
@given(st.floats(), st.floats())
def test_operations(op: str, left: float, right: float) -> None:
    """Every operator, over all doubles, infinities and missing values."""
    left, right = (finalise.NAN if isnan(side) else side for side in (left, right))

    found = float(columns.operation(op, np.array([left]), np.array([right]))[0])

    assert same(found, OPERATIONS[op](left, right))


@pytest.mark.parametrize("part", PARTS)
@given(st.integers(-(2**62), 2**62))
def test_parts_of_time(part: str, at: int) -> None:
    """Hour and weekday, before 1970 too."""
    assert same(float(columns.part(part, np.array([at]))[0]), PARTS[part](at))


@given(whole, whole, scales)
def test_the_finaliser(s: int, n: int, scale: float) -> None:
    """Totals and means of whole numbers beyond 2**53."""
    assert same(MEAN(s, n, scale), finalise.mean(s, n, scale))
    assert same(TOTAL(s, scale), finalise.total(s, scale))
    assert same(float(columns.scaled(np.array([s]), scale)[0]), decimal(s, scale))
