"""Measures of an entity, and the families of features they make over several windows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal as OneOf

from tallystick.definitions.durations import microseconds
from tallystick.definitions.expressions import Aggregate, Column, Expr, Flagged, TableColumn
from tallystick.definitions.mistakes import where
from tallystick.errors import DefinitionError, LeakRefused, did_you_mean


@dataclass(frozen=True, slots=True)
class Entity:
    """All records of a stream that share a key: one customer, one terminal."""

    stream: str
    key: str

    def count(self) -> "Measure":
        """Return how many events there are."""
        return Measure(self, "count", None)

    def sum(self, of: Expr) -> "Measure":
        """Return the sum of a column, or of a flag, over the events that have it; 0 where there is none."""
        return Measure(self, "sum", self._countable(of))

    def mean(self, of: Expr) -> "Measure":
        """Return the mean of a column, or the rate of a flag, over the events that have it; missing where none."""
        return Measure(self, "mean", self._countable(of))

    def _countable(self, of: Expr) -> Column | Flagged:
        if isinstance(of, TableColumn):
            raise LeakRefused(f"{of.table}.{of.field}", where=where())
        if not isinstance(of, Column | Flagged):
            sentence = f"An aggregate takes a column of {self.stream!r} or a flag, not {of!r}."
            raise DefinitionError(sentence, where=where())
        if of.stream != self.stream:
            sentence = (
                f"{self.key!r} groups records of {self.stream!r}, and this value belongs to {of.stream!r}. "
                f"Aggregate a column of {self.stream!r}."
            )
            raise DefinitionError(sentence, where=where())
        return of


@dataclass(frozen=True, slots=True)
class Measure:
    """A count, sum or mean that still has to be told over which windows."""

    entity: Entity
    function: OneOf["count", "sum", "mean"]
    of: Column | Flagged | None

    def over(self, *windows: str, delay: str = "0s") -> "Aggregate | Family":
        """Return the measure over one window, or a family of it over several.

        Parameters
        ----------
        windows : lengths such as "1d", "7d"; each covers t - delay - window < time <= t - delay
        delay : how long before the record the windows end

        Raises
        ------
        DefinitionError
            If a length is none, is zero, or stands twice.

        Examples
        --------
        >>> Entity("payments", "customer_id").count().over("1d", "7d")["7d"].window_us
        604800000000
        """
        lengths = [microseconds(window, where=where()) for window in windows]
        if not lengths or 0 in lengths or len(set(lengths)) < len(lengths):
            sentence = f"over{windows!r} needs one or more different lengths above zero, such as over('1d', '7d')."
            raise DefinitionError(sentence, where=where())
        after = microseconds(delay, where=where())
        made = [Aggregate(self.function, self.entity.stream, self.entity.key, self.of, w, after) for w in lengths]
        return made[0] if len(made) == 1 else Family(dict(zip(windows, made, strict=True)))


class Family(Mapping[str, Aggregate]):
    """One measure over several windows: pick one by the length it was declared with, such as ``spend["1d"]``."""

    def __init__(self, members: Mapping[str, Aggregate]) -> None:
        self._members = dict(members)

    def __getitem__(self, window: str) -> Aggregate:
        if window not in self._members:
            sentence = f"There is no window {window!r} here; declared are {', '.join(self._members)}. "
            raise DefinitionError(sentence + did_you_mean(window, self._members), where=where())
        return self._members[window]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def _refuse(self, _: object) -> Expr:
        first = next(iter(self._members))
        sentence = f"This is a family of {len(self)} windows ({', '.join(self)}). Pick one, such as [{first!r}]."
        raise DefinitionError(sentence, where=where())

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse  # type: ignore[assignment]
    __hash__ = object.__hash__
