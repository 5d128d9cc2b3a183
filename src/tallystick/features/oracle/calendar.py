"""The oracle's calendar: Python's own dates, and the time zones of the tz database as Python reads them."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_BEGIN, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_CYCLE = 146_097  # days after which the calendar repeats itself, weekdays too


def part_of(part: str, at: int, zone: str) -> float:
    """Return a part of an instant's local time: "hour", "weekday" (0 is Monday), "day" or "month".

    Parameters
    ----------
    part : which
    at : microseconds since 1970 UTC
    zone : "UTC", or a name of the tz database

    Examples
    --------
    >>> part_of("hour", 0, "UTC"), part_of("hour", 0, "Asia/Kathmandu"), part_of("month", -1, "UTC")
    (0.0, 5.0, 12.0)
    """
    local = at + (0 if zone == "UTC" else _offset(at, zone))
    days, of_day = divmod(local, _DAY_US)
    if part == "hour":
        return float(of_day // _HOUR_US)
    on = date.fromordinal(_BEGIN.toordinal() + days % _CYCLE)
    return float({"weekday": on.weekday(), "day": on.day, "month": on.month}[part])


def _offset(at: int, zone: str) -> int:
    """Return local time less UTC in microseconds; before 1970 and after 2100 what held then."""
    last = (_END - _BEGIN) // timedelta(microseconds=1)
    moment = _BEGIN + timedelta(microseconds=min(max(at, 0), last))
    return (moment.astimezone(_zone(zone)).utcoffset() or timedelta(0)) // timedelta(microseconds=1)


@cache
def _zone(name: str) -> ZoneInfo:
    """Return a zone of the pinned tz database; this machine's own may be another."""
    with (files("tzdata") / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
