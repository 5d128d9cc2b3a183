"""Row functions in SQL, each in the one written definition, and the spelling in which databases differ."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan

from tallystick.features.lowering import Constant, Node, Number, Operation, Part, Place
from tallystick.features.rowwise import DAY_US, HOUR_US
from tallystick.features.sql_names import Table

LARGEST_DOUBLE = sys.float_info.max
COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "=", "!=": "<>"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """The spelling of one database.

    Parameters
    ----------
    wide : makes a whole number one that sums of 64 bits fit into
    summed : makes a whole number one whose ``sum`` is exact and never wraps
    divided : a whole number divided by another that divides it
    """

    wide: Callable[[str], str]
    summed: Callable[[str], str]
    divided: Callable[[str, int], str]


DIALECTS = {
    "duckdb": Dialect(
        wide=lambda text: f"CAST({text} AS HUGEINT)",
        summed=lambda text: text,  # a sum of BIGINT is a HUGEINT there
        divided=lambda text, by: f"({text}) // {by}",
    )
}


class Values:
    """The features' expressions as SQL, in steps: each refers to the columns of the step before.

    A result that is not finite is missing. That needs it twice, so every operation is a column of its own; written
    in one another, their text would double with every operation.

    Parameters
    ----------
    dialect : the spelling
    spine : the records' table, called ``r`` in the first step
    """

    def __init__(self, dialect: Dialect, spine: Table) -> None:
        self._dialect, self._spine = dialect, spine
        self.leaves: dict[str, str] = {}
        """Columns of the first step: their text, and their names."""
        self.steps: list[dict[str, str]] = []
        """Columns of the further steps; the same text is one column."""
        self._n_operations = 0

    def of(self, node: Node) -> str:
        """Return what a feature is called, once the steps are done."""
        return self._referred(node)[0]

    def _referred(self, node: Node) -> tuple[str, int]:
        """Return how an expression is referred to, and the step that has it."""
        match node:
            case Constant(value=value):
                return double(value), 0
            case Place(group=group, slot=slot):
                return f"a{group}_{slot}", 0
            case Operation(op=op, left=left, right=right):
                return self._operation(op, self._referred(left), self._referred(right))
            case Number(field=field, scale=scale):
                return self._leaf(f"CAST(r.{self._spine.columns[field]} AS DOUBLE) / {double(scale)}"), 0
            case Part(part=part, field=field):
                at = f"r.{self._spine.time if field is None else self._spine.columns[field]}"
                return self._leaf(self._hour(at) if part == "hour" else self._weekday(at)), 0

    def _operation(self, op: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
        step = 1 + max(left[1], right[1])
        if op in COMPARISONS:
            return self._column(f"CAST({left[0]} {COMPARISONS[op]} {right[0]} AS DOUBLE)", step), step
        divisor = f"nullif({right[0]}, {double(0.0)})" if op == "/" else right[0]
        name = self._column(f"{left[0]} {op} {divisor}", step)
        return f"CASE WHEN abs({name}) <= {double(LARGEST_DOUBLE)} THEN {name} END", step

    def _leaf(self, text: str) -> str:
        return self.leaves.setdefault(text, f"v{len(self.leaves)}")

    def _column(self, text: str, step: int) -> str:
        while len(self.steps) < step:
            self.steps.append({})
        operations = self.steps[step - 1]
        if text not in operations:
            operations[text] = f"o{self._n_operations}"
            self._n_operations += 1
        return operations[text]

    def _hour(self, at: str) -> str:
        return f"CAST({self._dialect.divided(_rest(at, DAY_US), HOUR_US)} AS DOUBLE)"

    def _weekday(self, at: str) -> str:
        days = self._dialect.divided(f"{at} - {_rest(at, DAY_US)}", DAY_US)
        return f"CAST({_rest(f'({days} + 3)', 7)} AS DOUBLE)"


def double(value: float) -> str:
    """Return a double that reads back to the same bits; what is no number is missing.

    >>> double(0.1)
    "CAST('0.1' AS DOUBLE)"
    """
    if isnan(value):
        return "CAST(NULL AS DOUBLE)"
    spelled = {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, repr(value))
    return f"CAST('{spelled}' AS DOUBLE)"


def _rest(whole: str, by: int) -> str:
    """Return the rest of a floor division; databases round towards zero, so it is made positive."""
    return f"((({whole}) % {by} + {by}) % {by})"
