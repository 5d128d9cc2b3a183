"""Columns and single values obey one set of rules."""

import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tallystick.data import columns
from tallystick.data.parsing import DECIMAL, INSTANT, parser
from tallystick.data.refusals import RefusalCode
from tallystick.definitions import fields as f

NUMBER_FIELDS = st.sampled_from(
    [
        f.money("EUR", minimum=0),
        f.money("JPY"),
        f.money("KWD", maximum="12.5"),
        f.number(9),
        f.number(4, minimum="-0.5", maximum=1),
        f.integer(minimum=-3),
        f.flag,
    ]
)
TEXT_FIELDS = NUMBER_FIELDS.filter(lambda field: not isinstance(field, f.Flag))
DECIMAL_TYPES = st.sampled_from(
    [
        pa.decimal128(38, 0),
        pa.decimal128(12, 2),
        pa.decimal128(38, 20),
        pa.decimal128(20, -3),
        pa.decimal256(60, 4),
        pa.decimal32(9, 3),
        pa.decimal64(18, 6),
    ]
)
EARLY, LATE = datetime(1960, 1, 1), datetime(2210, 1, 1)  # noqa: DTZ001 - their texts get a zone
EDGES = [0, 1, -1, 12, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 92_233_720_368_547_758, 92_233_720_368_547_759]
INSTANTS = st.integers(-(2**40), 2**43) | st.sampled_from([-1, 0, 7_258_118_399, 7_258_118_400])


def column(field: f.Field, values: list[Any], kind: pa.DataType) -> list[Any]:
    """Return what each value of a column becomes: a value, None, or the code it is refused with."""
    array = pa.array(values, kind)
    if isinstance(field, f.Key):
        parsed = columns.parse_texts(array)
        return [RefusalCode(c) if c else v for v, c in zip(parsed.texts.to_pylist(), parsed.codes, strict=True)]
    found = columns.parse_numbers(field, array)
    cells = zip(found.fixed.values.tolist(), found.fixed.missing, found.codes, strict=True)
    return [RefusalCode(c) if c else None if missing else v for v, missing, c in cells]


def one_by_one(field: f.Field, values: list[Any]) -> list[Any]:
    """Return what each value becomes when it is parsed alone."""
    return [parser(field)(value) for value in values]


@given(NUMBER_FIELDS, st.lists(st.none() | st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_mean_the_same_in_a_column_and_alone(field: f.Field, values: list[int | None]) -> None:
    """A column of int64 gives the values and refusals that its numbers give one by one."""
    assert column(field, values, pa.int64()) == one_by_one(field, values)


@given(NUMBER_FIELDS, st.lists(st.none() | st.integers(0, 2**64 - 1)))
def test_unsigned_numbers_mean_the_same_in_a_column_and_alone(field: f.Field, values: list[int | None]) -> None:
    """A column of uint64, whose numbers may exceed int64, gives what they give one by one."""
    assert column(field, values, pa.uint64()) == one_by_one(field, values)


@given(NUMBER_FIELDS, st.lists(st.none() | st.floats() | st.decimals(-1_000, 1_000, places=2).map(float)))
@example(f.money("EUR"), [0.07, 90_071_992_547_409.92, 90_071_992_547_409.94, 1e300, float("nan"), -0.0, 0.615])
def test_floats_mean_the_same_in_a_column_and_alone(field: f.Field, values: list[float | None]) -> None:
    """A column of float64 gives the values and refusals that its floats give one by one."""
    assert column(field, values, pa.float64()) == one_by_one(field, values)


@given(st.data(), NUMBER_FIELDS, DECIMAL_TYPES)
def test_decimals_mean_the_same_in_a_column_and_alone(data: st.DataObject, field: f.Field, kind: pa.DataType) -> None:
    """Columns of decimals of every width and scale give what their numbers give one by one."""
    most = 10**kind.precision - 1
    whole = st.integers(-most, most) | st.integers(-200, 200) | st.sampled_from(EDGES).filter(lambda n: abs(n) <= most)
    values = data.draw(st.lists(st.none() | whole.map(lambda n: Decimal(f"{n}e{-kind.scale}"))))

    assert column(field, values, kind) == one_by_one(field, values)


@given(TEXT_FIELDS, st.lists(st.none() | st.from_regex(DECIMAL, fullmatch=True) | st.text(max_size=8)))
@example(f.money("EUR"), ["12.3", "12.300", "-0.01", ".5", "5.", "007", "1e2", "1E-2", "+1", " 1", "", "NaN", "1e9999"])
@example(
    f.money("EUR"), ["9" * 17, "9" * 18, "9" * 40, "92233720368547758.07", "92233720368547758.08", "0." + "0" * 30]
)
@example(f.number(0), ["1.0", "1.5", "99999999999999999", "1\n", "\u0661"])
def test_written_numbers_mean_the_same_in_a_column_and_alone(field: f.Field, values: list[str | None]) -> None:
    """A column of texts gives the values and refusals that they give one by one."""
    assert column(field, values, pa.string()) == one_by_one(field, values)


@given(st.lists(st.none() | st.text(max_size=12) | st.sampled_from([" a", "a ", "\u3000a", "a\x7f", "é" * 101, "a\n"])))
@example([""])
@example(["C1", "C2"])
@example(["\ufeffa", "a\u200a", "\x00", "x" * 200, "x" * 201])
def test_keys_mean_the_same_in_a_column_and_alone(values: list[str | None]) -> None:
    """A column of keys gives the canonical texts and refusals that they give one by one."""
    assert column(f.key, values, pa.string()) == one_by_one(f.key, values)
    assert column(f.key, values, pa.large_string()) == one_by_one(f.key, values)


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_are_keys_by_their_digits(values: list[int | None]) -> None:
    """596 and "596" are one key, in a column and alone."""
    texts = [None if value is None else str(value) for value in values]

    assert column(f.key, values, pa.int64()) == one_by_one(f.key, values) == one_by_one(f.key, texts)


@given(
    st.lists(st.none() | INSTANTS), st.sampled_from(["s", "ms", "us", "ns"]), st.sampled_from([None, "Europe/Paris"])
)
def test_instants_mean_the_same_in_a_column_and_alone(seconds: list[int | None], unit: str, zone: str | None) -> None:
    """Timestamps of every unit, with a zone or without, give the instants that they give one by one."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ticks = [None if s is None or abs(s * per_second) >= 2**63 else s * per_second for s in seconds]
    start = datetime(1970, 1, 1, tzinfo=UTC)
    alone = [None if t is None else _later(start, t / per_second) for t in ticks]

    found = column(f.time, ticks, pa.timestamp(unit, zone))

    assert [b for b, a in zip(found, alone, strict=True) if a != "beyond"] == [
        parser(f.time)(a) for a in alone if a != "beyond"
    ]


@given(
    st.lists(
        st.none()
        | st.from_regex(INSTANT, fullmatch=True)
        | st.datetimes(EARLY, LATE).map(lambda at: at.isoformat() + "Z")
        | st.text(max_size=8)
    )
)
@example(
    [
        "2024-02-29T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2023-04-31t00:00:00z",
        "0000-01-01T00:00:00",
        "2023-13-01 00:00:00",
    ]
)
@example(
    [
        "2023-01-01T23:59:59.123456789+05:30",
        "1970-01-01T00:00:00-00:01",
        "1970-01-01T00:00:00+00:01",
        "2023-01-01T24:00:00Z",
    ]
)
@example(
    ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2199-12-31T23:59:59.9999999Z", "2023-01-01T00:00:00.5Z"]
)
def test_written_instants_mean_the_same_in_a_column_and_alone(values: list[str | None]) -> None:
    """A column of RFC 3339 texts gives the instants and refusals that they give one by one."""
    assert column(f.time, values, pa.string()) == one_by_one(f.time, values)


def test_dates_are_their_midnight_in_utc() -> None:
    """date32 and date64 give the first instant of their day."""
    day = date(2024, 2, 29)

    assert column(f.time, [day], pa.date32()) == column(f.time, [day], pa.date64()) == one_by_one(f.time, [day])
    assert one_by_one(f.time, [day]) == [1_709_164_800_000_000]


def test_nanoseconds_are_cut_off_towards_the_past() -> None:
    """An instant between two microseconds is the earlier one."""
    assert column(f.time, [1_999], pa.timestamp("ns")) == [1]


@given(st.lists(st.integers(-100_000, 100_000)))
def test_cents_survive_float32(cents: list[int]) -> None:
    """A float32 column of amounts written with two decimals gives its cents, as far as 24 bits tell them apart."""
    floats = [struct.unpack("f", struct.pack("f", c / 100))[0] for c in cents]

    assert column(f.money("EUR"), floats, pa.float32()) == cents


@given(st.integers(-(2**50), 2**50), st.integers(0, 9))
def test_floats_that_print_as_decimals_are_those_decimals(units: int, decimals: int) -> None:
    """The double nearest to a decimal number is read as that number, up to fifteen digits."""
    field = f.number(decimals)

    assert parser(field)(units / 10**decimals) == units


@pytest.mark.parametrize("kind", [pa.dictionary(pa.int8(), pa.string()), pa.string_view()])
def test_encoded_texts_are_texts(kind: pa.DataType) -> None:
    """Dictionary-encoded texts and views of texts give what plain texts give."""
    values = ["a", None, "b", "a"]

    keys, codes = columns.parse_keys(pa.array(values, pa.string()).cast(kind))

    assert [None if c < 0 else keys.names[c].as_py() for c in keys.codes] == values
    assert not codes.any()


@pytest.mark.parametrize(
    ("field", "value", "parsed"),
    [
        (f.flag, True, 1),
        (f.flag, Decimal("1.0"), 1),
        (f.flag, "true", RefusalCode.WRONG_TYPE),
        (f.flag, 2, RefusalCode.WRONG_TYPE),
        (f.money("EUR"), True, RefusalCode.WRONG_TYPE),
        (f.money("EUR"), [1], RefusalCode.WRONG_TYPE),
        (f.key, 1.0, RefusalCode.WRONG_TYPE),
        (f.key, True, RefusalCode.WRONG_TYPE),
        (f.key, Decimal(1), RefusalCode.WRONG_TYPE),
        (f.key, "\ud800", RefusalCode.WRONG_TYPE),
        (f.key, 10**300, RefusalCode.TOO_LONG),
        (f.time, 0, RefusalCode.WRONG_TYPE),
        (f.money("EUR"), Decimal("1e-999999"), RefusalCode.TOO_MANY_DECIMALS),
        (f.money("EUR"), Decimal("1e999999"), RefusalCode.TOO_LARGE),
        (f.money("EUR"), Decimal("0e999999"), 0),
        (f.money("EUR"), Decimal("NaN"), None),
        (f.money("EUR"), Decimal("Infinity"), RefusalCode.NOT_FINITE),
    ],
)
def test_odd_values_are_told_apart(field: f.Field, value: object, parsed: object) -> None:
    """Values of another kind are refused for what they are, and absurd exponents cost nothing."""
    assert parser(field)(value) is parsed or parser(field)(value) == parsed


def _later(start: datetime, seconds: float) -> datetime | str:
    try:
        return start + timedelta(seconds=int(seconds))
    except OverflowError:
        return "beyond"
