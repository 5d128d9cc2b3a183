"""A feature set in words: for each feature its meaning, inputs, windows, unit and cost."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tallystick.definitions.costs import Cost, costs
from tallystick.definitions.durations import duration_text
from tallystick.definitions.expressions import Aggregate, AnyExpr, subexpressions
from tallystick.definitions.inputs import input_columns
from tallystick.definitions.meaning import meaning
from tallystick.definitions.streams import Source, StreamDefinition
from tallystick.definitions.units import unit
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Table

_COLUMNS = (
    Column("feature"),
    Column("meaning"),
    Column("unit"),
    Column("inputs", is_detail=True),
    Column("windows", is_detail=True),
    Column("delay", is_detail=True),
    Column("cost"),
)


class FeatureDescription(msgspec.Struct, frozen=True):
    """One feature.

    Parameters
    ----------
    name : its column
    meaning : in words, made of its definition
    unit : such as "EUR", "count", "share 0-1", "seconds" or "none"
    inputs : every column that it looks at, as "stream.column", each once
    windows : the lengths of its windows, such as "7d", and "ever"
    delays : how long before the record its windows end, those of its windows that do
    cost : what is kept and looked up for it
    """

    name: str
    meaning: str
    unit: str
    inputs: tuple[str, ...]
    windows: tuple[str, ...]
    delays: tuple[str, ...]
    cost: Cost


class Description(Displayed, msgspec.Struct, frozen=True):
    """A feature set: printed, or shown in a notebook, it is a table.

    Parameters
    ----------
    name : the class's name
    spine : the stream with one row of features per record
    features : in the order declared
    """

    name: str
    spine: str
    features: tuple[FeatureDescription, ...]

    def __getitem__(self, name: str) -> FeatureDescription:
        """Return the feature of that name."""
        return {feature.name: feature for feature in self.features}[name]

    def to_plain(self) -> dict[str, Any]:
        """Return it as dicts, lists, texts and numbers: what JSON can hold."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def report(self) -> Report:
        """Return a row for each feature; a terminal has room for meaning, unit and cost."""
        rows = [
            (
                each.name,
                each.meaning,
                each.unit,
                *map(", ".join, (each.inputs, each.windows, each.delays)),
                str(each.cost),
            )
            for each in self.features
        ]
        title = f"{self.name}: {len(self.features)} features, one row per record of {self.spine}"
        return Report(title, (Section("", (Table.of(_COLUMNS, rows),)),))


def describe(
    name: str, spine: StreamDefinition, features: Mapping[str, AnyExpr], sources: Mapping[str, Source]
) -> Description:
    """Return what every feature of a set means and costs.

    Parameters
    ----------
    name : what the set is called
    spine : the stream with one row of features per record
    features : their expressions by name
    sources : every stream and table that they look at, by name

    Examples
    --------
    >>> from tallystick.definitions.fields import key, money
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="payment_id", time="paid_at",
    ...                   fields={"customer_id": key, "amount": money("EUR")})
    >>> spend = payments.by("customer_id").sum(payments.amount).over("7d")
    >>> described = describe("Set", payments.definition, {"spend": spend}, {"payments": payments.definition})
    >>> described["spend"].meaning
    "sum of amount (EUR) over the customer's payments of the last 7 days"
    >>> str(described["spend"].cost)
    '1 running total per event, 2 lookups per question'
    >>> described["spend"].inputs
    ('payments.customer_id', 'payments.paid_at', 'payments.amount')
    """
    price = costs(features, sources)
    return Description(
        name,
        spine.name,
        tuple(
            FeatureDescription(
                each,
                meaning(expr, sources),
                unit(expr, sources),
                tuple(".".join(column) for column in input_columns(expr, spine, sources)),
                *_lengths(expr),
                price[each],
            )
            for each, expr in features.items()
        ),
    )


def _lengths(expr: AnyExpr) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the windows and the delays of an expression, each once."""
    aggregates = [part for part in subexpressions(expr) if isinstance(part, Aggregate)]
    windows = dict.fromkeys(duration_text(each.window_us) if each.window_us else "ever" for each in aggregates)
    delays = dict.fromkeys(duration_text(each.delay_us) for each in aggregates if each.delay_us)
    return tuple(windows), tuple(delays)
