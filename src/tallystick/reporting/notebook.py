"""What makes a value show its report: a page's fragment in a notebook, a text where it is printed."""

import importlib
from typing import Any, Protocol

from tallystick.reporting.report import Report


class Reportable(Protocol):
    """A value that can be read as a report."""

    def report(self) -> Report:
        """Return what it says."""
        ...


class Displayed:
    """Gives a `Reportable` its looks: it stands before the other bases of its class.

    A renderer is loaded when something is shown. Values are made by whoever serves or reads a project file, and these
    start faster without one.
    """

    __slots__ = ()

    def _repr_html_(self: Reportable) -> str:
        return str(_renderer("html").fragment(self.report()))

    def __str__(self: Reportable) -> str:
        return str(_renderer("layout").text(self.report()))


def _renderer(name: str) -> Any:
    return importlib.import_module(f"tallystick.reporting.{name}")
