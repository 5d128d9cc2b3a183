"""One raw value held against its field: the rules, as they apply to a request, one value at a time."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from tallystick.data.refusals import FIRST_US, LAST_US, MAX_FLOAT_UNITS, MAX_KEY_BYTES, MAX_UNITS, RefusalCode
from tallystick.definitions.fields import Field, Flag, Integer, Key, Money, Number, Time, bounds

Parsed = int | str | RefusalCode | None
"""Whole units, a canonical text, None for a missing value, or the rule that was broken."""

# The same patterns serve Python's re and Arrow's RE2, so each rule is written once.
DECIMAL = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?"
CONTROL = "[\x00-\x1f\x7f-\x9f]"
SPACES = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
EDGE_SPACE = f"^[{SPACES}]|[{SPACES}]$"
CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
INSTANT = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ]{CLOCK}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:[Zz]|[+-]{CLOCK})?"

_DECIMAL, _INSTANT = re.compile(DECIMAL), re.compile(INSTANT)
_CONTROL, _EDGE_SPACE = re.compile(CONTROL), re.compile(EDGE_SPACE)
_ZONED = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE = _ZONED.replace(tzinfo=None)
_US = timedelta(microseconds=1)
_MAX_DIGITS = 19  # of the largest whole number that is kept
_MAX_KEY_BITS = 660  # more bits than the longest key has digits for
_SECONDS_END = 19  # of "2026-03-01T12:00:00"


@lru_cache(maxsize=1_024)
def parser(field: Field) -> Callable[[object], Parsed]:
    """Return the function that holds one raw value against a field, whether it may be missing or not.

    Raw values are what JSON and notebooks give: texts, whole numbers, decimals, floats, booleans, instants, None.
    The first broken rule is returned: a value that is no value of its kind has no range to be held against.

    Examples
    --------
    >>> parser(Money("EUR"))(Decimal("12.3")), parser(Money("EUR"))("12.30"), parser(Money("EUR"))("12.345")
    (1230, 1230, <RefusalCode.TOO_MANY_DECIMALS: 10>)
    >>> parser(Key())(596), parser(Key())("596")
    ('596', '596')
    """
    match field:
        case Key():
            return parse_key
        case Flag():
            return parse_flag
        case Time():
            return parse_instant
        case Money() | Number() | Integer():
            return _number(field.decimals, *bounds(field))


def parse_key(value: object) -> str | RefusalCode | None:
    """Return the canonical text of a key."""
    if type(value) is not str:
        return _key_of_other(value)
    # Nearly all keys are short ASCII texts, and one request has several: these four questions settle them.
    if value.isascii() and value.isprintable() and 0 < len(value) <= MAX_KEY_BYTES and not value.startswith(" "):
        return RefusalCode.SURROUNDING_SPACE if value.endswith(" ") else value
    return _unusual_key(value)


def parse_flag(value: object) -> int | RefusalCode | None:
    """Return 1 or 0."""
    if value is True or value is False:
        return int(value)
    # In JSON true needs no quotes, so a quoted one is a mistake; in CSV everything is a text, and columns.py allows it.
    units = RefusalCode.WRONG_TYPE if isinstance(value, str) else _units(value, 0)
    return units if units is None or (type(units) is int and 0 <= units <= 1) else RefusalCode.WRONG_TYPE


def parse_instant(value: object) -> int | RefusalCode | None:
    """Return microseconds since 1970 UTC; smaller parts are cut off, and a time without a zone is taken as UTC."""
    at = _instant(value)
    if at is None or type(at) is RefusalCode:
        return at
    if at < FIRST_US:
        return RefusalCode.TOO_EARLY
    return at if at < LAST_US else RefusalCode.TOO_LATE


def _number(decimals: int, low: int | None, high: int | None) -> Callable[[object], int | RefusalCode | None]:
    def parse(value: object) -> int | RefusalCode | None:
        units = _units(value, decimals)
        if units is None or type(units) is RefusalCode:
            return units
        if low is not None and units < low:
            return RefusalCode.BELOW_MINIMUM
        return units if high is None or units <= high else RefusalCode.ABOVE_MAXIMUM

    return parse


def _units(value: object, decimals: int) -> int | RefusalCode | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return _units_of_decimal(value, decimals)
    # Not isinstance: True is an int to Python, and no amount.
    if type(value) is int:
        units = value * 10**decimals
        return units if -MAX_UNITS <= units <= MAX_UNITS else RefusalCode.TOO_LARGE
    if isinstance(value, float):
        return _units_of_float(float(value), decimals)
    if type(value) is str:
        return _units_of_decimal(Decimal(value), decimals) if _DECIMAL.fullmatch(value) else RefusalCode.WRONG_TYPE
    plain = _plain(value)
    return RefusalCode.WRONG_TYPE if plain is None or isinstance(plain, bool) else _units(plain, decimals)


def _units_of_decimal(value: Decimal, decimals: int) -> int | RefusalCode | None:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return RefusalCode.NOT_FINITE if exponent == "F" else None
    # The size comes first: no power of ten is computed before it is known to be small.
    shift, size = exponent + decimals, len(digits) if value else 0
    if size + shift > _MAX_DIGITS and size:
        return RefusalCode.TOO_LARGE
    if -shift > size:
        return RefusalCode.TOO_MANY_DECIMALS if size else 0
    whole = int("".join(map(str, digits)))
    units, rest = (whole * 10**shift if size else 0, 0) if shift >= 0 else divmod(whole, 10**-shift)
    if units > MAX_UNITS:
        return RefusalCode.TOO_LARGE
    if rest:
        return RefusalCode.TOO_MANY_DECIMALS
    return -units if sign else units


def _units_of_float(value: float, decimals: int) -> int | RefusalCode | None:
    if not math.isfinite(value):
        return None if math.isnan(value) else RefusalCode.NOT_FINITE
    scaled = value * float(10**decimals)
    if abs(scaled) > MAX_UNITS:
        return RefusalCode.TOO_LARGE
    units = round(scaled)
    if abs(units) > MAX_FLOAT_UNITS:
        return RefusalCode.IMPRECISE
    # A float that is the nearest to a decimal of this scale means that decimal; any other was computed, not written.
    return units if units / 10**decimals == value else RefusalCode.TOO_MANY_DECIMALS


def _instant(value: object) -> int | RefusalCode | None:
    if type(value) is str:
        return _instant_of_text(value)
    # Floor division of a timedelta is exact; timestamp() would go through a float.
    if isinstance(value, datetime):
        return int((value - (_NAIVE if value.tzinfo is None else _ZONED)) // _US)
    if isinstance(value, date):
        return (value - _NAIVE.date()) // _US
    return None if value is None else RefusalCode.WRONG_TYPE


def _instant_of_text(text: str) -> int | RefusalCode:
    if _INSTANT.fullmatch(text) is None:
        return RefusalCode.WRONG_TYPE
    try:
        # Python reads more forms than RFC 3339 has, so the pattern above decides and only the calendar is Python's.
        passed = datetime.fromisoformat(text[:_SECONDS_END].upper()) - _NAIVE
    except ValueError:
        return RefusalCode.WRONG_TYPE  # a day that its month does not have
    rest, offset = text[_SECONDS_END:].rstrip("Zz"), 0
    if rest[-3:-2] == ":":
        offset = (int(rest[-5:-3]) * 3_600 + int(rest[-2:]) * 60) * (-1 if rest[-6] == "-" else 1)
        rest = rest[:-6]
    # Nanoseconds are cut, never rounded: rounded up, a record could lie in the next window.
    return (passed.days * 86_400 + passed.seconds - offset) * 1_000_000 + int(rest[1:7].ljust(6, "0"))


def _key_of_other(value: object) -> str | RefusalCode | None:
    if value is None:
        return None
    plain = value if type(value) is int else _plain(value)
    if type(plain) is str:
        return parse_key(plain)
    if type(plain) is not int:
        return RefusalCode.WRONG_TYPE
    # Python refuses to write numbers of thousands of digits; such a key is too long anyway.
    return str(plain) if plain.bit_length() <= _MAX_KEY_BITS else RefusalCode.TOO_LONG


def _unusual_key(text: str) -> str | RefusalCode:
    if not text:
        return RefusalCode.EMPTY
    try:
        if len(text.encode()) > MAX_KEY_BYTES:
            return RefusalCode.TOO_LONG
    except UnicodeEncodeError:
        return RefusalCode.WRONG_TYPE  # half of a surrogate pair is no text
    if _CONTROL.search(text):
        return RefusalCode.CONTROL_CHARACTER
    return RefusalCode.SURROUNDING_SPACE if _EDGE_SPACE.search(text) else text


def _plain(value: object) -> object | None:
    """Return the plain Python value inside a subclass of one or inside a scalar of numpy, or None."""
    if isinstance(value, bool):
        return value
    for kind in (str, int, Decimal):
        if isinstance(value, kind):
            return kind(value)
    # Notebooks hand in numpy's scalars; their item() is the plain value.
    item = getattr(value, "item", None)
    inner = item() if callable(item) else None
    return inner if type(inner) in {str, int, float, bool} else None
