"""Expressions over many records at once: row functions of columns, texts as places in a dictionary."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Records
from tallystick.features.batch import columns
from tallystick.features.entities import keys_of, translated
from tallystick.features.finalise import NAN
from tallystick.features.lowering import (
    AggregateNumber,
    AggregateText,
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

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Evaluator = Callable[[slice], Floats]
"""Gives an expression's values for a range of the asked rows."""

BLOCK = 8_192
"""So many rows are evaluated at a time that what lies between stays near the processor."""


@dataclass(frozen=True, slots=True)
class View:
    """The rows that expressions are asked about, and what they find there.

    Parameters
    ----------
    records : whose rows they are
    rows : places among the records; all in their order if None
    slot : gives the values of an aggregate's place for a range of rows; a text's are codes, NaN where missing
    names : gives the texts that the codes of an aggregate's place stand for
    """

    records: Records
    rows: Ints | None
    slot: Callable[[int, int, slice], Floats]
    names: Callable[[int, int], pa.Array]

    def __len__(self) -> int:
        return len(self.records) if self.rows is None else len(self.rows)

    def at(self, part: slice) -> "slice | Ints":
        """Return where a range of the asked rows stands among the records."""
        return part if self.rows is None else self.rows[part]


def of_records(records: Records) -> View:
    """Return the view of records themselves.

    Raises
    ------
    LookupError
        If an expression of them asks for an aggregate, which they do not have.
    """

    def nothing(group: int, slot: int, _: object = None) -> NDArray[np.float64]:
        raise LookupError(f"A record by itself has no aggregate {slot} of group {group}.")

    return View(records, None, nothing, nothing)


def evaluate_rows(node: Node, view: View) -> Floats:
    """Return an expression's values for every row of a view.

    Parameters
    ----------
    node : the expression
    view : the rows, and what the groups know of them
    """
    out = np.empty(len(view))
    evaluate_into(evaluator(node, view), out)
    return out


def evaluate_into(evaluate: Evaluator, out: Floats) -> None:
    """Fill a column with an expression's values, block by block.

    Parameters
    ----------
    evaluate : gives the values of a range of rows
    out : shape (rows of the view,), filled
    """
    for part in row_blocks(len(out)):
        out[part] = evaluate(part)


def row_blocks(n: int) -> list[slice]:
    """Return the ranges of rows that are evaluated together."""
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]


def evaluator(node: Node, view: View) -> Evaluator:
    """Return how to evaluate an expression; what is the same for all rows is looked up once, here.

    Parameters
    ----------
    node : the expression
    view : the rows, and what the groups know of them
    """
    match node:
        case Operation(op=op, left=left, right=right):
            sides = evaluator(left, view), evaluator(right, view)
            return lambda part: columns.operation(op, sides[0](part), sides[1](part))
        case Call(function=function, of=of):
            inner = evaluator(of, view)
            return lambda part: columns.call(function, inner(part))
        case TextEquality() | CategoryCode() | TextMissing():
            return _of_text(node, view)
        case Constant() | AggregateNumber() | NumberField() | InstantPart():
            return _leaf(node, view)


def _leaf(node: Constant | AggregateNumber | NumberField | InstantPart, view: View) -> Evaluator:
    match node:
        case Constant(value=value):
            return lambda part: np.full(part.stop - part.start, value)
        case AggregateNumber(group=group, slot=slot):
            return lambda part: view.slot(group, slot, part)
        case NumberField(field=field, scale=scale):
            column = view.records.values[field]
            return _but_missing(field, view, lambda at: columns.scaled(column.values[at], scale))
        case InstantPart():
            return _of_part(node, view)


def _of_part(node: InstantPart, view: View) -> Evaluator:
    name, zone = node.part, node.zone
    if node.field is None:
        return lambda part: columns.part(name, view.records.time[view.at(part)], zone)
    instants = view.records.values[node.field].values
    return _but_missing(node.field, view, lambda at: columns.part(name, instants[at], zone))


@dataclass(frozen=True, slots=True)
class _Texts:
    """A text's codes for a range of rows, -1 where it is missing, and the names they stand for."""

    codes: Callable[[slice], NDArray[np.integer]]
    names: pa.Array


def _of_text(node: TextEquality | CategoryCode | TextMissing, view: View) -> Evaluator:
    match node:
        case TextMissing(of=of):
            texts = _texts(of, view)
            return lambda part: (texts.codes(part) < 0).astype(np.float64)
        case CategoryCode(of=of, vocabulary=vocabulary):
            texts, n = _texts(of, view), len(vocabulary)
            places = translated(texts.names, pa.array(vocabulary, pa.string()), n).astype(np.float64)
            places[-1] = n + 1
            coded: Floats = places
            return lambda part: np.take(coded, texts.codes(part))
        case TextEquality(op=op, left=left, right=right):
            return _same(op, _texts(left, view), _texts(right, view))


def _same(op: str, left: _Texts, right: _Texts) -> Evaluator:
    """Compare two texts: the right one's names are looked up among the left one's, -2 where they are not there."""
    places = translated(right.names, left.names, -2)

    def evaluate(part: slice) -> Floats:
        ours, theirs = left.codes(part), right.codes(part)
        result: Floats = ((ours == places[theirs]) == (op == "==")).astype(np.float64)
        result[(ours < 0) | (theirs < 0)] = NAN
        return result

    return evaluate


def _texts(node: TextNode, view: View) -> _Texts:
    match node:
        case TextConstant(value=value):
            return _Texts(lambda part: np.zeros(part.stop - part.start, np.int32), pa.array([value], pa.string()))
        case AggregateText(group=group, slot=slot):
            return _Texts(lambda part: _codes(view.slot(group, slot, part)), view.names(group, slot))
        case TextField(field=field):
            if field is None:
                return _Texts(lambda part: _places(view.at(part)), view.records.ids)
            keys = keys_of(view.records, field)
            return _Texts(lambda part: keys.codes[view.at(part)], keys.names)


def _places(at: "slice | Ints") -> Ints:
    return np.arange(at.start, at.stop) if isinstance(at, slice) else at


def _codes(values: Floats) -> Ints:
    missing = np.isnan(values)
    return np.where(missing, -1.0, values).astype(np.int64)


def _but_missing(field: str, view: View, evaluate: Callable[["slice | Ints"], Floats]) -> Evaluator:
    missing = view.records.values[field].missing

    def masked(part: slice) -> Floats:
        at = view.at(part)
        result = evaluate(at)
        result[missing[at]] = NAN
        return result

    return masked
