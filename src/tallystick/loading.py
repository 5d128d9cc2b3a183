"""Loading what takes long only when it is used, and whole: Ctrl-C waits until a module has been loaded."""

import importlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def load(module: str) -> Any:
    """Return a module, loaded now if it was not before.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    with _uninterrupted():
        return importlib.import_module(module)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C strike when the block is left.

    Inside a library's own loading an exception may end the process, or be swallowed and leave half a module behind.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield  # it is ignored, as in the background, or strikes elsewhere
        return
    struck: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: struck.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if struck:
            handler(struck[0], None)
