"""Measures of an entity, and the families of features they make over several windows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tallystick.definitions.column_checks import known_kind
from tallystick.definitions.diagnostics import shown
from tallystick.definitions.diagnostics import where as place
from tallystick.definitions.durations import microseconds
from tallystick.definitions.expressions import (
    FOREVER_US,
    Aggregate,
    AggregateFunction,
    AnyExpr,
    Arithmetic,
    Column,
    Corrected,
    Expr,
    Flagged,
    KeyColumn,
    LateValue,
    TableColumn,
    is_condition,
    subexpressions,
)
from tallystick.definitions.fields import Flag
from tallystick.errors import DefinitionError, LeakRefused, did_you_mean

LARGEST_CAP = 65_536


@dataclass(frozen=True, slots=True)
class Entity:
    """All records of a stream that share their keys: one customer, one terminal, one customer at one terminal.

    Every measure takes ``where=``, a condition on the event's own record: only events for which it is 1 count.
    The record that asks is among its entity's events; a ``delay`` of "1us" looks before it.
    """

    stream: str
    keys: tuple[str, ...]
    looked_up_at: tuple[KeyColumn, ...] = ()

    def at(self, *keys: KeyColumn) -> "Entity":
        """Return the entity as another stream names it: ``payments.by("customer_id").at(applications.client_id)``.

        Raises
        ------
        DefinitionError
            If these are not as many key fields as the entity has.
        """
        if len(keys) != len(self.keys) or not all(isinstance(key, KeyColumn) for key in keys):
            sentence = f"at() needs one key field of the spine for each of {', '.join(self.keys)}."
            raise DefinitionError(sentence, where=place())
        return replace(self, looked_up_at=keys)

    def count(self, where: Expr | None = None) -> "Measure":
        """Return how many events there are."""
        return self._measure("count", None, where)

    def sum(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the sum of a column, or of a flag, over the events that have it; 0 where there is none.

        Parameters
        ----------
        of : a column, a flag that becomes known later, or a corrected column of the entity's stream
        where : a condition on the event's own record; None for all events
        """
        return self._measure("sum", self._value(of, Column, Flagged, Corrected), where)

    def mean(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the mean of a column, or the rate of a flag, over the events that have it; missing where none.

        Parameters
        ----------
        of : a column, a flag that becomes known later, or a corrected column of the entity's stream
        where : a condition on the event's own record; None for all events
        """
        return self._measure("mean", self._value(of, Column, Flagged, Corrected), where)

    def rate(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the share of events for which a flag or condition holds, of those for which it is known.

        Parameters
        ----------
        of : a flag of the entity's stream, or a condition on the event's own record
        where : a condition on the event's own record; None for all events

        Raises
        ------
        DefinitionError
            If it is neither.
        """
        # The mean of 1 and 0 is the share for which it holds; there is no function of its own in any executor.
        if is_condition(of):
            return self._measure("mean", self._own(of), where)
        if isinstance(of, Corrected) or (isinstance(of, Column) and not isinstance(known_kind(of), Flag | None)):
            sentence = (
                f"rate() takes a flag or a condition, and {shown(of)} is a number. Write rate(... > 100) or mean()."
            )
            raise DefinitionError(sentence, where=place())
        return self.mean(of, where)

    def std(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the sample standard deviation of a column; missing for fewer than two values.

        Parameters
        ----------
        of : a column of the entity's stream
        where : a condition on the event's own record; None for all events
        """
        return self._measure("std", self._value(of, Column), where)

    def min(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the smallest value of a column; missing where none.

        Parameters
        ----------
        of : a column of the entity's stream
        where : a condition on the event's own record; None for all events
        """
        return self._measure("min", self._value(of, Column), where)

    def max(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the largest value of a column; missing where none.

        Parameters
        ----------
        of : a column of the entity's stream
        where : a condition on the event's own record; None for all events
        """
        return self._measure("max", self._value(of, Column), where)

    def first(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the earliest value of a column or key; missing where none.

        Parameters
        ----------
        of : a column or key of the entity's stream; a key gives a text, to compare or take a category of
        where : a condition on the event's own record; None for all events
        """
        return self._measure("first", self._value(of, Column, KeyColumn), where)

    def last(self, of: Expr, where: Expr | None = None) -> "Measure":
        """Return the latest value of a column or key; missing where none.

        Parameters
        ----------
        of : a column or key of the entity's stream; a key gives a text, to compare or take a category of
        where : a condition on the event's own record; None for all events
        """
        return self._measure("last", self._value(of, Column, KeyColumn), where)

    def distinct(self, of: Expr, *, cap: int, where: Expr | None = None) -> "Measure":
        """Return how many different values a column or key has; missing where there are more than ``cap``.

        Parameters
        ----------
        of : a column or key of the entity's stream; an event that lacks it counts for nothing
        cap : the most that are told apart, 1 to 65,536: state and time grow with it
        where : a condition on the event's own record; None for all events

        Raises
        ------
        DefinitionError
            If the cap is not between 1 and 65,536.
        """
        if isinstance(cap, bool) or not (isinstance(cap, int) and 1 <= cap <= LARGEST_CAP):
            sentence = (
                f"distinct(cap={shown(cap)}) needs a whole number from 1 to {LARGEST_CAP}: what a state can remember."
            )
            raise DefinitionError(sentence, where=place())
        return self._measure("distinct", self._value(of, Column, KeyColumn), where, cap)

    def since_last(self, where: Expr | None = None) -> "Measure":
        """Return the seconds since the last event; missing where none."""
        return self._measure("since", None, where)

    def latest(self, of: Expr, where: Expr | None = None) -> Aggregate:
        """Return the value that the latest event has, however long ago it was; missing if that event lacks it.

        Parameters
        ----------
        of : a column or key of the entity's stream; a key gives a text, to compare or take a category of
        where : a condition on the event's own record; None for all events
        """
        value = self._value(of, Column, KeyColumn)
        return Aggregate(
            "latest", self.stream, self.keys, value, FOREVER_US, 0, self._condition(where), self.looked_up_at
        )

    def _measure(self, function: AggregateFunction, of: AnyExpr | None, where: object, cap: int = 0) -> "Measure":
        return Measure(self, function, of, self._condition(where), cap)

    def _condition(self, where: object) -> AnyExpr | None:
        if where is None:
            return None
        if not is_condition(where):
            is_flag = isinstance(where, Column) and isinstance(known_kind(where), Flag)
            written = f"{shown(where)} == 1" if is_flag else "payments.amount > 100"
            sentence = f"where={shown(where)} is no condition. Write one such as where={written}."
            raise DefinitionError(sentence, where=place())
        return self._own(where)

    def _value(self, of: object, *allowed: type[Expr]) -> AnyExpr:
        # Aggregated, an undated outcome would count from its event's instant on, before anybody knew it.
        if isinstance(of, TableColumn):
            raise LeakRefused(f"{of.table}.{of.field}", where=place())
        if not isinstance(of, allowed):
            kinds = {Column: "a column", Flagged: "a flag", Corrected: "a corrected column", KeyColumn: "a key"}
            wording = " or ".join(kinds[kind] for kind in allowed)
            hint = " Of a condition take rate(), or count(where=...)." if is_condition(of) else ""
            sentence = f"This aggregate takes {wording} of {self.stream!r}, not {shown(of)}.{hint}"
            raise DefinitionError(sentence, where=place())
        return self._own(of)

    def _own(self, of: Any) -> AnyExpr:
        """Hold a value or condition to the records that are aggregated: it can look at nothing else."""
        # An event is weighed once, when it enters: what depends on other records would have to be weighed anew at each
        # question.
        for part in subexpressions(of):
            if isinstance(part, Aggregate) or (isinstance(part, LateValue) and part is not of):
                sentence = (
                    "An aggregate is made of its events' own fields, and this looks further. Write it of columns."
                )
                raise DefinitionError(sentence, where=place())
            stream = getattr(part, "stream", self.stream)
            if stream != self.stream:
                sentence = (
                    f"{', '.join(self.keys)} groups records of {self.stream!r}, and this value belongs to {stream!r}. "
                    f"Aggregate a column of {self.stream!r}."
                )
                raise DefinitionError(sentence, where=place())
        value: AnyExpr = of
        return value


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate that does not say yet over which windows."""

    entity: Entity
    function: AggregateFunction
    of: AnyExpr | None
    where: AnyExpr | None = None
    cap: int = 0

    def over(self, *windows: str, delay: str = "0s", every: str | None = None) -> "Aggregate | Family":
        """Return the measure over one window, or a family of it over several.

        Parameters
        ----------
        windows : lengths such as "1d", "7d"; each covers t - delay - window < time <= t - delay
        delay : how long before the record the windows end
        every : rounds the older end down to a multiple of this length since 1970 UTC, so that a window covers up to
            that much more; for entities with very many events

        Raises
        ------
        DefinitionError
            If a length is none, is zero, or stands twice, or ``every`` is zero.

        Examples
        --------
        >>> Entity("payments", ("customer_id",)).count().over("1d", "7d")["7d"].window_us
        604800000000
        """
        lengths = [microseconds(window, where=place()) for window in windows]
        rounded = 0 if every is None else microseconds(every, where=place())
        if not lengths or 0 in lengths or len(set(lengths)) < len(lengths):
            wording = ", ".join(map(repr, windows))
            sentence = f"over({wording}) needs one or more different lengths above zero, such as over('1d', '7d')."
            raise DefinitionError(sentence, where=place())
        if every is not None and not rounded:
            sentence = f"every={every!r} rounds to nothing. Write a length above zero, such as '1h', or leave it out."
            raise DefinitionError(sentence, where=place())
        after = microseconds(delay, where=place())
        # Named by the text they were declared with: who writes 1w gets a column n_1w.
        made = [self._aggregate(length, after, rounded) for length in lengths]
        return made[0] if len(made) == 1 else Family(dict(zip(windows, made, strict=True)))

    def _refuse(self, _: object) -> Expr:
        raise DefinitionError("This measure does not say over which windows. Add .over('7d').", where=place())

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def _aggregate(self, window: int, delay: int, every: int) -> Aggregate:
        entity = self.entity
        return Aggregate(
            self.function,
            entity.stream,
            entity.keys,
            self.of,
            window,
            delay,
            self.where,
            entity.looked_up_at,
            every,
            self.cap,
        )


class Family(Mapping[str, Aggregate]):
    """One measure over several windows: pick one by the length it was declared with, such as ``spend["1d"]``."""

    def __init__(self, members: Mapping[str, Aggregate]) -> None:
        self._members = dict(members)

    def __getitem__(self, window: str) -> Aggregate:
        if window not in self._members:
            hint = did_you_mean(window, self._members) if isinstance(window, str) else ""
            sentence = f"There is no window {shown(window)} here; declared are {', '.join(self._members)}. {hint}"
            raise DefinitionError(sentence.strip(), where=place())
        return self._members[window]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def trend(self, recent: str, usual: str) -> Arithmetic:
        """Return one window by another, such as ``spend.trend("1d", "30d")``; missing where the other is 0.

        Parameters
        ----------
        recent, usual : windows of this family, as they were declared, such as "1d" and "30d"
        """
        trend: Arithmetic = self[recent] / self[usual]
        return trend

    def _refuse(self, _: object) -> Expr:
        first = next(iter(self._members))
        sentence = f"This is a family of {len(self)} windows ({', '.join(self)}). Pick one, such as [{first!r}]."
        raise DefinitionError(sentence, where=place())

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse  # type: ignore[assignment]
    __hash__ = object.__hash__
