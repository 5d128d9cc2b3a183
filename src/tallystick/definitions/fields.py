"""What a column of a stream may hold: its kind, its unit and the closed range its values live in."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeVar

import msgspec

from tallystick.definitions.diagnostics import shown, where
from tallystick.errors import DefinitionError

MINOR_DIGITS = {
    "BHD": 3,
    "BIF": 0,
    "CLF": 4,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "IQD": 3,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "PYG": 0,
    "RWF": 0,
    "TND": 3,
    "UGX": 0,
    "UYI": 0,
    "UYW": 4,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
}
MAX_DECIMALS = 9


class Key(msgspec.Struct, frozen=True, tag="key"):
    """Names an entity or another record. It has one canonical text: 596 and "596" are one customer."""

    optional: bool = False

    decimals = 0


class Money(msgspec.Struct, frozen=True, tag="money"):
    """An amount in one currency, kept in whole minor units; the range is in major units."""

    currency: str
    minimum: str | None = None
    maximum: str | None = None
    optional: bool = False

    @property
    def decimals(self) -> int:
        """Digits after the point: 2 for EUR, 0 for JPY."""
        return MINOR_DIGITS.get(self.currency, 2)


class Number(msgspec.Struct, frozen=True, tag="number"):
    """A decimal number kept as a whole count of its last digit; ``scale`` is how many digits follow the point."""

    scale: int
    minimum: str | None = None
    maximum: str | None = None
    optional: bool = False

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return self.scale


class Integer(msgspec.Struct, frozen=True, tag="integer"):
    """A whole number."""

    minimum: str | None = None
    maximum: str | None = None
    optional: bool = False

    decimals = 0


class Flag(msgspec.Struct, frozen=True, tag="flag"):
    """Yes or no, kept as 1 or 0."""

    optional: bool = False

    decimals = 0


class Time(msgspec.Struct, frozen=True, tag="time"):
    """An instant, kept in microseconds since 1970 UTC; a time without a zone is taken as UTC."""

    optional: bool = False

    decimals = 0


Field = Key | Money | Number | Integer | Flag | Time
Bound = float | str | Decimal | None
SomeField = TypeVar("SomeField", Key, Money, Number, Integer, Flag, Time)

key = Key()
flag = Flag()
time = Time()


def money(currency: str, *, minimum: Bound = None, maximum: Bound = None) -> Money:
    """Declare an amount in a currency, with an optional closed range in major units.

    Parameters
    ----------
    currency : three-letter ISO 4217 code; it says how many decimals are kept, 2 for EUR and 0 for JPY
    minimum, maximum : the ends of the range, both allowed, in major units (12.5 is 12.50 EUR); None for no end

    Raises
    ------
    DefinitionError
        If the currency is no three-letter code, or the range is none.

    Examples
    --------
    >>> money("EUR", minimum=0)
    Money(currency='EUR', minimum='0', maximum=None, optional=False)
    """
    # Not held to a list of codes: currencies come, and a project must not wait for a new version.
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isupper()):
        sentence = f"{currency!r} is no currency. Write its three-letter ISO 4217 code, such as money('EUR')."
        raise DefinitionError(sentence, where=where())
    return Money(currency, *_range(minimum, maximum))


def number(scale: int, *, minimum: Bound = None, maximum: Bound = None) -> Number:
    """Declare a decimal number with ``scale`` digits after the point (0 to 9).

    Parameters
    ----------
    scale : digits after the point, 0 to 9; a value with more is refused, never rounded
    minimum, maximum : the ends of the range, both allowed; None for no end

    Raises
    ------
    DefinitionError
        If the scale is out of range, or the range is none.
    """
    if isinstance(scale, bool) or not (isinstance(scale, int) and 0 <= scale <= MAX_DECIMALS):
        sentence = f"number(scale={scale!r}) is not possible. Write how many digits follow the point, 0 to 9."
        raise DefinitionError(sentence, where=where())
    return Number(scale, *_range(minimum, maximum))


def integer(*, minimum: Bound = None, maximum: Bound = None) -> Integer:
    """Declare a whole number, with an optional closed range.

    Parameters
    ----------
    minimum, maximum : the ends of the range, both allowed; None for no end

    Raises
    ------
    DefinitionError
        If the range is none.
    """
    return Integer(*_range(minimum, maximum))


def optional(field: SomeField) -> SomeField:
    """Allow the value of a field to be missing.

    Raises
    ------
    DefinitionError
        If it is no field.

    Examples
    --------
    >>> optional(flag)
    Flag(optional=True)
    """
    if not isinstance(field, Field):
        raise DefinitionError(
            f"optional() takes a field such as ts.flag or ts.money('EUR'), not {shown(field)}.", where=where()
        )
    return msgspec.structs.replace(field, optional=True)


def bounds(field: Field) -> tuple[int | None, int | None]:
    """Return the closed range of a field in its own fixed-point units.

    >>> bounds(money("EUR", minimum=0.5, maximum="1.999"))
    (50, 199)
    """
    if isinstance(field, Flag):
        return 0, 1
    if not isinstance(field, Money | Number | Integer):
        return None, None
    # A bound finer than the unit is drawn inwards: what lies outside the range never becomes allowed.
    return _scaled(field.minimum, field.decimals, ROUND_CEILING), _scaled(field.maximum, field.decimals, ROUND_FLOOR)


def _scaled(bound: str | None, decimals: int, rounding: str) -> int | None:
    return None if bound is None else int(Decimal(bound).scaleb(decimals).to_integral_value(rounding))


def _range(minimum: Bound, maximum: Bound) -> tuple[str | None, str | None]:
    low, high = (None if bound is None else _decimal(bound) for bound in (minimum, maximum))
    if low is not None and high is not None and low > high:
        sentence = f"minimum={minimum} lies above maximum={maximum}. Exchange them."
        raise DefinitionError(sentence, where=where())
    return None if low is None else _written(low), None if high is None else _written(high)


def _written(bound: Decimal) -> str:
    # One text for one number: 0, 0.0 and -0 are one bound, and give one digest.
    return format(bound.normalize() + 0, "f")


def _decimal(bound: float | str | Decimal) -> Decimal:
    try:
        # By its text: the float 0.1 means one tenth to whoever wrote it, not its fifty binary digits.
        value = Decimal(str(bound))
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite():
        raise DefinitionError(f"{bound!r} is no number to bound a field with.", where=where())
    return value
