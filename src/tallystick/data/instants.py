"""Columns of instants, from Arrow's timestamps, dates and texts, in microseconds since 1970 UTC."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.parsing import INSTANT
from tallystick.data.refusals import LAST_US

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_WRITTEN = len("2026-03-01T12:00:00")
_OFFSET = len("+01:00")


def from_timestamps(array: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return instants, and that each is one; nanoseconds are cut off, a time without a zone is taken as UTC.

    An instant outside 1970 to 2200 is returned as one that is just outside: it is refused, and cannot overflow.
    """
    kind = array.type
    if pa.types.is_timestamp(kind):
        per_second, ticks = _PER_SECOND[kind.unit], pc.cast(array, pa.int64())
    else:
        # Dates: date32 counts days, and date64 counts milliseconds.
        per_second, ticks = 1_000, pc.cast(pc.cast(array, pa.date64()), pa.int64())
    raw = pc.fill_null(ticks, 0).to_numpy(zero_copy_only=False)
    return _microseconds(raw, per_second), np.ones(len(array), np.bool_)


def from_texts(array: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the instants that RFC 3339 texts name, and whether each text names one."""
    shaped = pc.fill_null(pc.match_substring_regex(array, f"^{INSTANT}$"), fill_value=False)
    # What is no instant stands in for one, so that everything below may trust the shape.
    usual = pc.if_else(shaped, array, "1970-01-01T00:00:00")
    seconds, is_day = _seconds(pc.utf8_slice_codeunits(usual, 0, _WRITTEN))
    rest = pc.utf8_rtrim(pc.utf8_slice_codeunits(usual, _WRITTEN), "Zz")
    offset, fraction = _offset_and_fraction(rest)
    return (seconds - offset) * 1_000_000 + fraction, _numpy(shaped) & is_day


def _microseconds(ticks: NDArray[np.int64], per_second: int) -> NDArray[np.int64]:
    # Floor division, also before 1970: an instant is cut towards the past on both sides.
    if per_second > 1_000_000:
        return ticks // (per_second // 1_000_000)
    factor = 1_000_000 // per_second
    # Seconds may be any number of 64 bits: multiplied, a large one could wrap into an instant that is allowed.
    inside: NDArray[np.int64] = np.clip(ticks, -1, LAST_US // factor)
    return inside * factor


def _seconds(written: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    # Every text has the same 19 ASCII characters by now, so they are a matrix of digits.
    if not len(written):
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    fixed = pc.cast(pc.cast(written, pa.binary()), pa.binary(_WRITTEN))
    digits = np.frombuffer(fixed.buffers()[1], np.uint8).reshape(-1, _WRITTEN).astype(np.int64) - ord("0")
    year, month, day, hour, minute, second = (
        sum(digits[:, place] * 10 ** (last - place) for place in range(first, last + 1))
        for first, last in ((0, 3), (5, 6), (8, 9), (11, 12), (14, 15), (17, 18))
    )
    is_month = (year >= 1) & (month >= 1) & (month <= 12)
    # A month 13 would silently be the next January.
    months = np.where(is_month, (year - 1970) * 12 + month - 1, 0)
    first_day = _days_to(months)
    # The calendar is numpy's: how long a month is follows from where the next begins.
    is_day = is_month & (day >= 1) & (day <= _days_to(months + 1) - first_day)
    days = first_day + np.where(is_day, day, 1) - 1
    return days * 86_400 + hour * 3_600 + minute * 60 + second, is_day


def _days_to(months: NDArray[np.int64]) -> NDArray[np.int64]:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _offset_and_fraction(rest: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the zone's seconds ahead of UTC, and the microseconds, of texts such as ``.25+01:00``."""
    zoned = pc.match_substring_regex(rest, "[+-][0-9]{2}:[0-9]{2}$")
    zone = pc.if_else(zoned, pc.utf8_slice_codeunits(rest, -_OFFSET, 2**31 - 1), "+00:00")
    hours, minutes = (_numpy(pc.cast(pc.utf8_slice_codeunits(zone, at, at + 2), pa.int64())) for at in (1, 4))
    ahead = np.where(_numpy(pc.starts_with(zone, "-")), -1, 1) * (hours * 3_600 + minutes * 60)
    digits = pc.utf8_slice_codeunits(pc.if_else(zoned, pc.utf8_slice_codeunits(rest, 0, -_OFFSET), rest), 1, 7)
    return ahead, _numpy(pc.cast(pc.utf8_rpad(digits, 6, "0"), pa.int64()))


def _numpy(array: pa.Array) -> NDArray[Any]:
    made: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return made
