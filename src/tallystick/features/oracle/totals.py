"""The oracle's totals: exact whole numbers, and whether they stay where every window is exact."""

import math
from bisect import insort
from itertools import accumulate, groupby

LARGEST = 2**62 - 1
Step = tuple[int, int, int]
"""An instant, the position from which on it is known, and what it adds."""
Refusal = tuple[float, int]
"""From which position on a total has been too large, and what the record added that made it so."""
NEVER: Refusal = math.inf, 0


def deviation(values: list[int]) -> float:
    """Return the sample standard deviation in units of the last digit.

    The numerator n * sum(v * v) - sum(v)**2 is exact. Of its digits in base 2**30, the lowest becomes a double by
    itself, the next two together, and all above together; these are added from above.
    """
    n, s = len(values), sum(values)
    above, lowest = divmod(n * sum(value * value for value in values) - s * s, 2**30)
    upper, lower = divmod(above, 2**60)
    numerator = (float(upper) * 2.0**60 + float(lower)) * 2.0**30 + float(lowest)
    return math.sqrt(numerator / (float(n) * float(n - 1)))


def first_overflow(steps: list[Step]) -> Refusal:
    """Return when a running total in order of instants first leaves its range; NEVER if it does not.

    It is looked at after every arrival. Steps of one instant that are known at once are one step.
    """
    if sum(abs(weight) for _, _, weight in steps) <= LARGEST:
        return NEVER
    known: list[Step] = []
    for position, arriving in groupby(sorted(steps, key=lambda step: step[1]), key=lambda step: step[1]):
        for step in arriving:
            insort(known, step)
            if abs(step[2]) > LARGEST:
                return position, step[2]
        combined = [sum(step[2] for step in group) for _, group in groupby(known, key=lambda step: step[:2])]
        if any(abs(total) > LARGEST for total in accumulate(combined)):
            return position, step[2]
    return NEVER
