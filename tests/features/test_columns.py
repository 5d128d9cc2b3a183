"""Compiled and plain, a function gives the same bits: there is one definition of each."""

import struct
from math import isnan

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tallystick.definitions import zones
from tallystick.features import finalise
from tallystick.features.batch import columns
from tallystick.features.batch.native import native
from tallystick.features.rowwise import CALLS, OPERATIONS, PARTS, decimal

whole = st.integers(-(2**62), 2**62)
scales = st.sampled_from([1.0, 100.0, 1e9])
MEAN, TOTAL, STD = native(finalise.mean), native(finalise.total), native(finalise.std)


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
    """Hour, weekday, day and month, before 1970 too."""
    assert same(float(columns.part(part, np.array([at]))[0]), PARTS[part](at))


@given(st.integers(-(2**50), 2**52))
def test_a_zone_shifts_the_clock(at: int) -> None:
    """The hour in a zone is that of the instant and the offset that holds there."""
    zone = zones.zone("America/New_York")
    held = [offset for begin, offset in zip(zone.begins, zone.offsets, strict=True) if begin <= at]

    found = float(columns.part("hour", np.array([at]), zone)[0])

    assert same(found, PARTS["hour"](at + (held[-1] if held else zone.offsets[0])))


@pytest.mark.parametrize("function", CALLS)
@given(st.floats())
def test_functions_of_one_number(function: str, of: float) -> None:
    """Every function of a number, over all doubles."""
    of = finalise.NAN if isnan(of) else of

    assert same(float(columns.call(function, np.array([of]))[0]), CALLS[function](of))


@given(st.lists(st.integers(-(2**45), 2**45), min_size=1, max_size=6), scales)  # more would be no total
@example([2**47 - 1, 0], 1.0)
def test_the_deviation(values: list[int], scale: float) -> None:
    """Standard deviations of values up to the largest whose square is kept."""
    high, low = sum(v * v >> 32 for v in values), sum(v * v & 2**32 - 1 for v in values)
    sums = len(values), sum(values), high, low

    assert same(STD(*sums, scale), finalise.std(*sums, scale))


@given(whole, whole, scales)
def test_the_finaliser(s: int, n: int, scale: float) -> None:
    """Totals and means of whole numbers beyond 2**53."""
    assert same(MEAN(s, n, scale), finalise.mean(s, n, scale))
    assert same(TOTAL(s, scale), finalise.total(s, scale))
    assert same(float(columns.scaled(np.array([s]), scale)[0]), decimal(s, scale))
