"""Functions of one record in SQL, each in the one written definition, as steps that build upon one another."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tallystick.definitions.zones import Zone
from tallystick.features.lowering import (
    AggregateNumber,
    Call,
    CategoryCode,
    Constant,
    InstantPart,
    Node,
    NumberField,
    Operation,
    TextConstant,
    TextEquality,
    TextField,
    TextMissing,
    TextNode,
)
from tallystick.features.rowwise import DAY_US, HOUR_US, LN_2_HIGH, LN_2_LOW, ODDS, SQRT_2, STEPS
from tallystick.features.sql.dialects import Dialect, double, rest
from tallystick.features.sql.layout import QueryStep, lines
from tallystick.features.sql.names import TableNames

LARGEST_DOUBLE = sys.float_info.max
COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "=", "!=": "<>"}
Referred = tuple[str, int]
"""How a value is referred to, and the first step that has it."""


@dataclass(slots=True)
class Values:
    """Expressions of one table's record as SQL, in steps: each refers to the columns of the step before.

    Whatever is needed twice is a column of its own; written in one another, their text would double every time.

    Parameters
    ----------
    dialect : the spelling
    table : the records' table, called ``r`` in the first step
    zones : the table of each time zone, by the zone's name
    placed : how aggregates are referred to, by group and slot
    """

    dialect: Dialect
    table: TableNames
    zones: Mapping[str, str]
    placed: dict[tuple[int, int], Referred] = field(default_factory=dict)
    leaves: dict[str, str] = field(default_factory=dict)
    """Columns of the first step: their text, and their names."""
    joins: dict[tuple[str, str], str] = field(default_factory=dict)
    """What the first step looks up in time zones: a zone's table, an instant, and the alias of its row."""
    steps: list[dict[str, str]] = field(default_factory=list)
    """Columns of the further steps; the same text is one column."""

    def of(self, node: Node) -> str:
        """Return how a number is referred to, once the steps are done."""
        return self.number(node)[0]

    def chain(self, table: str, selected: Sequence[str], names: Iterator[str]) -> list[QueryStep]:
        """Return the steps: the first is made of ``table``, with the columns ``selected`` and the leaves.

        Parameters
        ----------
        table : what the first step selects from
        selected : further columns of the first step
        names : gives each step its name
        """
        zoned = [
            f"LEFT JOIN {zone} AS {alias} ON {at} >= {alias}.begins AND {at} < {alias}.ends"
            for (zone, at), alias in self.joins.items()
        ]
        columns = [*selected, *(f"{text} AS {name}" for text, name in self.leaves.items())]
        steps = [QueryStep(next(names), "\n".join([f"SELECT\n{lines(columns)}\nFROM {table}", *zoned]))]
        for operations in self.steps:
            columns = ["*", *(f"{text} AS {name}" for text, name in operations.items())]
            steps.append(QueryStep(next(names), f"SELECT\n{lines(columns)}\nFROM {steps[-1].name}"))
        return steps

    def leaf(self, text: str) -> str:
        """Return the name of a column of the first step."""
        return self.leaves.setdefault(text, f"v{len(self.leaves)}")

    def column(self, text: str, step: int) -> str:
        """Return the name of a column of a further step.

        Parameters
        ----------
        text : the expression; it may refer to columns of earlier steps
        step : the first step in which it can be computed, from 1 on
        """
        while len(self.steps) < step:
            self.steps.append({})
        operations = self.steps[step - 1]
        if text not in operations:
            operations[text] = f"o{sum(map(len, self.steps))}"
        return operations[text]

    def number(self, node: Node) -> Referred:
        """Return how a number is referred to."""
        match node:
            case Constant() | NumberField() | AggregateNumber():
                return self._plain(node)
            case InstantPart():
                return self._part(node)
            case Operation(op=op, left=left, right=right):
                return self._operation(op, self.number(left), self.number(right))
            case Call(function=function, of=of):
                return self._call(function, self.number(of))
            case _:
                return self._of_texts(node)

    def text(self, node: TextNode) -> Referred:
        """Return how a text is referred to."""
        match node:
            case TextConstant(value=value):
                return self.dialect.text(value), 0
            case TextField(field=name):
                return self.leaf(f"r.{self.table.id if name is None else self.table.columns[name]}"), 0
            case _:
                return self.placed[node.group, node.slot]

    def _plain(self, node: Constant | NumberField | AggregateNumber) -> Referred:
        match node:
            case Constant(value=value):
                return double(value), 0
            case AggregateNumber(group=group, slot=slot):
                return self.placed[group, slot]
            case NumberField(field=name, scale=scale):
                return self.leaf(f"CAST(r.{self.table.columns[name]} AS DOUBLE) / {double(scale)}"), 0

    def _of_texts(self, node: TextEquality | CategoryCode | TextMissing) -> Referred:
        match node:
            case TextEquality(op=op, left=left, right=right):
                (one, at), (other, later) = self.text(left), self.text(right)
                return self._merged(f"CAST({one} {COMPARISONS[op]} {other} AS DOUBLE)", 1 + max(at, later))
            case CategoryCode(of=of, vocabulary=vocabulary):
                name, at = self.text(of)
                known = (f"WHEN {self.dialect.text(word)} THEN {place}" for place, word in enumerate(vocabulary))
                n = len(vocabulary)
                coded = f"CASE WHEN {name} IS NULL THEN {n + 1} ELSE CASE {name} {' '.join(known)} ELSE {n} END END"
                return self._merged(f"CAST({coded} AS DOUBLE)", 1 + at)
            case TextMissing(of=of):
                name, at = self.text(of)
                return self._merged(f"CAST({name} IS NULL AS DOUBLE)", 1 + at)

    def _operation(self, op: str, left: Referred, right: Referred) -> Referred:
        one, other, step = left[0], right[0], 1 + max(left[1], right[1])
        if op in COMPARISONS:
            return self._merged(f"CAST({one} {COMPARISONS[op]} {other} AS DOUBLE)", step)
        if op == "coalesce":
            return self._merged(f"coalesce({one}, {other})", step)
        if op in ("and", "or"):
            zero, joined = double(0.0), op.upper()
            holds = f"CAST({one} <> {zero} {joined} {other} <> {zero} AS DOUBLE)"
            return self._merged(f"CASE WHEN {one} IS NOT NULL AND {other} IS NOT NULL THEN {holds} END", step)
        divisor = f"nullif({other}, {double(0.0)})" if op == "/" else other
        return self._finite(f"{one} {op} {divisor}", step)

    def _call(self, function: str, of: Referred) -> Referred:
        name, step = of[0], of[1] + 1
        zero = double(0.0)
        match function:
            case "not":
                return self._merged(f"CAST({name} = {zero} AS DOUBLE)", step)
            case "is_missing":
                return self._merged(f"CAST({name} IS NULL AS DOUBLE)", step)
            case "abs":
                return self._merged(f"CASE WHEN {name} < {zero} THEN {zero} - {name} ELSE {name} + {zero} END", step)
            case _:
                return self._log1p(name, step)

    def _merged(self, text: str, step: int) -> Referred:
        return self.column(text, step), step

    def _finite(self, text: str, step: int) -> Referred:
        """Return a result that is missing where it is not finite."""
        name = self.column(text, step)
        return f"CASE WHEN abs({name}) <= {double(LARGEST_DOUBLE)} THEN {name} END", step

    def _part(self, node: InstantPart) -> Referred:
        at = self.table.at("r") if node.field is None else f"r.{self.table.columns[node.field]}"
        if node.zone is not None:
            at = self._local(at, node.zone)
        if node.part == "hour":
            return self.leaf(f"CAST({self.dialect.divided(rest(at, DAY_US), HOUR_US)} AS DOUBLE)"), 0
        days = self.dialect.divided(f"{at} - {rest(at, DAY_US)}", DAY_US)
        if node.part == "weekday":
            return self.leaf(f"CAST({rest(f'({days} + 3)', 7)} AS DOUBLE)"), 0
        return self._of_month(node.part, self.leaf(rest(f"({days} + 719468)", 146_097)))

    def _local(self, at: str, zone: Zone) -> str:
        """Return an instant as local time, by a join with the zone's offsets."""
        alias = self.joins.setdefault((self.zones[zone.name], at), f"z{len(self.joins)}")
        return f"({at} + {alias}.ahead)"

    def _of_month(self, part: str, of_era: str) -> Referred:
        """Return the day or month; see ``rowwise.day`` for a year that begins in March."""
        whole = self.dialect.divided
        leap_days = f"{whole(of_era, 1_460)} + {whole(of_era, 36_524)} - {whole(of_era, 146_096)}"
        year = self.column(whole(f"{of_era} - {leap_days}", 365), 1)
        of_year = self.column(f"{of_era} - (365 * {year} + {whole(year, 4)} - {whole(year, 100)})", 2)
        since_march = self.column(whole(f"5 * {of_year} + 2", 153), 3)
        if part == "month":
            return self._merged(f"CAST(({since_march} + 2) % 12 + 1 AS DOUBLE)", 4)
        return self._merged(f"CAST({of_year} - ({whole(f'153 * {since_march} + 2', 5)}) + 1 AS DOUBLE)", 4)

    def _log1p(self, name: str, step: int) -> Referred:
        """Return ``rowwise.log1p``: the same operations in the same order, the needed results one column each."""
        one, two = double(1.0), double(2.0)
        of = self.column(f"CASE WHEN {name} > {double(-1.0)} THEN {name} END", step)
        m, k = self.column(f"{one} + {of}", step + 1), double(0.0)
        lost = self.column(f"CASE WHEN {of} < {one} THEN {of} - ({m} - {one}) ELSE {double(0.0)} END", step + 2)
        for at, (shift, power) in enumerate(STEPS, step + 2):
            m, k = self._halved(m, k, shift, power, at)
        at = step + 2 + len(STEPS)
        large = f"{m} > {double(SQRT_2)}"
        m, k = (
            self.column(f"CASE WHEN {large} THEN {m} / {two} ELSE {m} END", at),
            self.column(f"CASE WHEN {large} THEN {k} + {one} ELSE {k} END", at),
        )
        f = self.column(f"CASE WHEN {k} = {double(0.0)} THEN {of} ELSE {m} - {one} END", at + 1)
        s = self.column(f"{f} / ({two} + {f})", at + 2)
        z = self.column(f"{s} * {s}", at + 3)
        series = double(2.0 / 21.0)
        for odd in ODDS:
            series = f"({series} * {z} + {double(2.0 / odd)})"
        left_over = f"CASE WHEN {k} = {double(0.0)} THEN {double(0.0)} ELSE {lost} / ({one} + {of}) END"
        small_part = f"({s} * {series} + ({k} * {double(LN_2_LOW)} + {left_over}))"
        return self._finite(f"{k} * {double(LN_2_HIGH)} + {small_part}", at + 4)

    def _halved(self, m: str, k: str, shift: float, power: float, at: int) -> tuple[str, str]:
        """Return m and k after one step: of its two conditions the second never holds after the first."""
        by, step = double(power), double(shift)
        large, small = f"WHEN {m} >= {by} THEN", f"WHEN {m} < {double(2.0 / power)} THEN"
        return (
            self.column(f"CASE {large} {m} / {by} {small} {m} * {by} ELSE {m} END", at),
            self.column(f"CASE {large} {k} + {step} {small} {k} - {step} ELSE {k} END", at),
        )
