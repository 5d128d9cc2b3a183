"""A whole Arrow column held against its field: the rules of ``parsing``, many rows at a time.

Where a row is written the usual way, numpy decides it. The few others (an exponent, twenty digits, a decimal of 256
bits) are handed to the very function that parses one value, so there is no second opinion about them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.instants import from_texts, from_timestamps
from tallystick.data.parsing import CONTROL, EDGE_SPACE, parser
from tallystick.data.records import EncodedKeys, FixedPoint
from tallystick.data.refusals import FIRST_US, LAST_US, MAX_FLOAT_UNITS, MAX_KEY_BYTES, MAX_UNITS, RefusalCode
from tallystick.definitions.fields import Field, Flag, Integer, Key, Money, Number, Time, bounds

Codes = NDArray[np.uint8]

_PLAIN_DECIMAL = "^-?[0-9]{1,17}(?:[.][0-9]+)?$"
_MANTISSA = {pa.float32(): 2**24, pa.float64(): MAX_FLOAT_UNITS}


@dataclass(frozen=True, slots=True)
class ParsedNumbers:
    """A parsed column: whole units, which of them are missing, and the rule each row broke (0 where none)."""

    fixed: FixedPoint
    codes: Codes


@dataclass(frozen=True, slots=True)
class ParsedTexts:
    """A parsed column of keys: canonical texts (null where missing) and the rule each row broke (0 where none)."""

    texts: pa.Array
    codes: Codes


def readable(field: Field) -> str:
    """Return in words which Arrow types a field can be read from."""
    match field:
        case Key():
            return "texts and whole numbers"
        case Money() | Number() | Integer():
            return "decimals, whole numbers, floats, and texts such as '12.30'"
        case Flag():
            return "booleans, the numbers 0 and 1, and texts such as 'true' and '1'"
        case Time():
            return "timestamps, dates, and texts such as '2026-03-01T12:00:00Z'"


def is_readable(field: Field, kind: pa.DataType) -> bool:
    """Return whether a field can be read from a column of an Arrow type.

    Parameters
    ----------
    field : what the project declares
    kind : the column's Arrow type; a dictionary is judged by its values
    """
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    # A column that is empty in one file, Arrow calls null: its values are missing, whatever the field.
    if pa.types.is_null(kind):
        return True
    is_number = pa.types.is_integer(kind) or pa.types.is_decimal(kind) or kind in _MANTISSA
    match field:
        case Key():
            return _is_text(kind) or bool(pa.types.is_integer(kind))
        case Money() | Number() | Integer():
            return is_number or _is_text(kind)
        case Flag():
            return is_number or bool(pa.types.is_boolean(kind)) or _is_text(kind)
        case Time():
            return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind)) or _is_text(kind)


def parse_numbers(field: Field, array: pa.Array) -> ParsedNumbers:
    """Parse a column of money, numbers, integers, flags or instants; its type must be readable.

    Parameters
    ----------
    field : any kind but a key; it says how many decimals are kept, and which range is allowed
    array : shape (n,), of a type for which ``is_readable`` holds
    """
    array = decoded(array)
    missing = nulls(array)
    if isinstance(field, Time):
        values, codes = _instants(array)
    else:
        written = _flags_as_digits(array) if isinstance(field, Flag) and _is_text(array.type) else array
        values, codes = _units(field, written, field.decimals)
        # Frameworks write a missing number as NaN; infinity is no missing number, and is refused.
        if pa.types.is_floating(array.type):
            missing = missing | np.isnan(_numpy(array))
    codes = _ranged(field, values, codes)
    # What is missing broke no rule here; whether it may be missing is the contract's question.
    codes[missing] = 0
    # One value stands for every refused or missing one, so that nothing left over enters a sum or a digest.
    values = np.where(missing | (codes != 0), 0, values)
    return ParsedNumbers(FixedPoint(values, missing, field.decimals), codes)


def parse_texts(array: pa.Array) -> ParsedTexts:
    """Parse a column of keys into its canonical texts; its type must be readable."""
    array = decoded(array)
    # Whole numbers become keys by their digits: 596 and "596" are one customer.
    if not _is_text(array.type):
        return ParsedTexts(pc.cast(array, pa.string()), np.zeros(len(array), np.uint8))
    # One pass over the bytes settles nearly every column; each of the rules below is another.
    if _all_usual(array):
        return ParsedTexts(array, np.zeros(len(array), np.uint8))
    codes = np.zeros(len(array), np.uint8)
    # The first broken rule wins, so the last one is written first.
    codes[_true(pc.match_substring_regex(array, EDGE_SPACE))] = RefusalCode.SURROUNDING_SPACE
    codes[_true(pc.match_substring_regex(array, CONTROL))] = RefusalCode.CONTROL_CHARACTER
    length = pc.binary_length(array)
    codes[_true(pc.greater(length, MAX_KEY_BYTES))] = RefusalCode.TOO_LONG
    codes[_true(pc.equal(length, 0))] = RefusalCode.EMPTY
    return ParsedTexts(array, codes)


def parse_keys(array: pa.Array) -> tuple[EncodedKeys, Codes]:
    """Parse a column of keys of which many rows share one: the rules are asked once per key."""
    # A thousand terminals stand in millions of rows: each key is judged once.
    encoded = pc.dictionary_encode(decoded(array))
    parsed = parse_texts(encoded.dictionary)
    codes = _numpy(encoded.indices.fill_null(-1)).astype(np.int32, copy=False)
    # The spare 0 at the end is what code -1, a missing key, points to.
    broken = np.append(parsed.codes, np.uint8(0))[codes] if parsed.codes.any() else np.zeros(len(codes), np.uint8)
    return EncodedKeys(codes, parsed.texts), broken


def decoded(array: pa.Array) -> pa.Array:
    """Return an array without dictionary, with texts as Arrow's string; all else as it was."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type) or (_is_text(array.type) and array.type != pa.string()):
        return pc.cast(array, pa.string())
    return array


def as_key_texts(array: pa.Array) -> pa.Array:
    """Return a column of keys as texts, whatever they are worth."""
    return pc.cast(decoded(array), pa.string())


def nulls(array: pa.Array) -> NDArray[np.bool_]:
    """Return which values are null, shape (n,)."""
    return _numpy(array.is_null()) if array.null_count else np.zeros(len(array), np.bool_)


def values_at(arrays: Sequence[pa.Array], rows: NDArray[np.int64]) -> list[Any]:
    """Return the values found at some rows of a column in pieces, as plain Python values or as texts.

    Parameters
    ----------
    arrays : the pieces of the column in their order; their types may differ, as those of a source's files may
    rows : shape (m,), places counted from 0 over all pieces
    """
    # Files of one source may differ in type; then only texts can stand in one column.
    taken = pa.chunked_array([_tellable(array) for array in arrays]) if len({a.type for a in arrays}) == 1 else None
    if taken is None:
        taken = pa.chunked_array([as_key_texts(array) for array in arrays])
    return list(taken.take(pa.array(rows)).to_pylist())


def _tellable(array: pa.Array) -> pa.Array:
    # Python has no nanoseconds, and its calendar ends in the year 9999: instants are told as texts. Arrow cannot
    # take rows of its text views.
    is_known = pa.types.is_temporal(array.type) or pa.types.is_string_view(array.type)
    return pc.cast(array, pa.string()) if is_known else array


def _flags_as_digits(array: pa.Array) -> pa.Array:
    """Return texts with 1 for true and 0 for false: a request can say true without quotes, and a CSV file cannot."""
    for pattern, digit in (("^(?i:true)$", "1"), ("^(?i:false)$", "0")):
        array = pc.replace_substring_regex(array, pattern, digit)
    return array


def _units(field: Field, array: pa.Array, decimals: int) -> tuple[NDArray[np.int64], Codes]:
    kind = array.type
    if pa.types.is_boolean(kind):
        return _numpy(pc.cast(array, pa.int64())), np.zeros(len(array), np.uint8)
    if pa.types.is_integer(kind):
        return _of_integers(_numpy(array), decimals)
    if pa.types.is_floating(kind):
        return _of_floats(_numpy(array), decimals, _MANTISSA[kind])
    if pa.types.is_decimal(kind):
        values, codes, other = _of_decimals(array, decimals)
    else:
        values, codes, other = _of_plain_texts(array, decimals)
    return _one_by_one(field, array, np.flatnonzero(other & ~nulls(array)), values, codes)


def _of_integers(whole: NDArray[Any], decimals: int) -> tuple[NDArray[np.int64], Codes]:
    # Compared before it is multiplied: after an overflow nobody could tell.
    most = MAX_UNITS // 10**decimals
    # Unsigned numbers beyond 2**63 are compared as they are, and zeroed before they become signed.
    too_large = (whole > most) | (whole < -most)
    values = np.where(too_large, 0, whole).astype(np.int64) * 10**decimals
    return values, _coded(too_large, RefusalCode.TOO_LARGE)


def _of_floats(floats: NDArray[Any], decimals: int, mantissa: int) -> tuple[NDArray[np.int64], Codes]:
    scale = float(10**decimals)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = floats.astype(np.float64) * scale
        units = np.rint(scaled)
        # A float means the decimal it was written as: 12.30 is 12.30 if it comes back to the same float.
        exact = (units / scale).astype(floats.dtype) == floats
    size = np.abs(scaled)
    codes = np.where(exact, 0, RefusalCode.TOO_MANY_DECIMALS).astype(np.uint8)
    # Beyond its mantissa a float skips whole units, so the cents it shows are an accident.
    codes[np.abs(units) > mantissa] = RefusalCode.IMPRECISE
    codes[size >= 2.0**63] = RefusalCode.TOO_LARGE
    codes[np.isinf(floats)] = RefusalCode.NOT_FINITE
    codes[np.isnan(floats)] = 0
    return np.where((codes == 0) & (size < 2.0**63), units, 0).astype(np.int64), codes


def _of_decimals(array: pa.Array, decimals: int) -> tuple[NDArray[np.int64], Codes, NDArray[np.bool_]]:
    n, shift = len(array), decimals - array.type.scale
    # Such columns are rare, and their powers of ten do not fit 64 bits: they go one by one.
    if array.type.bit_width > 128 or abs(shift) > 18:
        return np.zeros(n, np.int64), np.zeros(n, np.uint8), np.ones(n, np.bool_)
    if array.type.bit_width < 128:
        array = pc.cast(array, pa.decimal128(38, array.type.scale))
    # A decimal128 is one whole number in two little-endian words; the high one only repeats the sign if it is small.
    words = np.frombuffer(array.buffers()[1], "<i8", count=2 * n, offset=16 * array.offset).reshape(n, 2)
    low, high = words[:, 0], words[:, 1]
    # The smallest of all has no opposite, and its absolute value below would overflow.
    other = (high != (low >> 63)) | (low == -(2**63))
    whole = np.where(other, 0, low)
    if shift >= 0:
        values, codes = _of_integers(whole, shift)
        return values, codes, other
    # numpy floors, so the sign is taken off: -1.999 and 1.999 lose the same digit.
    size, rest = np.divmod(np.abs(whole), 10**-shift)
    codes = _coded(rest != 0, RefusalCode.TOO_MANY_DECIMALS)
    return np.sign(whole) * size, codes, other


def _of_plain_texts(array: pa.Array, decimals: int) -> tuple[NDArray[np.int64], Codes, NDArray[np.bool_]]:
    # Up to 17 digits, so that no product below overflows; the rest is parsed one by one.
    usual = pc.fill_null(pc.match_substring_regex(array, _PLAIN_DECIMAL), fill_value=False)
    split = pc.split_pattern(pc.if_else(usual, array, "0"), ".", max_splits=1)
    whole = _numpy(pc.cast(pc.utf8_ltrim(pc.list_element(split, 0), "-"), pa.int64()))
    # Every list gets a second part: texts without a point have no fraction.
    has_point = pc.equal(pc.list_value_length(split), 2)
    # 12.500 has one decimal, not three: zeros at the end are no precision.
    fraction = pc.utf8_rtrim(_second_part(split, has_point), "0")
    too_fine = _numpy(pc.greater(pc.utf8_length(fraction), decimals))
    padded = pc.utf8_rpad(pc.utf8_slice_codeunits(fraction, 0, decimals), max(decimals, 1), "0")
    tail = _numpy(pc.cast(padded, pa.int64())) if decimals else np.zeros(len(array), np.int64)
    other = ~_numpy(usual) | (whole >= 10 ** (18 - decimals))
    size = np.where(other, 0, whole) * 10**decimals + tail
    # Asked of the text, since the whole part of "-0.5" is 0 and has no sign.
    negative = _true(pc.starts_with(array, "-"))
    return np.where(negative, -size, size), _coded(too_fine, RefusalCode.TOO_MANY_DECIMALS), other


def _second_part(split: pa.Array, has_point: pa.Array) -> pa.Array:
    parts, ends = split.flatten(), _numpy(split.offsets)[1:] - split.offsets[0].as_py()
    return pc.if_else(has_point, parts.take(pa.array(ends - 1)), "")


def _instants(array: pa.Array) -> tuple[NDArray[np.int64], Codes]:
    values, is_instant = from_texts(array) if _is_text(array.type) else from_timestamps(array)
    codes = np.zeros(len(array), np.uint8)
    codes[values >= LAST_US] = RefusalCode.TOO_LATE
    codes[values < FIRST_US] = RefusalCode.TOO_EARLY
    codes[~is_instant] = RefusalCode.WRONG_TYPE
    return values, codes


def _one_by_one(
    field: Field, array: pa.Array, rows: NDArray[np.int64], values: NDArray[np.int64], codes: Codes
) -> tuple[NDArray[np.int64], Codes]:
    if not len(rows):
        return values, codes
    parse, values, codes = parser(field), values.copy(), codes.copy()
    for row, value in zip(rows.tolist(), array.take(pa.array(rows)).to_pylist(), strict=True):
        parsed = parse(value)
        if type(parsed) is RefusalCode:
            codes[row], values[row] = parsed, 0
        elif isinstance(parsed, int):
            codes[row], values[row] = 0, parsed
    return values, codes


def _ranged(field: Field, values: NDArray[np.int64], codes: Codes) -> Codes:
    # 2 is a number and no flag: whatever was wrong before, it is of the wrong type.
    if isinstance(field, Flag):
        return _coded((codes != 0) | (values < 0) | (values > 1), RefusalCode.WRONG_TYPE)
    # Ranges are compared in units, after parsing, so that no bound is rounded through a float.
    low, high = bounds(field)
    codes = codes.copy()
    fine = codes == 0
    if high is not None:
        codes[fine & (values > high)] = RefusalCode.ABOVE_MAXIMUM
    if low is not None:
        codes[fine & (values < low)] = RefusalCode.BELOW_MINIMUM
    return codes


def _coded(broken: NDArray[np.bool_], code: RefusalCode) -> Codes:
    codes: Codes = broken * np.uint8(code)
    return codes


def _all_usual(array: pa.Array) -> bool:
    """Return whether every text is made of visible ASCII and is neither empty nor too long: by far the usual case."""
    lengths = pc.min_max(pc.binary_length(array)).as_py()
    if lengths["min"] is None:
        return True
    buffers = array.buffers()
    content = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.zeros(0, np.uint8)
    offsets = np.frombuffer(buffers[1], np.int32, count=len(array) + 1, offset=4 * array.offset)
    content = content[offsets[0] : offsets[-1]]
    is_short = lengths["min"] > 0 and lengths["max"] <= MAX_KEY_BYTES
    return bool(is_short and len(content) and content.min() > 0x20 and content.max() < 0x7F)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def _true(answers: pa.Array) -> NDArray[np.bool_]:
    return _numpy(pc.fill_null(answers, fill_value=False))


def _numpy(array: pa.Array) -> NDArray[Any]:
    # numpy would turn whole numbers with nulls into floats, and large ones would lose digits.
    if array.null_count:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    made: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return made
