"""Compiling functions, and where what was compiled is kept for the next process: the one module that loads numba.

Code is kept in the first of these places that serves, and where none does it is compiled in each process, which takes
half a minute:

1. the folder that ``NUMBA_CACHE_DIR`` names;
2. the package's own ``__pycache__`` folders, where they can be written;
3. the same, where they cannot be written but hold the function already: an image that was compiled when it was built
   (``python -m tallystick.testing`` compiles every function);
4. the user's cache folder.

No folder that others may write to, such as ``/tmp``, is among them: what is kept there is run.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from numba import njit
from numba.core import caching


def compiled(function: FunctionType) -> Callable[..., Any]:
    """Return the function as numba compiles it when it is called, its code kept where a place for it is found."""
    made = njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # no place: numba's own word for it, raised where none of the places serves
        made._cache = _Kept(function)  # noqa: SLF001 - what cache=True does, with the places and the care below
    return cast("Callable[..., Any]", made)


class _Shipped(caching.InTreeCacheLocator):  # type: ignore[misc]
    """The package's own folder where it cannot be written, but holds the function already."""

    @classmethod
    def from_function(cls, function: FunctionType, file: str) -> "_Shipped | None":
        made = cls(function, file)
        kept = Path(made.get_cache_path()).glob(f"{Path(file).stem}.{function.__qualname__}-*.nbi")
        return made if any(kept) else None


class _OfUser(caching.UserWideCacheLocator):  # type: ignore[misc]
    """The user's cache folder; a user without a home has none, and would get a folder named ``~`` where it stands."""

    @classmethod
    def from_function(cls, function: FunctionType, file: str) -> Any:
        is_somewhere = Path(cls(function, file).get_cache_path()).is_absolute()
        return super().from_function(function, file) if is_somewhere else None


class _Places(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (caching.UserProvidedCacheLocator, caching.InTreeCacheLocator, _Shipped, _OfUser)


class _Kept(caching.FunctionCache):  # type: ignore[misc]
    """Code on disk that several processes may read and write at once, and that nothing depends on.

    numba names a function's files by counting up: of two processes that compile it for different types at once, one
    would be given the other's code. So one writes at a time, and none reads meanwhile.
    """

    _impl_class = _Places

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with suppress(OSError, EOFError), self._held(fcntl.LOCK_SH):
            return super().load_overload(sig, target_context)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        # A full disk, or a folder that cannot be written: the code is compiled, and is used.
        with suppress(OSError), self._held(fcntl.LOCK_EX):
            super().save_overload(sig, data)

    @contextmanager
    def _held(self, how: int) -> Iterator[None]:
        try:
            lock = os.open(Path(self.cache_path) / ".tally.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            yield  # nobody can write there, so nobody is writing
            return
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)
