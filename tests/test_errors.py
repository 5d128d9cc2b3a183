"""The tree of errors: what is raised can be imported from one place, and is drawn where its reader looks."""

import importlib
import pkgutil
from types import ModuleType

import pytest

from tallystick import errors
from tallystick.errors import TallystickError

FILES = [
    importlib.import_module(f"tallystick.errors.{found.name}")
    for found in pkgutil.iter_modules(errors.__path__)
    if found.name != "base"
]


def declared(module: ModuleType) -> list[type[TallystickError]]:
    """Return the errors that a file declares."""
    found = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, TallystickError)]
    return [each for each in found if each.__module__ == module.__name__]


@pytest.mark.parametrize("module", FILES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_error_is_offered_and_drawn(module: ModuleType) -> None:
    """Every error is among the names of the package, and its file's tree draws it."""
    names = [error.__name__ for error in declared(module)]

    assert names
    assert set(names) <= set(errors.__all__)
    drawn = [line.lstrip("· ").split(" ")[0] for line in (module.__doc__ or "").splitlines()[2:]]
    assert sorted(drawn) == sorted(names)


def test_every_family_is_drawn() -> None:
    """The package draws every family, which is what directly derives from the base."""
    families = [error.__name__ for module in FILES for error in declared(module) if error.__base__ is TallystickError]

    drawn = [line.split()[1] for line in (errors.__doc__ or "").splitlines() if line.startswith("  - ")]

    assert sorted(drawn) == sorted(families)
