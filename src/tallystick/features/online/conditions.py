"""Conditions over whole columns without a compiler: each row function as it is written, row by row.

Serving loads its state with these, and serving has no compiler; batch compiles the same functions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import FixedPoint, Records
from tallystick.definitions.zones import Zone
from tallystick.errors import DefinitionError
from tallystick.features.lowering import (
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
from tallystick.features.rowwise import CALLS, NAN, OPERATIONS, PARTS, decimal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def evaluate_condition(node: Node, records: Records) -> Floats:
    """Return a condition's values for every record of a stream.

    Parameters
    ----------
    node : an expression of the record alone
    records : of one stream

    Raises
    ------
    DefinitionError
        If it holds an aggregate: a condition is about its event alone.
    """
    match node:
        case Constant(value=value):
            return np.full(len(records), value)
        case NumberField(field=field, scale=scale):
            return _present(records.values[field], lambda values: _each(decimal, values, scale))
        case InstantPart(part=part, field=field, zone=zone):
            at = _own(records) if field is None else records.values[field]
            return _present(at, lambda values: _part(part, values, zone))
        case Operation(op=op, left=left, right=right):
            return _each(OPERATIONS[op], evaluate_condition(left, records), evaluate_condition(right, records))
        case Call(function=function, of=of):
            return _each(CALLS[function], evaluate_condition(of, records))
        case TextEquality() | CategoryCode() | TextMissing():
            return _of_text(node, records)
        case _:
            raise DefinitionError(f"A condition on an event of {records.source.name!r} holds an aggregate: {node!r}.")


def _of_text(node: TextEquality | CategoryCode | TextMissing, records: Records) -> Floats:
    match node:
        case TextEquality(op=op, left=left, right=right):
            return _same(_texts(left, records), _texts(right, records), is_equal=op == "==")
        case CategoryCode(of=of, vocabulary=vocabulary):
            return _coded(_texts(of, records), vocabulary)
        case TextMissing(of=of):
            return np.asarray(_texts(of, records).is_null(), dtype=np.float64)


def _own(records: Records) -> FixedPoint:
    return FixedPoint(records.time, np.zeros(len(records), dtype=np.bool_), 0)


def _each(function: Callable[..., float], *columns: Any) -> Floats:
    """Apply a function of plain numbers to each row."""
    written = np.frompyfunc(function, len(columns), 1)
    return np.asarray(written(*columns), dtype=np.float64)


def _present(column: FixedPoint, evaluate: Callable[[Ints], Floats]) -> Floats:
    result = evaluate(column.values)
    result[column.missing] = NAN
    return result


def _part(part: str, at: Ints, zone: Zone | None) -> Floats:
    if zone is not None:
        change = np.searchsorted(np.array(zone.begins, dtype=np.int64), at, side="right") - 1
        at = at + np.array(zone.offsets, dtype=np.int64)[np.maximum(change, 0)]
    return _each(PARTS[part], at)


def _same(left: pa.Array, right: pa.Array, *, is_equal: bool) -> Floats:
    compared = pc.equal(left, right) if is_equal else pc.not_equal(left, right)
    return np.asarray(pc.fill_null(pc.cast(compared, pa.float64()), NAN))


def _coded(texts: pa.Array, vocabulary: tuple[str, ...]) -> Floats:
    places = pc.index_in(texts, value_set=pa.array(vocabulary, pa.string()), skip_nulls=True)
    result = np.asarray(pc.fill_null(places, len(vocabulary)), dtype=np.float64)
    result[np.asarray(texts.is_null())] = len(vocabulary) + 1
    return result


def _texts(node: TextNode, records: Records) -> pa.Array:
    match node:
        case TextConstant(value=value):
            return pa.array([value] * len(records), pa.string())
        case TextField(field=None):
            return records.ids
        case TextField(field=str(field)):
            keys = records.keys[field]
            return keys.names.take(pa.array(keys.codes, mask=keys.codes < 0))
        case _:
            raise DefinitionError(f"A condition on an event of {records.source.name!r} holds an aggregate: {node!r}.")
