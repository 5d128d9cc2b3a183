"""One group at a time: threads of a writer wait for each other, and a group inside a group is refused."""

import threading

from tallystick.errors import GroupOpen


class Turns:
    """Whose group it is. A thread waits for another's group, and never for its own.

    Parameters
    ----------
    name : str
        The log, for the sentence.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        # Only this thread ever writes its own number here, so the question needs no lock.
        if self._holder == threading.get_ident():
            raise GroupOpen(self._name)
        self._lock.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()
