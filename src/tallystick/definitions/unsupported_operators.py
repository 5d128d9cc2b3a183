"""Operators that Python has and columns have not: each is refused in a sentence."""

from collections.abc import Callable
from typing import NoReturn

from tallystick.definitions.diagnostics import where
from tallystick.errors import DefinitionError


def _refusing(op: str, remedy: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise DefinitionError(f"There is no '{op}' of columns. {remedy}", where=where())

    return refuse


class UnsupportedOperators:
    """What no expression can do, however natural it looks."""

    # A mix-in of frozen structs: with a dict of its own, each expression would have one.
    __slots__ = ()

    __floordiv__ = __rfloordiv__ = _refusing("//", "Write a / b.")
    __mod__ = __rmod__ = _refusing("%", "Compute it before, and declare it as a field.")
    __pow__ = __rpow__ = _refusing("**", "Write a * a.")
    __neg__, __pos__ = _refusing("-", "Write 0 - a."), _refusing("+", "Write the column alone.")
    __abs__ = _refusing("abs()", "Write a.abs().")
    __round__ = __int__ = __float__ = _refusing("round", "Declare the field with as many decimals as count.")
