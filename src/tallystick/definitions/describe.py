"""A feature set told to a person: for each feature its meaning, inputs, windows, unit and cost."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from tallystick.definitions.costs import Cost, costs
from tallystick.definitions.durations import written
from tallystick.definitions.expressions import Aggregate, AnyExpr, parts
from tallystick.definitions.inputs import columns
from tallystick.definitions.streams import Source, StreamDefinition
from tallystick.definitions.units import unit
from tallystick.definitions.words import words

WIDTHS = {"feature": 18, "meaning": 52, "unit": 9, "inputs": 24, "windows": 9, "delay": 5, "cost": 30}


class Described(msgspec.Struct, frozen=True):
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

    def cells(self) -> tuple[str, ...]:
        """Return it as a row of the table: one text per column."""
        several = (", ".join(values) for values in (self.inputs, self.windows, self.delays))
        return (self.name, self.meaning, self.unit, *several, str(self.cost))


class Description(msgspec.Struct, frozen=True):
    """A feature set: printed, it is a table.

    Parameters
    ----------
    name : the class's name
    spine : the stream with one row of features per record
    features : in the order declared
    """

    name: str
    spine: str
    features: tuple[Described, ...]

    def __getitem__(self, name: str) -> Described:
        """Return the feature of that name."""
        return {feature.name: feature for feature in self.features}[name]

    def __str__(self) -> str:
        """Return an aligned table, with a line for what it is of."""
        head = f"{self.name}: {len(self.features)} features, one row per record of {self.spine}"
        return "\n".join([head, "", *_table([tuple(WIDTHS), *(feature.cells() for feature in self.features)])])

    def to_plain(self) -> dict[str, Any]:
        """Return it as dicts, lists, texts and numbers: what JSON can hold."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


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
    >>> told = describe("Set", payments.definition, {"spend": spend}, {"payments": payments.definition})
    >>> told["spend"].meaning
    "sum of amount (EUR) over the customer's payments of the last 7 days"
    >>> str(told["spend"].cost)
    '1 running total per event, 2 lookups per question'
    >>> told["spend"].inputs
    ('payments.customer_id', 'payments.paid_at', 'payments.amount')
    """
    price = costs(features, sources)
    return Description(
        name,
        spine.name,
        tuple(
            Described(
                each,
                words(expr, sources),
                unit(expr, sources),
                tuple(".".join(column) for column in columns(expr, spine, sources)),
                *_lengths(expr),
                price[each],
            )
            for each, expr in features.items()
        ),
    )


def _lengths(expr: AnyExpr) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the windows and the delays of an expression, each once."""
    aggregates = [part for part in parts(expr) if isinstance(part, Aggregate)]
    windows = dict.fromkeys(written(each.window_us) if each.window_us else "ever" for each in aggregates)
    delays = dict.fromkeys(written(each.delay_us) for each in aggregates if each.delay_us)
    return tuple(windows), tuple(delays)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines; what is wider than its column goes on in the next line."""
    folded = [
        [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, WIDTHS.values(), strict=True)] for row in rows
    ]
    widths = [max(len(line) for cell in column for line in cell) for column in zip(*folded, strict=True)]
    lines = [line for row in folded for line in zip_longest(*row, fillvalue="")]
    return ["  ".join(f"{part:<{width}}" for part, width in zip(line, widths, strict=True)).rstrip() for line in lines]
