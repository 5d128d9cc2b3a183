"""Which rows of the spine are asked about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Period:
    """Which rows of the spine are asked: begin <= time < end, without a bound where None."""

    begin: int | None = None
    end: int | None = None

    def holds(self, time: Ints) -> NDArray[np.bool_] | None:
        """Return which instants are inside; None where all are."""
        if self.begin is None and self.end is None:
            return None
        inside = np.ones(len(time), np.bool_)
        if self.begin is not None:
            inside &= time >= self.begin
        if self.end is not None:
            inside &= time < self.end
        return inside
