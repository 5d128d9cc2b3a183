"""The row functions as array functions, compiled from their one written definition when first needed."""

from functools import cache
from typing import Any

import numpy as np
from numba import vectorize
from numpy.typing import NDArray

from tallystick.features.rowwise import OPERATIONS, PARTS, decimal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@cache
def operation(op: str) -> Any:
    """Return the array function of an arithmetic or comparison operator, of two float64 arrays or numbers."""
    return vectorize(["float64(float64, float64)"], cache=True)(OPERATIONS[op])


@cache
def part(name: str) -> Any:
    """Return the array function of a part of time, of an int64 array of microseconds."""
    return vectorize(["float64(int64)"], cache=True)(PARTS[name])


@cache
def scaled() -> Any:
    """Return the array function that scales whole numbers, of an int64 array and a number."""
    return vectorize(["float64(int64, float64)"], cache=True)(decimal)
