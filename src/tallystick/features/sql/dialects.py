"""The spelling in which databases differ: names, texts, whole numbers wider than 64 bits, and a few functions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan

from tallystick.errors import DialectUnknown


@dataclass(frozen=True, slots=True)
class Dialect:
    """The spelling of one database.

    Parameters
    ----------
    name : how a user asks for it
    quote : the sign around a name
    wide : the type of whole numbers of 126 bits
    text : writes a constant text
    summed : makes a whole number one whose ``sum`` is exact and never wraps
    divided : a whole number of 64 bits divided by another; both are positive, or the division leaves no rest
    divided_wide : the same of a wide number, to a wide number
    latest, earliest : the function of a value and an order that gives the value that is last or first in that order;
        a missing value is a value
    """

    name: str
    quote: str
    wide: str
    text: Callable[[str], str]
    summed: Callable[[str], str]
    divided: Callable[[str, int], str]
    divided_wide: Callable[[str, int], str]
    latest: str
    earliest: str

    def widened(self, text: str) -> str:
        """Return a whole number as a wide one."""
        return f"CAST({text} AS {self.wide})"


def dialect(name: str) -> Dialect:
    """Return the spelling of a database.

    Raises
    ------
    DialectUnknown
        If it is none that is spoken here.
    """
    if name not in DIALECTS:
        raise DialectUnknown(name, known=sorted(DIALECTS))
    return DIALECTS[name]


def double(value: float) -> str:
    """Return a double that reads back to the same bits; what is no number is missing.

    >>> double(0.1)
    "CAST('0.1' AS DOUBLE)"
    """
    if isnan(value):
        return "CAST(NULL AS DOUBLE)"
    as_texts = {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, repr(value))
    return f"CAST('{as_texts}' AS DOUBLE)"


def rest(whole: str, by: int) -> str:
    """Return the rest of a floor division; databases round towards zero, so it is made positive.

    Parameters
    ----------
    whole : an expression of a whole number, of either sign
    by : the divisor, above 0
    """
    return f"((({whole}) % {by} + {by}) % {by})"


def _doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    """Write a text for Spark, which knows escapes, and takes ``${...}`` anywhere for a variable."""
    signs = {"\\": "\\\\", "'": "\\'", "$": "\\u0024"}
    return "'" + "".join(signs.get(sign, sign) for sign in text) + "'"


DIALECTS = {
    "duckdb": Dialect(
        name="duckdb",
        quote='"',
        wide="HUGEINT",
        text=_doubled,
        summed=lambda text: text,  # a sum of BIGINT is a HUGEINT there
        divided=lambda text, by: f"({text}) // {by}",
        divided_wide=lambda text, by: f"({text}) // {by}",
        latest="arg_max_null",
        earliest="arg_min_null",
    ),
    "spark": Dialect(
        name="spark",
        quote="`",
        wide="DECIMAL(38, 0)",
        text=_escaped,
        summed=lambda text: f"CAST({text} AS DECIMAL(38, 0))",
        divided=lambda text, by: f"({text}) div {by}",
        # `div` gives 64 bits there; without its rest the quotient is a whole number, which no division rounds.
        divided_wide=lambda text, by: f"CAST((({text}) - ({text}) % {by}) / {by} AS DECIMAL(38, 0))",
        latest="max_by",
        earliest="min_by",
    ),
}
