"""What a record must look like: one contract per source, held against tables of history and against raw requests.

No row disappears: a refused one keeps every rule it broke. A table and a request obey the same rules.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data import columns
from tallystick.data.columns import Codes, Numbers, Texts
from tallystick.data.parsing import Parsed, parser
from tallystick.data.reasons import Code, Reason, Refused, reason
from tallystick.data.records import Fixed, Keys, Record, Records, id_field, time_field
from tallystick.definitions.fields import Field, Key
from tallystick.definitions.streams import Source, StreamDefinition
from tallystick.errors import ColumnMissing, ColumnUnusable, RowRefused

CLOCK_TOLERANCE_US = 60_000_000
"""How far a sender's clock may run ahead of ours before its records are refused."""

KnownAt = Callable[[pa.Array], tuple[NDArray[np.int64], NDArray[np.bool_]]]
"""From a table's ids to the instant each outcome became known, and whether its event is unknown."""


def parse(
    source: Source,
    raw: Mapping[str, object] | bytes,
    *,
    now: int,
    tolerance_us: int = CLOCK_TOLERANCE_US,
    ignore_unknown: bool = False,
) -> Record:
    """Hold one raw record against its contract.

    Parameters
    ----------
    source : the stream or table it is sent to
    raw : a JSON object as bytes, or its fields by name, each parsed or still raw JSON (``msgspec.Raw``); JSON numbers
        are read as decimals, never as floats
    now : the present instant, microseconds since 1970 UTC
    tolerance_us : how far ahead of ``now`` a record's own instant may lie
    ignore_unknown : let fields pass that are not declared, as in a record that another contract accepted

    Raises
    ------
    RowRefused
        If fields are missing, wrong or not declared; it names all of them at once.

    Examples
    --------
    >>> from tallystick.definitions.fields import key, money
    >>> from tallystick.definitions.streams import Stream
    >>> fields = {"customer_id": key, "amount": money("EUR")}
    >>> payments = Stream("payments", id="payment_id", time="paid_at", fields=fields)
    >>> raw = b'{"payment_id": 7, "paid_at": "1970-01-01T00:00:01Z", "customer_id": "596", "amount": 12.30}'
    >>> record = parse(payments.definition, raw, now=2_000_000)
    >>> record.id, record.time, record.keys, record.values
    ('7', 1000000, {'customer_id': '596'}, {'amount': 1230})
    """
    fields = source.fields
    given = _object(source, raw) if isinstance(raw, bytes) else {name: _opened(value) for name, value in raw.items()}
    if ignore_unknown:
        given = {name: value for name, value in given.items() if name in fields}
    own_id, own_time = id_field(source), time_field(source)
    parsed: dict[str, Parsed] = {}
    broken: dict[str, Code] = {}
    for name, field in fields.items():
        value = parser(field)(given.get(name))
        if value is None and (not field.optional or name in (own_id, own_time)):
            value = Code.MISSING
        if type(value) is Code:
            broken[name] = value
        parsed[name] = value
    instant: Any = None if own_time is None else parsed[own_time]
    if own_time is not None and own_time not in broken and instant > now + tolerance_us:
        broken[own_time] = Code.IN_THE_FUTURE
    if broken or len(given) > len(fields) or not given.keys() <= fields.keys():
        raise RowRefused(source.name, reasons=_reasons(fields, given, broken))
    return _record(source, parsed, instant)


def screen(
    source: Source,
    tables: Sequence[pa.Table],
    *,
    now: int,
    tolerance_us: int = 0,
    known_at: KnownAt | None = None,
    origin: str = "",
) -> tuple[Records, Refused]:
    """Hold every row of a source's tables against its contract.

    Parameters
    ----------
    source : the stream or table
    tables : its files' contents in order; columns that nothing declares are ignored
    now, tolerance_us : a record's own instant may not lie later than their sum
    known_at : for a table, how to find when each outcome became known; without it, all have time 0
    origin : where the tables come from, for the errors' sentences

    Returns
    -------
    The accepted rows in their order, not numbered yet (``seq`` is 0), and the refused ones. Of rows with one id, the
    first that breaks no other rule is kept.

    Raises
    ------
    ColumnMissing
        If a declared column is in none of the tables' columns.
    ColumnUnusable
        If a column's type cannot become the declared kind.
    """
    arrays = {name: _arrays(source, name, field, tables, origin) for name, field in source.fields.items()}
    own_id = id_field(source)
    ids = _texts(arrays[own_id])
    numbers = {n: _numbers(f, arrays[n]) for n, f in source.fields.items() if not isinstance(f, Key)}
    keyed = {n: _keys(arrays[n]) for n, f in source.fields.items() if isinstance(f, Key) and n != own_id}
    codes = _required(source, ids, numbers, keyed)
    time, wrong = _instants(source, ids.texts, numbers, known_at, now + tolerance_us)
    own_time = time_field(source)
    codes_of_time = codes[own_time or own_id]
    codes_of_time[wrong & (codes_of_time == 0)] = Code.IN_THE_FUTURE if own_time else Code.EVENT_UNKNOWN
    good = ~np.logical_or.reduce([found != 0 for found in codes.values()])
    repeated = _repeated(arrays[own_id][0] if len(arrays[own_id]) == 1 else ids.texts, good)
    codes[own_id][repeated & (codes[own_id] == 0)] = Code.DUPLICATE
    good &= ~repeated
    records = _records(source, ids.texts, time, keyed, numbers)
    if good.all():
        return records, Refused(np.zeros(0, np.int64), ())
    return records.taken(np.flatnonzero(good)), _refused(source, arrays, codes, np.flatnonzero(~good))


def _object(source: Source, raw: bytes) -> dict[str, Any]:
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        refused = reason("", None, Code.NO_RECORD, str(error).rstrip("."), known=source.fields)
        raise RowRefused(source.name, reasons=[refused]) from None


def _opened(value: object) -> object:
    if not isinstance(value, msgspec.Raw):
        return value
    try:
        return _VALUE_DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return bytes(value)  # no field takes bytes, so it is refused and shown as it came


def _decimal(text: str) -> Decimal | float:
    # Beyond what a Decimal can say, "1e99999999999999999999", it is no number for us either.
    try:
        value = Decimal(text)
    except InvalidOperation:
        return math.inf
    return value if value or "e" not in text.lower() else _zero_or_infinity(text)


def _zero_or_infinity(text: str) -> Decimal | float:
    mantissa = text.lower().partition("e")[0]
    return Decimal(0) if not mantissa.strip("-0.") else math.inf


_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=_decimal)
_VALUE_DECODER = msgspec.json.Decoder(Any, float_hook=_decimal)


def _reasons(fields: Mapping[str, Field], given: Mapping[str, object], broken: Mapping[str, Code]) -> list[Reason]:
    told = [reason(name, field, broken[name], given.get(name)) for name, field in fields.items() if name in broken]
    unknown = [name for name in given if name not in fields]
    return told + [reason(name, None, Code.FIELD_UNKNOWN, known=fields) for name in unknown]


def _record(source: Source, parsed: Mapping[str, Any], instant: int | None) -> Record:
    own_id, own_time = id_field(source), time_field(source)
    keys, values = {}, {}
    for name, field in source.fields.items():
        if isinstance(field, Key):
            if name != own_id or own_time is None:
                keys[name] = parsed[name]
        elif name != own_time:
            values[name] = parsed[name]
    return Record(source.name, parsed[own_id], instant, keys, values)


def _arrays(source: Source, name: str, field: Field, tables: Sequence[pa.Table], origin: str) -> list[pa.Array]:
    chunks: list[pa.Array] = []
    for table in tables:
        if name not in table.column_names:
            raise ColumnMissing(source.name, name, path=origin, found=table.column_names)
        column = table.column(name)
        if not columns.is_readable(field, column.type):
            kind = type(field).__name__.lower()
            raise ColumnUnusable(source.name, name, found=str(column.type), kind=kind, allowed=columns.readable(field))
        chunks += column.chunks
    return _joined(chunks) or [pa.array([], pa.string())]


def _joined(chunks: list[pa.Array]) -> list[pa.Array]:
    # Files mostly agree about their types: then all rows are parsed in one go.
    same = all(chunk.type == chunks[0].type for chunk in chunks)
    is_encoded = bool(chunks) and pa.types.is_dictionary(chunks[0].type)
    chunks = [columns.plain(chunk) for chunk in chunks] if is_encoded or not same else chunks
    return [pa.concat_arrays(chunks)] if chunks and all(chunk.type == chunks[0].type for chunk in chunks) else chunks


def _texts(arrays: list[pa.Array]) -> Texts:
    parsed = [columns.texts(array) for array in arrays]
    return Texts(pa.concat_arrays([p.texts for p in parsed]), np.concatenate([p.codes for p in parsed]))


def _keys(arrays: list[pa.Array]) -> tuple[Keys, Codes]:
    if len(arrays) == 1:
        return columns.keys(arrays[0])
    return columns.keys(pa.concat_arrays([columns.canonical(array) for array in arrays]))


def _numbers(field: Field, arrays: list[pa.Array]) -> Numbers:
    parsed = [columns.numbers(field, array) for array in arrays]
    if len(parsed) == 1:
        return parsed[0]
    values, missing = (np.concatenate([getattr(p.fixed, part) for p in parsed]) for part in ("values", "missing"))
    return Numbers(Fixed(values, missing, field.decimals), np.concatenate([p.codes for p in parsed]))


def _required(
    source: Source, ids: Texts, numbers: Mapping[str, Numbers], keyed: Mapping[str, tuple[Keys, Codes]]
) -> dict[str, Codes]:
    """Return the rule each row broke by field, in the declared order, with what may not be missing among them."""
    codes = {}
    for name, field in source.fields.items():
        if name in numbers:
            found, missing = numbers[name].codes, numbers[name].fixed.missing
        elif name in keyed:
            found, missing = keyed[name][1], keyed[name][0].codes < 0
        else:
            found, missing = ids.codes, columns.nulls(ids.texts)
        is_own = name in (id_field(source), time_field(source))
        codes[name] = found if field.optional and not is_own else np.where(missing, np.uint8(Code.MISSING), found)
    return codes


def _instants(
    source: Source, ids: pa.Array, numbers: Mapping[str, Numbers], known_at: KnownAt | None, latest: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each row's instant, and whether it lies in the future or, for a table, nothing tells it."""
    if isinstance(source, StreamDefinition):
        time = numbers[source.time].fixed.values
        return time, time > latest
    if known_at is None:
        return np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
    return known_at(ids)


def _repeated(ids: pa.Array, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows have the id of an earlier good row; ids are texts, or the whole numbers they were made of."""
    if _are_distinct(ids):
        return np.zeros(len(good), np.bool_)
    encoded = pc.dictionary_encode(ids)
    n_ids, none = len(encoded.dictionary), len(good)
    place = pc.fill_null(encoded.indices, n_ids).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(good)
    first = np.full(n_ids + 1, none)
    first[place[rows][::-1]] = rows[::-1]  # the last to be written is the first of its id
    first[n_ids] = none
    repeated: NDArray[np.bool_] = np.arange(len(good)) > first[place]
    return repeated


def _are_distinct(ids: pa.Array) -> bool:
    """Return whether it is cheap to see that no id comes twice: whole numbers are sorted, texts must rise already."""
    if ids.null_count or len(ids) < 2:
        return len(ids) < 2
    if pa.types.is_integer(ids.type):
        ordered = np.sort(ids.to_numpy(), kind="stable")
        return bool(np.all(ordered[1:] != ordered[:-1]))
    return bool(pc.all(pc.less(ids[:-1], ids[1:])).as_py())


def _refused(
    source: Source, arrays: Mapping[str, list[pa.Array]], codes: Mapping[str, Codes], rows: NDArray[np.int64]
) -> Refused:
    told: list[list[Reason]] = [[] for _ in rows]
    for name, field in source.fields.items():
        at = np.flatnonzero(codes[name][rows])
        for place, value in zip(at.tolist(), columns.values_at(arrays[name], rows[at]), strict=True):
            told[place].append(reason(name, field, Code(codes[name][rows[place]]), value))
    return Refused(rows, tuple(tuple(reasons) for reasons in told))


def _records(
    source: Source,
    ids: pa.Array,
    time: NDArray[np.int64],
    keyed: Mapping[str, tuple[Keys, Codes]],
    numbers: Mapping[str, Numbers],
) -> Records:
    keys = {name: keys for name, (keys, _) in keyed.items()}
    if time_field(source) is None:
        # A table's key is its id: each stands once, so it is its own dictionary.
        keys[id_field(source)] = Keys(np.arange(len(ids), dtype=np.int32), ids)
    values = {name: found.fixed for name, found in numbers.items() if name != time_field(source)}
    return Records(source, np.zeros(len(ids), np.int64), time, ids, keys, values)
