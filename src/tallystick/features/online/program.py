"""What one record changes in a state elsewhere, as a step that is taken there at once."""

from collections.abc import Sequence

from tallystick.data.records import Record
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.online.aggregate_state import Additions, AggregateState
from tallystick.features.online.late_values import check_total
from tallystick.features.online.totals import SINGLE
from tallystick.features.state import keys
from tallystick.features.state.step import Count, Step, Supposed

Truths = dict[tuple[bytes, bytes], list[bytes]]
"""What was found, by the first key and the one it ends before: nothing where nothing is there."""


class Program:
    """A record's changes, made of what is supposed to be in the state.

    What does not depend on the state is asked to be added there: weights to running totals, values to tiles. What
    depends on it, which is what others said about a record, is supposed, and supposed to be nothing where it was not
    found to be something. The step says what it supposes, and changes nothing if that is not so.

    Parameters
    ----------
    truths : what earlier steps of the same record found
    """

    def __init__(self, truths: Truths) -> None:
        self.puts: dict[bytes, bytes] = {}
        self.supposed: Truths = {}
        self._truths = truths
        self._added: list[Additions] = []
        self._waits: list[tuple[bytes, bytes]] = []
        self._steps: dict[tuple[AggregateState, bytes, int], dict[int, int]] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key as it will be."""
        if key in self.puts:
            return self.puts[key]
        return next(iter(self._suppose(key, b"")), None)

    def waiting(self, begins: bytes) -> list[bytes]:
        """Return what waits under keys that begin so."""
        return self._suppose(begins, begins + keys.AFTER)

    def wait(self, begins: bytes, packed: bytes) -> None:
        """Put something that waits, under a key that ends with the record's place."""
        self._waits.append((begins, packed))

    def enter(self, aggregate: AggregateState, entity: bytes, record: Record, met: Sequence[float]) -> None:
        """Let the record enter a group.

        Raises
        ------
        FeatureOverflow
            If no running total could hold the record.
        """
        self._added.append(aggregate.additions(entity, record, met))

    def step(self, aggregate: AggregateState, series: int, entity: bytes, time: int, weight: int) -> None:
        """Let a weight count in a series from a time on.

        Raises
        ------
        FeatureOverflow
            If it is so large that no total could hold it.
        """
        check_total(weight, aggregate, series, entity, weight)
        steps = self._steps.setdefault((aggregate, entity, series), {})
        steps[time] = steps.get(time, 0) + weight

    def requested(self) -> Step:
        """Return the step, which reads nothing yet and has no place yet."""
        added = self._added
        numbered = [entry for each in added for entry in each.events] + self._waits
        counts = [Count(len(each.step[1]) // 8, each.begins, [each.step]) for each in added]
        for (aggregate, entity, series), steps in self._steps.items():
            packed = [(keys.pack_whole(time), SINGLE.pack(weight)) for time, weight in sorted(steps.items())]
            counts.append(Count(1, aggregate.series_of(series, entity), packed))
        return Step(
            supposed=[Supposed(*of, values) for of, values in self.supposed.items()],
            counts=counts,
            extremes=[entry for each in added for entry in each.extremes],
            numbered=numbered,
            puts=[*self.puts.items(), *(entry for each in added for entry in each.values)],
        )

    def refuse(self, count: int, place: int) -> None:
        """Say which total would be too large.

        Raises
        ------
        FeatureOverflow
            Always: with the entity, and the weight that let it.
        """
        if count < len(self._added):
            self._added[count].refuse(place)
        (aggregate, entity, series), steps = [*self._steps.items()][count - len(self._added)]
        check_total(LARGEST_TOTAL + 1, aggregate, series, entity, max(steps.values(), key=abs))

    def _suppose(self, first: bytes, last: bytes) -> list[bytes]:
        values = self._truths.get((first, last), [])
        self.supposed[first, last] = values
        return values
