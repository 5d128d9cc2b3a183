"""Where time comes from: a clock that is handed in, never the wall read directly."""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time, in microseconds since 1970 UTC."""

    def now(self) -> int:
        """Return the current instant."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Return the machine's current instant."""
        return time.time_ns() // 1_000


@dataclass(slots=True)
class SettableClock:
    """A clock that stands where it was put: for simulations, back-tests and tests.

    >>> clock = SettableClock(1_000)
    >>> clock.at = 2_000
    >>> clock.now()
    2000
    """

    at: int

    def now(self) -> int:
        """Return the instant the clock was set to."""
        return self.at
