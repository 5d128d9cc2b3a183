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
from numpy.typing import NDArray

from tallystick.data import columns
from tallystick.data.columns import Codes, ParsedNumbers, ParsedTexts
from tallystick.data.ids import ids_of, repeated
from tallystick.data.parsing import Parsed, parser
from tallystick.data.records import (
    BEGINNING_US,
    EncodedKeys,
    FixedPoint,
    Record,
    Records,
    arrival_field,
    id_field,
    id_of,
    key_fields,
    time_field,
    value_fields,
)
from tallystick.data.refusals import LateArrival, RefusalCode, RefusalReason, RefusedRows, refusal_reason
from tallystick.definitions.fields import Field, Key
from tallystick.definitions.streams import Source, StreamDefinition, TableDefinition
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
    is_known: bool = False,
) -> Record:
    """Hold one raw record against its contract.

    It arrives now. Where the stream declares a field for the instant of arrival, a request need not have it: what it
    says there is not looked at, and the field is ``now``.

    Parameters
    ----------
    source : the stream or table it is sent to
    raw : a JSON object as bytes, or its fields by name, each parsed or still raw JSON (``msgspec.Raw``); JSON numbers
        are read as decimals, never as floats
    now : the instant it arrives, microseconds since 1970 UTC
    tolerance_us : how far ahead of ``now`` a record's own instant may lie
    ignore_unknown : let fields pass that are not declared, as in a record that another contract accepted
    is_known : it was accepted once, so that it is not asked again how late it came

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
    own, arrived = (name_field(source), time_field(source)), arrival_field(source)
    # Every field is tried, also after the first broken rule: a caller corrects all of them in one go.
    parsed: dict[str, Parsed] = {}
    broken: dict[str, RefusalCode] = {}
    for name, field in fields.items():
        # What a request claims about its arrival is not even parsed: only our own clock decides who saw it.
        value = now if name == arrived else parser(field)(given.get(name))
        if value is None and (not field.optional or name in own):
            value = RefusalCode.MISSING
        if type(value) is RefusalCode:
            broken[name] = value
        parsed[name] = value
    late = _held_to_clock(source, parsed, broken, now, now + tolerance_us, is_known=is_known)
    # The length is compared first, since it is cheap and nearly every request has exactly the declared fields.
    if broken or len(given) > len(fields) or not given.keys() <= fields.keys():
        raise RowRefused(source.name, reasons=_reasons(fields, given, broken, late))
    return _record(source, parsed)


def screen(
    source: Source,
    tables: Sequence[pa.Table],
    *,
    now: int,
    tolerance_us: int = 0,
    known_at: KnownAt | None = None,
    origin: str = "",
) -> tuple[Records, RefusedRows]:
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
    The accepted rows in their order, not numbered yet (``position`` is 0), and the refused ones. Of rows with one
    id, the first that breaks no other rule is kept.

    Raises
    ------
    ColumnMissing
        If a declared column is in none of the tables' columns.
    ColumnUnusable
        If a column's type cannot become the declared kind.
    """
    arrays = {name: _arrays(source, name, field, tables, origin) for name, field in source.fields.items()}
    named = name_field(source)
    names = _texts(arrays[named])
    numbers = {n: _numbers(f, arrays[n]) for n, f in source.fields.items() if not isinstance(f, Key)}
    keyed = {n: _keys(arrays[n]) for n in key_fields(source) if n != id_field(source)}
    # One code per row and field: 0 is fine, and the first broken rule of a field stays.
    codes = _required(source, names, numbers, keyed)
    time, wrong = _instants(source, names.texts, numbers, known_at, now + tolerance_us)
    own_time = time_field(source)
    codes_of_time = codes[own_time or named]
    # An outcome has no instant of its own, so what is wrong with its time is told under its key.
    codes_of_time[wrong & (codes_of_time == 0)] = RefusalCode.IN_THE_FUTURE if own_time else RefusalCode.EVENT_UNKNOWN
    late = _hold_to_arrival(source, numbers, codes, now + tolerance_us)
    # Duplicates come last: of rows with one id, the first that is otherwise sound counts, not the first of all.
    good = ~np.logical_or.reduce([found != 0 for found in codes.values()])
    ids = ids_of(source, names.texts, time)
    repeats = repeated(arrays[named][0] if ids is names.texts and len(arrays[named]) == 1 else ids, good)
    codes_of_id = codes[named if id_field(source) or own_time is None else own_time]
    codes_of_id[repeats & (codes_of_id == 0)] = RefusalCode.DUPLICATE
    good &= ~repeats
    records = _records(source, ids, time, keyed, numbers)
    # Nearly every source is without fault, and then its columns are used as they are, not copied.
    if good.all():
        return records, RefusedRows(np.zeros(0, np.int64), ())
    return records.taken(np.flatnonzero(good)), _refused(source, arrays, codes, late, np.flatnonzero(~good))


def name_field(source: Source) -> str:
    """Return the field that a record is called by: its id, or the key of a table's row."""
    return id_field(source) or source.key


def _object(source: Source, raw: bytes) -> dict[str, Any]:
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        refused = refusal_reason("", None, RefusalCode.NO_RECORD, str(error).rstrip("."), known=source.fields)
        raise RowRefused(source.name, reasons=[refused]) from None


def _opened(value: object) -> object:
    # Fields may still be raw JSON, so that money never passed through a float on its way here.
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
    # "0e5" is plain 0. What an exponent beyond all bounds turned into 0 was not nothing, and is out of range.
    return value if value or "e" not in text.lower() else _zero_or_infinity(text)


def _zero_or_infinity(text: str) -> Decimal | float:
    mantissa = text.lower().partition("e")[0]
    return Decimal(0) if not mantissa.strip("-0.") else math.inf


_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=_decimal)
_VALUE_DECODER = msgspec.json.Decoder(Any, float_hook=_decimal)


def _held_to_clock(
    source: Source, parsed: Mapping[str, Any], broken: dict[str, RefusalCode], now: int, latest: int, *, is_known: bool
) -> LateArrival | None:
    """Say in ``broken`` whether a record's own instant is too far from now, and return how late it is."""
    own_time, allowed = time_field(source), getattr(source, "lateness_us", None)
    if own_time is None or own_time in broken:
        return None
    if parsed[own_time] > latest:
        broken[own_time] = RefusalCode.IN_THE_FUTURE
    if is_known or allowed is None or now - parsed[own_time] <= allowed:
        return None
    # Checked at arrival only: a record read once more from the log was on time when it came.
    broken[own_time] = RefusalCode.BEYOND_LATENESS
    return LateArrival(now - parsed[own_time], allowed)


def _reasons(
    fields: Mapping[str, Field],
    given: Mapping[str, object],
    broken: Mapping[str, RefusalCode],
    late: LateArrival | None,
) -> list[RefusalReason]:
    broken_rules = [
        refusal_reason(name, field, broken[name], given.get(name), late=late)
        for name, field in fields.items()
        if name in broken
    ]
    unknown = [name for name in given if name not in fields]
    return broken_rules + [refusal_reason(name, None, RefusalCode.FIELD_UNKNOWN, known=fields) for name in unknown]


def _record(source: Source, parsed: Mapping[str, Any]) -> Record:
    keys = {name: parsed[name] for name in key_fields(source)}
    values = {name: parsed[name] for name in value_fields(source)}
    own_time = time_field(source)
    if isinstance(source, TableDefinition):
        return Record(source.name, parsed[source.key], None, keys, values)
    time = BEGINNING_US if own_time is None else parsed[own_time]
    name = parsed[source.id] if source.id else id_of(source, parsed[source.key], time)
    return Record(source.name, name, time, keys, values)


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
    chunks = [columns.decoded(chunk) for chunk in chunks] if is_encoded or not same else chunks
    return [pa.concat_arrays(chunks)] if chunks and all(chunk.type == chunks[0].type for chunk in chunks) else chunks


def _texts(arrays: list[pa.Array]) -> ParsedTexts:
    parsed = [columns.parse_texts(array) for array in arrays]
    return ParsedTexts(pa.concat_arrays([p.texts for p in parsed]), np.concatenate([p.codes for p in parsed]))


def _keys(arrays: list[pa.Array]) -> tuple[EncodedKeys, Codes]:
    if len(arrays) == 1:
        return columns.parse_keys(arrays[0])
    return columns.parse_keys(pa.concat_arrays([columns.as_key_texts(array) for array in arrays]))


def _numbers(field: Field, arrays: list[pa.Array]) -> ParsedNumbers:
    parsed = [columns.parse_numbers(field, array) for array in arrays]
    if len(parsed) == 1:
        return parsed[0]
    values, missing = (np.concatenate([getattr(p.fixed, part) for p in parsed]) for part in ("values", "missing"))
    return ParsedNumbers(FixedPoint(values, missing, field.decimals), np.concatenate([p.codes for p in parsed]))


def _required(
    source: Source,
    names: ParsedTexts,
    numbers: Mapping[str, ParsedNumbers],
    keyed: Mapping[str, tuple[EncodedKeys, Codes]],
) -> dict[str, Codes]:
    """Return the rule each row broke by field, in the declared order, with what may not be missing among them."""
    codes = {}
    for name, field in source.fields.items():
        if name in numbers:
            found, missing = numbers[name].codes, numbers[name].fixed.missing
        elif name == name_field(source):
            found, missing = names.codes, columns.nulls(names.texts)
        else:
            found, missing = keyed[name][1], keyed[name][0].codes < 0
        is_own = name in (name_field(source), time_field(source))
        codes[name] = (
            found if field.optional and not is_own else np.where(missing, np.uint8(RefusalCode.MISSING), found)
        )
    return codes


def _instants(
    source: Source, names: pa.Array, numbers: Mapping[str, ParsedNumbers], known_at: KnownAt | None, latest: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each row's instant, and whether it lies in the future or, for outcomes, nothing tells it."""
    if isinstance(source, StreamDefinition) and source.time:
        time = numbers[source.time].fixed.values
        return time, time > latest
    if isinstance(source, StreamDefinition):
        return np.full(len(names), BEGINNING_US), np.zeros(len(names), np.bool_)
    if known_at is None:
        return np.zeros(len(names), np.int64), np.zeros(len(names), np.bool_)
    return known_at(names)


def _hold_to_arrival(
    source: Source, numbers: Mapping[str, ParsedNumbers], codes: Mapping[str, Codes], latest: int
) -> NDArray[np.int64] | None:
    """Say in ``codes`` which rows arrived impossibly early or too late; return how late each came, if any can tell."""
    arrived, own_time = arrival_field(source), time_field(source)
    if arrived is None or own_time is None or not isinstance(source, StreamDefinition):
        return None
    late: NDArray[np.int64] = numbers[arrived].fixed.values - numbers[own_time].fixed.values
    is_known = (codes[arrived] == 0) & (codes[own_time] == 0)
    if source.lateness_us is not None:
        codes[own_time][is_known & (late > source.lateness_us)] = RefusalCode.BEYOND_LATENESS
    # Clocks of two machines differ, so a little before its own time is no lie yet.
    codes[arrived][is_known & (late < -CLOCK_TOLERANCE_US)] = RefusalCode.ARRIVED_BEFORE
    codes[arrived][(codes[arrived] == 0) & (numbers[arrived].fixed.values > latest)] = RefusalCode.IN_THE_FUTURE
    return late


def _refused(
    source: Source,
    arrays: Mapping[str, list[pa.Array]],
    codes: Mapping[str, Codes],
    late: NDArray[np.int64] | None,
    rows: NDArray[np.int64],
) -> RefusedRows:
    # Values are fetched for refused rows alone: sentences quote them, and accepted rows need none.
    reasons: list[list[RefusalReason]] = [[] for _ in rows]
    allowed = getattr(source, "lateness_us", None)
    for name, field in source.fields.items():
        at = np.flatnonzero(codes[name][rows])
        for place, value in zip(at.tolist(), columns.values_at(arrays[name], rows[at]), strict=True):
            came = None if late is None or allowed is None else LateArrival(int(late[rows[place]]), allowed)
            reasons[place].append(refusal_reason(name, field, RefusalCode(codes[name][rows[place]]), value, late=came))
    return RefusedRows(rows, tuple(map(tuple, reasons)))


def _records(
    source: Source,
    ids: pa.Array,
    time: NDArray[np.int64],
    keyed: Mapping[str, tuple[EncodedKeys, Codes]],
    numbers: Mapping[str, ParsedNumbers],
) -> Records:
    keys = {name: keys for name, (keys, _) in keyed.items()}
    if isinstance(source, TableDefinition):
        # An outcome's key is its id: each stands once, so it is its own dictionary.
        keys[source.key] = EncodedKeys(np.arange(len(ids), dtype=np.int32), ids)
    # A record's own instant is its time; kept twice, the two could differ one day.
    values = {name: found.fixed for name, found in numbers.items() if name != time_field(source)}
    return Records(source, np.zeros(len(ids), np.int64), time, ids, keys, values)
