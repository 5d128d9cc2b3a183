"""Plain functions of numbers, compiled as they stand."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])
Function = TypeVar("Function", bound=Callable[..., Any])

SHARED = (
    "finalise.py",
    "known.py",
    "groups.py",
    "rowwise.py",
    "batch/questions.py",
    "batch/series.py",
    "batch/trees.py",
)
"""Modules of this room whose functions and numbers are compiled into functions of other modules."""


def native(function: Function) -> Function:
    """Compile a function of numbers and arrays when it is first called, and keep it for the next process.

    Plain functions of its own module that it calls are compiled with it. Doubles follow IEEE 754: no operation is
    reordered or contracted.
    """
    # numba looks at the function's own file to see whether the kept code is stale, not at those it calls:
    # so their digest becomes part of the name under which the code is kept.
    copied = FunctionType(function.__code__, _seen(function), function.__name__, function.__defaults__)
    copied.__qualname__ = f"{function.__qualname__}_{_stamp()}"
    return cast("Function", njit(cache=True, nogil=True, error_model="numpy")(copied))


def still(array: Array) -> Array:
    """Return an array as every compiled function takes what it reads: in one piece, and not to be written.

    Otherwise each way in which an array came about would be compiled for anew.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return cast("Array", view)


def _seen(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what the function sees by name; its module itself where that has nothing to compile."""
    names: dict[str, Any] = function.__globals__
    called = {name: names[name] for name in function.__code__.co_names if isinstance(names.get(name), FunctionType)}
    own = {name: native(each) for name, each in called.items() if each.__module__ == function.__module__}
    return names | own if own else names


@cache
def _stamp() -> str:
    contents = [(Path(__file__).parents[1] / module).read_bytes() for module in SHARED]
    return hashlib.sha256(b"".join(contents)).hexdigest()[:8]
