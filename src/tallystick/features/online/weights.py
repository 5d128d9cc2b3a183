"""What every record of a stream adds to a group's totals and tracks, as whole columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Records
from tallystick.features.finalise import LARGEST_SQUARED, LARGEST_TOTAL
from tallystick.features.groups import Channel, Group, Series
from tallystick.features.online.conditions import evaluate_condition

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A group's records and conditions.

    Parameters
    ----------
    group : the group
    records : of its stream
    met : each of its conditions, for every record: 1, 0 or missing
    """

    group: Group
    records: Records
    met: tuple[Floats, ...]

    @classmethod
    def of(cls, group: Group, records: Records) -> "Weights":
        """Return the weights of a stream's records, with the group's conditions evaluated.

        Parameters
        ----------
        group : whose conditions and channels
        records : of its stream
        """
        return cls(group, records, tuple(evaluate_condition(condition, records) for condition in group.conditions))

    @property
    def are_safe(self) -> bool:
        """Whether no order of arrival could have made a running total too large."""
        # If all values together, without their signs, stay below half of the limit, no part of them in any order goes
        # beyond. Doubles are near enough for that: if it is not so, records are appended one by one, which is slow and
        # exact.
        for channel in self.group.channels:
            value, there = self._value(channel)
            taken = value[there & self.satisfying(channel.where)]
            if channel.part in ("high", "low"):
                if (np.abs(taken.astype(np.float64)) >= LARGEST_SQUARED).any():
                    return False
                # The lower part is below 2**32 each, so that it takes a billion of them to be too large.
                taken = squares(taken)[0]
            if float(np.abs(taken.astype(np.float64)).sum()) >= LARGEST_TOTAL / 2:
                return False
        return True

    def weight(self, channel: Channel) -> Ints:
        """Return what each record adds to a channel."""
        value, there = self._value(channel)
        there = there & self.satisfying(channel.where)
        if channel.part == "number":
            return there.astype(np.int64)
        if channel.part in ("high", "low"):
            value = squares(value)[0 if channel.part == "high" else 1]
        return np.where(there, value, 0)

    def satisfying(self, where: int) -> Bools:
        """Return which records satisfy one of the group's conditions; all for none."""
        if where < 0:
            return np.ones(len(self.records), dtype=np.bool_)
        satisfied: Bools = self.met[where] == 1.0
        return satisfied

    def counting(self, series: Series, corrected: str | None) -> Bools:
        """Return which records count in a series, where a corrected field must be there.

        Parameters
        ----------
        series : of the group
        corrected : the field that corrections add to; None for a flag, which needs none
        """
        counts = self.satisfying(series.where)
        return counts if corrected is None else counts & ~self.records.values[corrected].missing

    def _value(self, channel: Channel) -> tuple[Ints, Bools]:
        """Return a channel's value of each record, and where there is one."""
        of, n = channel.of, len(self.records)
        if of is None:
            return np.ones(n, dtype=np.int64), np.ones(n, dtype=np.bool_)
        if isinstance(of, str):
            column = self.records.values[of]
            return column.values, ~column.missing
        # What is missing is 0 before it becomes a whole number: what NaN becomes depends on the processor.
        there = ~np.isnan(self.met[of])
        return np.where(there, self.met[of], 0.0).astype(np.int64), there


def squares(values: Ints) -> tuple[Ints, Ints]:
    """Return the upper part of each square, and its lowest 32 bits; of values below 2**47.

    Examples
    --------
    >>> values = [3, -(2**32) - 5, 2**47 - 1, -(2**46)]
    >>> high, low = squares(np.array(values))
    >>> [h * 2**32 + l == v * v for h, l, v in zip(high.tolist(), low.tolist(), values)]
    [True, True, True, True]
    """
    size = np.abs(values)
    upper, lower = size >> 24, size & 0xFF_FFFF
    # (upper * 2**24 + lower)**2 without leaving 64 bits, which the square of a value above 2**31 would.
    crossed = 2 * upper * lower
    rest = ((crossed & 0xFF) << 24) + lower * lower
    return (upper * upper << 16) + (crossed >> 8) + (rest >> 32), rest & 0xFFFF_FFFF
