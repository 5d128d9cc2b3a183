"""The one place where training's optional libraries are loaded: serving runs without them."""

from typing import Any

from tallystick.errors import LibraryMissing
from tallystick.loading import load


def need(name: str) -> Any:
    """Return a module of the ``train`` extra.

    Raises
    ------
    LibraryMissing
        If it is not installed.

    Examples
    --------
    >>> need("lightgbm_of_tomorrow")
    Traceback (most recent call last):
        ...
    tallystick.errors.training.LibraryMissing: 'lightgbm_of_tomorrow' is needed ... pip install 'tallystick[train]'.
    """
    try:
        return load(name)
    except ModuleNotFoundError as error:
        raise LibraryMissing(name.split(".", maxsplit=1)[0]) from error
