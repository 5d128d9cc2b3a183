"""Which entity a record belongs to or asks about, as bytes."""

from collections.abc import Callable, Sequence

from tallystick.data.records import Record
from tallystick.errors import EntityTooLong
from tallystick.features.state.keys import length_prefixed

EntityName = Callable[[Record], bytes | None]


def entity_namer(fields: Sequence[str], id_field: str) -> EntityName:
    r"""Return the function that gives a record's entity, None where a part of its name is missing.

    Parameters
    ----------
    fields : the key fields that name the entity
    id_field : what the record's stream calls its ids

    Examples
    --------
    >>> paid = Record("payments", "p1", 0, {"customer": "ann", "shop": None})
    >>> entity_namer(["customer"], "payment_id")(paid), entity_namer(["payment_id"], "payment_id")(paid)
    (b'ann', b'p1')
    >>> entity_namer(["customer", "payment_id"], "payment_id")(paid)
    b'\x00\x03ann\x00\x02p1'
    >>> entity_namer(["customer", "shop"], "payment_id")(paid) is None
    True
    """
    parts = [None if field == id_field else field for field in fields]
    if len(parts) > 1:
        return _several(parts)
    return _of_id if parts[0] is None else _one(parts[0])


def entity_words(fields: Sequence[str], entity: bytes) -> str:
    r"""Return an entity for a reader.

    Parameters
    ----------
    fields : the key fields that name it
    entity : as ``entity_namer``'s function returned it

    Examples
    --------
    >>> entity_words(["customer", "shop"], b"\x00\x03ann\x00\x017"), entity_words(["customer"], b"ann")
    ('customer ann, shop 7', 'customer ann')
    """
    if len(fields) == 1:
        return f"{fields[0]} {entity.decode()}"
    parts, start = [], 0
    for field in fields:
        end = start + 2 + int.from_bytes(entity[start : start + 2], "big")
        parts.append(f"{field} {entity[start + 2 : end].decode()}")
        start = end
    return ", ".join(parts)


def check_length(name: bytes, longest: int, of: Sequence[str]) -> None:
    """Hold an entity or id against the longest that the store's keys can hold.

    Parameters
    ----------
    name : as it stands in the key
    longest : the most bytes
    of : the fields that it comes from

    Raises
    ------
    EntityTooLong
        If its bytes do not fit.
    """
    if len(name) > longest:
        raise EntityTooLong(name.decode(errors="replace"), n_bytes=len(name), allowed=longest, of=", ".join(of))


def _of_id(record: Record) -> bytes:
    return record.id.encode()


def _one(field: str) -> EntityName:
    def name(record: Record) -> bytes | None:
        found = record.keys[field]
        return None if found is None else found.encode()

    return name


def _several(parts: Sequence[str | None]) -> EntityName:
    def name(record: Record) -> bytes | None:
        found = [record.id if field is None else record.keys[field] for field in parts]
        if None in found:
            return None
        return b"".join([length_prefixed(part.encode()) for part in found if part is not None])

    return name
