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


@dataclass(frozen=True, slots=True)
class RehearsalClock:
    """A clock that runs as the machine's does, from an instant of one's choice: for rehearsing a day gone by.

    Parameters
    ----------
    ahead_us : how far it stands before the machine's clock; negative where it is behind
    """

    ahead_us: int

    @classmethod
    def starting(cls, at: int) -> "RehearsalClock":
        """Return the clock that shows an instant now, and runs from there."""
        # Kept as a distance, so that it runs on between two readings.
        return cls(at - SystemClock().now())

    def now(self) -> int:
        """Return the instant this clock shows."""
        return SystemClock().now() + self.ahead_us
