"""Plain functions of numbers, compiled as they stand."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

from numba import njit

from tallystick.features import finalise, known, plan, rowwise

Function = TypeVar("Function", bound=Callable[..., Any])


def native(function: Function) -> Function:
    """Compile a function of numbers and arrays when it is first called, and keep it for the next process.

    Doubles follow IEEE 754: no operation is reordered or contracted.
    """
    # numba looks at the function's own file to see whether the kept code is stale, not at those it calls:
    # so their digest becomes part of the name under which the code is kept.
    copied = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    copied.__qualname__ = f"{function.__qualname__}_{_stamp()}"
    return cast("Function", njit(cache=True, nogil=True, error_model="numpy")(copied))


@cache
def _stamp() -> str:
    contents = [_source(module) for module in (finalise, known, plan, rowwise)]
    return hashlib.sha256(b"".join(contents)).hexdigest()[:8]


def _source(module: ModuleType) -> bytes:
    return Path(str(module.__file__)).read_bytes()
