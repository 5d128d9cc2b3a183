"""What every part of a query is written with: the plan, the dialect, the names, and which records are asked about."""

from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.features.groups import Group
from tallystick.features.plan import Plan
from tallystick.features.sql.dialects import Dialect
from tallystick.features.sql.layout import QueryStep
from tallystick.features.sql.names import Names, TableNames

EVER = 2**62
"""Beyond every instant."""


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What a query is written with.

    Parameters
    ----------
    plan : whose
    dialect : the spelling
    names : of tables and columns
    wanted : only the records whose places stand in the table ``names.wanted`` are asked about
    """

    plan: Plan
    dialect: Dialect
    names: Names
    wanted: bool

    @property
    def spine(self) -> TableNames:
        """The table of the records that are asked about."""
        return self.names.tables[self.plan.definition.spine.name]

    @property
    def rows(self) -> str:
        """The records that are asked about, as something to select from."""
        if not self.wanted:
            return self.spine.name
        wanted = f"SELECT position FROM {self.names.wanted}"
        return f"(SELECT * FROM {self.spine.name} WHERE {self.spine.position} IN ({wanted}))"

    @property
    def zones(self) -> Mapping[str, str]:
        """The table of each time zone, by the zone's name."""
        return {name: self.names.free(f"zone_{place}") for place, name in enumerate(self.plan.calendar)}

    def calendar(self) -> list[QueryStep]:
        """Return the tables of time zones: from when until when local time is how far ahead of UTC."""
        return [self._zone(name, table) for name, table in self.zones.items()]

    def same(self, group: Group, row: str, event: str) -> str:
        """Return whether a row asks about the entity of an event.

        Parameters
        ----------
        group : whose entities
        row, event : what the asking row and the event are called in the query
        """
        wanted = self.spine.keyed(row, group.at)
        return " AND ".join(f"{event}.k{i} = {column}" for i, column in enumerate(wanted))

    def _zone(self, name: str, table: str) -> QueryStep:
        zone = self.plan.calendar[name]
        begins = [-EVER, *zone.begins[1:]]
        rows = [f"({b}, {e}, {ahead})" for b, e, ahead in zip(begins, [*begins[1:], EVER], zone.offsets, strict=True)]
        shown = ",\n".join("  " + ", ".join(rows[at : at + 3]) for at in range(0, len(rows), 3))
        text = f"SELECT * FROM (VALUES\n{shown}\n) AS zone (begins, ends, ahead)"
        return QueryStep(
            table, text, f"{name} in the tz database {zone.version}: from when until when, how far from UTC"
        )
