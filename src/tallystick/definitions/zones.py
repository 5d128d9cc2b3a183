"""Time zones as values: a zone's offsets, taken from the pinned tz database and frozen with what uses them."""

import importlib.resources
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec
import tzdata

from tallystick.definitions.diagnostics import shown
from tallystick.errors import DefinitionError, did_you_mean

FIRST_YEAR, LAST_YEAR = 1970, 2100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)  # no zone has changed its offset twice within a week since 1970, there and back


class Zone(msgspec.Struct, frozen=True):
    """The offsets of a time zone, so that a rule changed by a government later changes no decision of the past.

    Parameters
    ----------
    name : as the tz database calls it, such as "Europe/Berlin"
    version : of the tz database
    begins : instants from which an offset holds, rising, in microseconds since 1970 UTC; before the first, the
        first holds too
    offsets : local time less UTC from there on, in microseconds
    """

    name: str
    version: str
    begins: tuple[int, ...]
    offsets: tuple[int, ...]


def check_zone(name: str, *, where: str | None = None) -> None:
    """Hold a zone's name against the tz database.

    Parameters
    ----------
    name : as the tz database calls it, such as "Europe/Berlin"
    where : the line of the user's file that the error names; None where there is none

    Raises
    ------
    DefinitionError
        If there is no such zone.

    Examples
    --------
    >>> check_zone("Europe/Berlin")
    >>> check_zone("Europe/Berln")
    Traceback (most recent call last):
        ...
    tallystick.errors.definitions.DefinitionError: 'Europe/Berln' is no time zone of the tz database ...
    """
    if not isinstance(name, str) or name not in _names():
        hint = did_you_mean(name, sorted(_names())) if isinstance(name, str) else ""
        sentence = (
            f"{shown(name)} is no time zone of the tz database {tzdata.IANA_VERSION}. Write 'Europe/Berlin'. {hint}"
        )
        raise DefinitionError(sentence.strip(), where=where)


@cache
def zone(name: str) -> Zone:
    """Return a zone's offsets from 1970 to 2100, as the installed tz database has them.

    Examples
    --------
    >>> berlin = zone("Europe/Berlin")
    >>> berlin.offsets[0] // 3_600_000_000, len(berlin.begins) > 200
    (1, True)
    """
    package, _, leaf = name.rpartition("/")
    folder = importlib.resources.files("tzdata").joinpath("zoneinfo", *package.split("/") if package else ())
    # Read from the pinned package: a machine's own database is of any age, and then two machines would disagree about
    # an hour.
    with folder.joinpath(leaf).open("rb") as file:
        info = ZoneInfo.from_file(file, key=name)
    at, end = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    begins, offsets = [_whole(at - _EPOCH)], [_offset(info, at)]
    while at < end:
        later = at + _STEP
        # Weekly steps find every change; the exact second is then found by halving.
        if _offset(info, later) != offsets[-1]:
            begins.append(_whole(_change(info, at, later) - _EPOCH))
            offsets.append(_offset(info, later))
        at = later
    return Zone(name, tzdata.IANA_VERSION, tuple(begins), tuple(offsets))


def _change(info: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second of the new offset between two instants."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(info, middle) == _offset(info, before) else (before, middle)
    return after


def _offset(info: ZoneInfo, at: datetime) -> int:
    return _whole(at.astimezone(info).utcoffset() or timedelta(0))


def _whole(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


@cache
def _names() -> frozenset[str]:
    listed = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(listed.split())
