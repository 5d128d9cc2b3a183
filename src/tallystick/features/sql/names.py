"""What SQL calls sources, fields and features: their own names, quoted, and told apart where only case differs."""

from dataclasses import dataclass
from itertools import chain, count

from tallystick.data.records import BEGINNING_US
from tallystick.definitions.streams import Source, StreamDefinition
from tallystick.features.plan import Plan


@dataclass(frozen=True, slots=True)
class TableNames:
    """A source's table: every name as SQL writes it.

    Parameters
    ----------
    name : of the table
    position : the column of places in the order of arrival
    id, time : the columns of the record's id and instant; empty for a source that has none
    columns : by field
    """

    name: str
    position: str
    id: str
    time: str
    columns: dict[str, str]

    def at(self, alias: str) -> str:
        """Return the instant of a record; the rows of a static table have always held."""
        return f"{alias}.{self.time}" if self.time else f"({BEGINNING_US})"

    def keyed(self, alias: str, fields: tuple[str, ...]) -> list[str]:
        """Return the columns of some fields.

        Parameters
        ----------
        alias : what the table is called in the query
        fields : key fields, or the id
        """
        return [f"{alias}.{self.columns[field]}" for field in fields]


class Names:
    """All names in the queries of a plan.

    Parameters
    ----------
    plan : whose
    quote : the sign around a name

    Examples
    --------
    >>> from tallystick.definitions.features import FeatureSet
    >>> from tallystick.definitions.fields import integer
    >>> from tallystick.definitions.streams import Stream
    >>> stream = Stream("payments", id="payment_id", time="paid_at", fields={"n": integer(), "N": integer()})
    >>> class Small(FeatureSet, spine=stream):
    ...     n = stream.n
    >>> Names(Plan(Small.definition, (stream.definition,))).tables["payments"].columns["N"]
    '"N_2"'
    """

    def __init__(self, plan: Plan, quote: str = '"') -> None:
        self._quote = quote
        needed = plan.definition.sources
        self.sources: tuple[Source, ...] = tuple(plan.streams[name] for name in needed if name in plan.streams)
        """The spine, then every source that the features look at."""
        taken: set[str] = set()
        self._taken = taken
        self.tables = {source.name: self._table(source) for source in self.sources}
        """By source."""
        self.wanted = self._quoted(_distinct("requested", taken))
        """The table of the places of those records that are asked about, in its column ``position``."""
        self._free: dict[str, str] = {}
        selected: set[str] = set()
        spine = plan.definition.spine
        self.out = tuple(self._quoted(_distinct(name, selected)) for name in ("position", spine.id, *plan.names))
        """The columns of the answer."""

    def free(self, name: str) -> str:
        """Return a step's name that is no source's, always the same for the same name."""
        if name not in self._free:
            self._free[name] = self._quoted(_distinct(name, self._taken))
        return self._free[name]

    def _table(self, source: Source) -> TableNames:
        taken: set[str] = set()
        position = self._quoted(_distinct("position", taken))
        columns = {field: self._quoted(_distinct(field, taken)) for field in source.fields}
        name = self._quoted(_distinct(source.name, self._taken))
        if isinstance(source, StreamDefinition):
            return TableNames(name, position, columns.get(source.id, ""), columns.get(source.time, ""), columns)
        return TableNames(name, position, columns[source.key], "", columns)

    def _quoted(self, name: str) -> str:
        return self._quote + name.replace(self._quote, 2 * self._quote) + self._quote


def unquoted(name: str) -> str:
    """Return a name without its quotes.

    >>> unquoted('"a ""b"" c"')
    'a "b" c'
    """
    return name[1:-1].replace(2 * name[0], name[0])


def _distinct(name: str, taken: set[str]) -> str:
    """Return a name that no other is equal to, cases aside, and take it."""
    numbered = (f"{name}_{number}" for number in count(2))
    found = next(each for each in chain([name], numbered) if each.casefold() not in taken)
    taken.add(found.casefold())
    return found
