"""Why a value or a row is refused: codes that never change, and one sentence for each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.durations import UNITS_US
from tallystick.definitions.fields import Field, Flag, Integer, Key, Money, Number, Time, bounds

MAX_KEY_BYTES = 200
MAX_UNITS = 2**63 - 1
MAX_FLOAT_UNITS = 2**53
FIRST_US = 0
LAST_US = 7_258_118_400_000_000  # 2200-01-01, the first instant that is refused
MAX_SHOWN = 80
_TWICE: dict[type, str] = {Time: "row about this key holds from this instant"}


class RefusalCode(IntEnum):
    """Every way to be refused. A code's name is written to quarantines and answers and never changes its meaning."""

    FINE = 0
    MISSING = 1
    WRONG_TYPE = 2
    EMPTY = 3
    TOO_LONG = 4
    CONTROL_CHARACTER = 5
    SURROUNDING_SPACE = 6
    NOT_FINITE = 7
    TOO_LARGE = 8
    IMPRECISE = 9
    TOO_MANY_DECIMALS = 10
    BELOW_MINIMUM = 11
    ABOVE_MAXIMUM = 12
    TOO_EARLY = 13
    TOO_LATE = 14
    IN_THE_FUTURE = 15
    DUPLICATE = 16
    EVENT_UNKNOWN = 17
    FIELD_UNKNOWN = 18
    NO_RECORD = 19
    BEYOND_LATENESS = 20
    ARRIVED_BEFORE = 21


class RefusalReason(msgspec.Struct, frozen=True):
    """One broken rule of one field.

    Parameters
    ----------
    field : the field's name; empty where the whole record is meant
    code : the name of a ``RefusalCode`` in lower case
    sentence : what was found and what is allowed
    """

    field: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class LateArrival:
    """How much later than it happened a record arrived, and how much its stream's ``lateness`` allows."""

    by_us: int
    allowed_us: int


@dataclass(frozen=True, slots=True)
class RefusedRows:
    """The refused rows of one source.

    Parameters
    ----------
    rows : shape (m,), int64: their places in the source, counted from 0 over all its files
    reasons : for each of them, every rule it broke
    """

    rows: NDArray[np.int64]
    reasons: tuple[tuple[RefusalReason, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How often each reason was given, such as ``{"amount: below_minimum": 3}``, most often first."""
        counted = Counter(f"{reason.field}: {reason.code}" for row in self.reasons for reason in row)
        return dict(counted.most_common())


def refusal_reason(
    name: str,
    field: Field | None,
    code: RefusalCode,
    value: object = None,
    *,
    known: Iterable[str] = (),
    late: LateArrival | None = None,
) -> RefusalReason:
    """Return the reason for refusing a value.

    Parameters
    ----------
    name : the field's name
    field : its kind; None where nothing declares it
    code : the rule it broke
    value : what was found
    known : the declared fields, for a field that is not
    late : how late the record arrived, where it was too late

    Examples
    --------
    >>> refusal_reason("amount", Money("EUR", minimum="0"), RefusalCode.BELOW_MINIMUM, "-3").sentence
    "amount is '-3'; the least allowed is 0."
    """
    if code is RefusalCode.BEYOND_LATENESS and late is not None:
        came, may = exact_duration(late.by_us), exact_duration(late.allowed_us)
        sentence = (
            f"{name} is {abbreviated(value)}; the record arrived {came} after that, and may at most {may} after it."
        )
        return RefusalReason(name, code.name.lower(), sentence)
    return RefusalReason(name, code.name.lower(), _sentence(name, field, code, value, known))


def allowed_values(field: Field) -> str:
    """Return what values a field takes, in words.

    >>> allowed_values(Money("EUR"))
    'an amount in EUR with at most 2 decimals, such as 12.30 or "12.30"'
    """
    match field:
        case Key():
            return "a text or a whole number"
        case Money():
            example = f"{12.3:.{field.decimals}f}"
            return f'an amount in {field.currency} with {_decimals(field)}, such as {example} or "{example}"'
        case Number():
            return f"a decimal number with {_decimals(field)}"
        case Integer():
            return "a whole number"
        case Flag():
            return "true, false, 1 or 0"
        case Time():
            return 'an instant such as "2026-03-01T12:00:00Z"'


def _sentence(name: str, field: Field | None, code: RefusalCode, value: object, known: Iterable[str]) -> str:
    # Of what is no object there is no field to speak of.
    if code is RefusalCode.NO_RECORD:
        return f"This is no JSON object ({value}). Send one object with the fields {', '.join(known)}."
    if code is RefusalCode.FIELD_UNKNOWN or field is None:
        return f"{name} is no declared field. Declared: {', '.join(known)}."
    if code is RefusalCode.MISSING:
        return f"{name} is missing; needed is {allowed_values(field)}."
    return f"{name} is {abbreviated(value)}; {_rule(field, code)}."


def _rule(field: Field, code: RefusalCode) -> str:
    low, high = ("" if bound is None else _units(bound, field.decimals) for bound in bounds(field))
    rules = {
        RefusalCode.WRONG_TYPE: f"allowed is {allowed_values(field)}",
        RefusalCode.EMPTY: "a key has at least one character",
        RefusalCode.TOO_LONG: f"a key has at most {MAX_KEY_BYTES} bytes in UTF-8",
        RefusalCode.CONTROL_CHARACTER: "a key has no control characters",
        RefusalCode.SURROUNDING_SPACE: "a key neither begins nor ends with white space",
        RefusalCode.NOT_FINITE: f"allowed is {allowed_values(field)}",
        RefusalCode.TOO_LARGE: f"the most that can be kept is {_units(MAX_UNITS, field.decimals)} on either side of 0",
        RefusalCode.IMPRECISE: "a float this large no longer tells its last decimals: give a decimal or a text",
        RefusalCode.TOO_MANY_DECIMALS: f"allowed is {allowed_values(field)}",
        RefusalCode.BELOW_MINIMUM: f"the least allowed is {low}",
        RefusalCode.ABOVE_MAXIMUM: f"the most allowed is {high}",
        RefusalCode.TOO_EARLY: "instants from 1970 on are allowed",
        RefusalCode.TOO_LATE: "instants before 2200 are allowed",
        RefusalCode.IN_THE_FUTURE: "a record cannot have happened later than now",
        RefusalCode.DUPLICATE: f"an earlier {_TWICE.get(type(field), 'record has this id')}, and the first one stays",
        RefusalCode.EVENT_UNKNOWN: "no accepted record has this id, so nothing says when this outcome became known",
        RefusalCode.BEYOND_LATENESS: "a record may not arrive later than its stream's lateness allows",
        RefusalCode.ARRIVED_BEFORE: "a record cannot have arrived before it happened",
    }
    return rules[code]


def abbreviated(value: object) -> str:
    """Return a value as a person reads it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(text)} characters)"


def _decimals(field: Money | Number) -> str:
    return {0: "no decimals", 1: "at most 1 decimal"}.get(field.decimals, f"at most {field.decimals} decimals")


def exact_duration(length_us: int) -> str:
    """Return a length of time to the microsecond, as people say it.

    >>> exact_duration(7_260_000_001)
    '2h 1m 1us'
    """
    parts, rest = [], length_us
    for unit, size in sorted(UNITS_US.items(), key=lambda pair: -pair[1]):
        n, rest = divmod(rest, size) if unit != "w" else (0, rest)
        parts += [f"{n}{unit}"] if n else []
    return " ".join(parts) or "0s"


def _units(units: int, decimals: int) -> str:
    # Whole numbers all the way: a bound is shown as it was declared, never through a float.
    sign, digits = "-" * (units < 0), str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
