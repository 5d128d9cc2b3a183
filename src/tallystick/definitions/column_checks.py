"""What columns know of their stream where they are written down, and what is asked of those that meet."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from tallystick.definitions.diagnostics import shown, where
from tallystick.definitions.fields import Field, Integer, Key, Money, Number
from tallystick.errors import DefinitionError

_SUMMED = Money | Number | Integer
SomeColumn = TypeVar("SomeColumn", bound=msgspec.Struct)


def with_fields(column: SomeColumn, fields: Mapping[str, Field]) -> SomeColumn:
    """Let a column know the fields of its stream, beside its own value: no digest and no file holds them.

    Parameters
    ----------
    column : one that was just taken of a stream
    fields : all fields of that stream, by name
    """
    # Outside the struct's fields: part of them, it would stand in every digest and every file.
    column.__dict__["fields"] = fields
    return column


def known_fields(column: msgspec.Struct) -> Mapping[str, Field]:
    """Return the fields of a column's stream; none where it was read from a file and not taken of a declared stream."""
    fields: Mapping[str, Field] = column.__dict__.get("fields", {})
    return fields


def known_kind(column: msgspec.Struct) -> Field | None:
    """Return what a column holds, where that is known."""
    return known_fields(column).get(getattr(column, "field", ""))


def check_order(low: object, high: object) -> None:
    """Hold the ends of a range to their order, where both are numbers.

    Parameters
    ----------
    low, high : as they were written; of anything but two plain numbers nothing is asked

    Raises
    ------
    DefinitionError
        If low is above high.
    """
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise DefinitionError(f"No number is between {shown(low)} and {shown(high)}. Exchange them.", where=where())


def check_key(fields: Mapping[str, Field], stream: str, on: object) -> None:
    """Hold ``on=`` to a key field of the stream that tells about records of another.

    Parameters
    ----------
    fields : of that stream; of one whose fields are not known nothing is asked
    stream : its name
    on : what was written

    Raises
    ------
    DefinitionError
        If it names no key.
    """
    if fields and not (isinstance(on, str) and isinstance(fields.get(on), Key)):
        keys = ", ".join(repr(name) for name, kind in fields.items() if isinstance(kind, Key))
        sentence = f"on={shown(on)} must name the key field of {stream!r} with the other record's id. It has {keys}."
        raise DefinitionError(sentence, where=where())


def check_unit(column: msgspec.Struct, delta: msgspec.Struct) -> None:
    """Hold a column and what is added to it to one unit, where both are known.

    Parameters
    ----------
    column : what is corrected
    delta : the column that is added to it

    Raises
    ------
    DefinitionError
        If they are no numbers, or not of one unit.
    """
    kind, added = known_kind(column), known_kind(delta)
    # A definition that was read back from a file was checked when it was written.
    if kind is None or added is None:
        return
    if not isinstance(kind, _SUMMED) or not isinstance(added, _SUMMED) or _unit(kind) != _unit(added):
        sentence = (
            f"{shown(delta)} corrects {shown(column)}, and they are not in one unit. Declare both as money of one "
            "currency, or as numbers of as many decimals."
        )
        raise DefinitionError(sentence, where=where())


def check_words(vocabulary: tuple[object, ...]) -> None:
    """Hold the words of a category to what they are: texts, and different ones.

    Raises
    ------
    DefinitionError
        If there is none, one is no text or empty, or one stands twice.
    """
    is_sound = vocabulary and all(isinstance(word, str) and word for word in vocabulary)
    if not is_sound or len(set(vocabulary)) < len(vocabulary):
        wording = ", ".join(shown(word) for word in vocabulary)
        sentence = f"category({wording}) needs one or more different texts, such as category('web', 'app')."
        raise DefinitionError(sentence, where=where())


def _unit(kind: Money | Number | Integer) -> str | int:
    return kind.currency if isinstance(kind, Money) else kind.decimals
