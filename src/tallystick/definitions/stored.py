"""How values are kept for years: the one stored form of each, the law of its defaults, and readers by format number.

**The law.** What is stored leaves out every field that has its default value, and a default never changes its meaning.
So a later version may give a stored struct another field with a default: what was written before has the same bytes,
the same digest, and the same meaning as ever. Whoever wants another default adds a field, or a format.

**The form.** A stored text is canonical JSON, and exactly the stored form of the value that is read from it. A field
that nobody declared, a repeated one, a default that is written out, another spacing: none is that form.

**The number.** Everything kept by itself (bundle, candidate, evidence, segment) begins with one integer, its format;
it has no default, so that it is always written. Each number known has one reader, in one mapping beside the format;
a number that is not in it is refused by an error that names those that are.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from tallystick.definitions.digest import canonical

T = TypeVar("T")
Reader = TypeVar("Reader")

_REQUIRED = object()
_PLAIN = frozenset((str, int, float, bool))


def stored_form(value: Any) -> Any:
    """Return a value as dicts, lists, texts, numbers, booleans and None: what is stored of it, and what digests hold.

    A struct becomes a dict with its tag, and with those fields that are not at their default. msgspec's own
    ``omit_defaults`` compares most values by identity, so that a text read from a file is written out again where it
    equals the default; here what is equal when stored is equal. A value whose form is not simply its fields, since the
    order of names matters or places are left out, has a method ``to_stored``, which keeps the law itself.

    Examples
    --------
    >>> class Window(msgspec.Struct, tag="window"):
    ...     length: int
    ...     zone: str = "UTC"
    >>> stored_form(Window(7)), stored_form(Window(7, "Europe/Berlin"))
    ({'type': 'window', 'length': 7}, {'type': 'window', 'length': 7, 'zone': 'Europe/Berlin'})
    """
    if value is None or type(value) in _PLAIN:
        return value
    if hasattr(type(value), "to_stored"):
        return value.to_stored()
    if isinstance(value, msgspec.Struct):
        return struct_form(value)
    if isinstance(value, Mapping):
        return {key: stored_form(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [stored_form(each) for each in value]
    return msgspec.to_builtins(value)


def struct_form(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct's stored form, field by field: where a form of its own begins from."""
    config = value.__struct_config__
    plain: dict[str, Any] = {} if config.tag is None else {str(config.tag_field): config.tag}
    for name, encoded, default in _fields(type(value)):
        found = stored_form(getattr(value, name))
        if default is _REQUIRED or not _is_default(found, default):
            plain[encoded] = found
    return plain


def stored_bytes(value: Any) -> bytes:
    """Return the canonical JSON of a value's stored form."""
    return canonical(stored_form(value))


def read_stored(content: bytes, kind: type[T]) -> T:
    """Return the value that a stored text holds.

    Parameters
    ----------
    content : the text's bytes
    kind : what it should hold

    Raises
    ------
    ValueError
        If it is no JSON of that kind, or is not in the one stored form. (msgspec's errors are of this class.)
    """
    value = msgspec.json.decode(content, type=kind)
    check_stored(content, value)
    return value


def check_stored(content: bytes, value: Any) -> None:
    """Refuse a text that says what its value holds, and is not in the one stored form.

    Parameters
    ----------
    content : the text's bytes
    value : what was read from it; or its stored form, where that has a shape of its own

    Raises
    ------
    ValueError
        If the two differ.
    """
    if stored_bytes(value) != content:
        raise ValueError("it is not in canonical form")


def reader_of(content: bytes, readers: Mapping[int, Reader], *, unknown: Callable[[int], Exception]) -> Reader:
    """Return the reader of a text's format; nothing else of it is looked at.

    Parameters
    ----------
    content : JSON whose ``format`` is a whole number
    readers : by the format that each knows
    unknown : makes the error for a format that none knows; it names those that are known

    Raises
    ------
    ValueError
        If the text states no format. (msgspec's errors are of this class.)
    """
    found = msgspec.json.decode(content, type=_Numbered).format
    if found not in readers:
        raise unknown(found)
    return readers[found]


class _Numbered(msgspec.Struct):
    format: int


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    """Return each field's name, its name in JSON, and its default's stored form; a factory's is what it makes."""
    return tuple((field.name, field.encode_name, _default(field)) for field in msgspec.structs.fields(kind))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return stored_form(field.default)
    return _REQUIRED if field.default_factory is msgspec.NODEFAULT else stored_form(field.default_factory())


def _is_default(found: Any, default: Any) -> bool:
    # By stored form, since expressions build comparisons out of ``==``; and by its text, since 1 and True are equal.
    return bool(found == default) and canonical(found) == canonical(default)
