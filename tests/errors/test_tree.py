"""The tree of errors, as it is drawn where a reader looks for it."""

import re
from collections.abc import Iterator

from tallystick import errors
from tallystick.errors import TallystickError

DRAWN = re.findall(
    r"^( *)[*·-] (\w+) ", f"{errors.__doc__}\n".replace("TallystickError\n", "TallystickError \n"), re.MULTILINE
)


def test_every_error_is_drawn_once() -> None:
    """The tree has every error that is raised on purpose, and none that is not there."""
    drawn = [name for _, name in DRAWN]

    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {kind.__name__ for kind in _kinds(TallystickError)}


def test_an_error_stands_under_its_branch() -> None:
    """Whoever catches a branch catches what is drawn below it."""
    branch = TallystickError
    for indent, name in DRAWN:
        kind = getattr(errors, name)
        if len(indent) <= 2:
            branch = kind
        assert issubclass(kind, branch), f"{name} is no {branch.__name__}"


def _kinds(kind: type[TallystickError]) -> Iterator[type[TallystickError]]:
    if kind.__module__.startswith("tallystick."):  # a test may have one of its own
        yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
