"""Decisions and outcomes that cannot be watched.

MonitoringError
· ColumnsUneven   columns of different lengths
· HistogramUnfit  counts that fit no edges
"""

from collections.abc import Mapping, Sequence

from tallystick.errors.base import TallystickError


class MonitoringError(TallystickError):
    """Decisions and outcomes cannot be watched as they were handed in. Correct them at their source."""


class ColumnsUneven(MonitoringError):
    """Columns that belong together differ in length. Hand in one value of each for every row.

    Parameters
    ----------
    columns : what they are columns of
    lengths : how many values each has, by name
    """

    def __init__(self, columns: str, lengths: Mapping[str, int]) -> None:
        self.columns, self.lengths = columns, dict(lengths)
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        super().__init__(f"{columns} needs columns of one length: {found}. Hand in one value of each per row.")


class HistogramUnfit(MonitoringError):
    """A histogram's edges and counts do not belong together. Make both from the same scores.

    Parameters
    ----------
    edges : the upper ends of all bins but the last
    counts : how many values are in each bin
    """

    def __init__(self, edges: Sequence[float], counts: Sequence[int]) -> None:
        self.edges, self.counts = tuple(edges), tuple(counts)
        super().__init__(
            f"A histogram needs rising edges and one count more, none negative; found {len(self.edges)} edges "
            f"{self.edges} and {len(self.counts)} counts {self.counts}. Make both from the same scores."
        )
