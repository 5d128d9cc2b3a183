"""Plain functions of numbers, compiled as they stand when they are first called."""

import hashlib
import threading
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tallystick.loading import load

Array = TypeVar("Array", bound=NDArray[Any])
Function = TypeVar("Function", bound=Callable[..., Any])

SHARED = (
    "finalise.py",
    "late_crossing.py",
    "groups.py",
    "rowwise.py",
    "batch/questions.py",
    "batch/series.py",
    "batch/trees.py",
)
"""Modules of this room whose functions and numbers are compiled into functions of other modules."""
_ONE_AT_A_TIME = threading.RLock()


def native(function: Function) -> Function:
    """Compile a function of numbers and arrays when it is first called, and keep it for the next process.

    Plain functions of its own module that it calls are compiled with it. Doubles follow IEEE 754: no operation is
    reordered or contracted. Until the first call nothing of the compiler is loaded, which takes a third of a second.
    """
    return cast("Function", _Native(cast("FunctionType", function)))


def read_only(array: Array) -> Array:
    """Return an array as every compiled function takes what it reads: in one piece, and not to be written.

    Otherwise each way in which an array came about would be compiled for anew.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return cast("Array", view)


class _Native:
    """A function that is compiled when it is first called, or when a compiled one calls it."""

    def __init__(self, function: FunctionType) -> None:
        self._function = function

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.compiled(*arguments, **named)

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """The compiled function; the same one for every thread."""
        with _ONE_AT_A_TIME:
            if "compiled" not in vars(self):
                vars(self)["compiled"] = self._compile()
            return cast("Callable[..., Any]", vars(self)["compiled"])

    def _compile(self) -> Callable[..., Any]:
        function = self._function
        # numba looks at the function's own file to see whether the kept code is stale, not at those it calls:
        # so their digest becomes part of the name under which the code is kept.
        copied = FunctionType(function.__code__, _seen(function), function.__name__, function.__defaults__)
        copied.__qualname__ = f"{function.__qualname__}_{_stamp()}"
        compiler = load("tallystick.features.batch.compiler")
        return cast("Callable[..., Any]", compiler.compiled(copied))


def _seen(function: FunctionType) -> dict[str, Any]:
    """Return what the function sees by name, the functions it calls compiled."""
    names: dict[str, Any] = function.__globals__
    called = {name: names[name] for name in function.__code__.co_names if name in names}
    plain = {
        name: _Native(each)
        for name, each in called.items()
        if isinstance(each, FunctionType) and each.__module__ == function.__module__
    }
    compiled = {name: each.compiled for name, each in (called | plain).items() if isinstance(each, _Native)}
    return names | compiled if compiled else names


@cache
def _stamp() -> str:
    contents = [(Path(__file__).parents[1] / module).read_bytes() for module in SHARED]
    return hashlib.sha256(b"".join(contents)).hexdigest()[:8]
