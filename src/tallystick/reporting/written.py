"""Values as texts: the one way in which counts, shares, instants and digests are written in every report."""

from datetime import UTC, datetime

from tallystick.reporting.table import Cell, Column, Kind
from tallystick.reporting.text import Text

DIGEST_SHOWN = 12
_INSTANTS: dict[Kind, str] = {"day": "%Y-%m-%d", "instant": "%Y-%m-%d %H:%M:%S"}


def written(value: Cell, column: Column) -> str:
    """Return a value as a column writes it.

    Parameters
    ----------
    value : of the column's kind, or None
    column : says how

    Examples
    --------
    >>> written(12345, Column("rows", "count")), written(0.0313, Column("rate", "share", digits=2))
    ('12,345', '3.13 %')
    >>> written(None, Column("AUC", "number", missing="unknown"))
    'unknown'
    """
    if isinstance(value, Text):
        return value.plain
    if value is None:
        return column.missing
    if isinstance(value, str):
        return value[:DIGEST_SHOWN] if column.kind == "digest" else value
    return _number(value, column)


def day(at: int) -> str:
    """Return the day of an instant in microseconds since 1970 UTC.

    >>> day(1_767_225_600_000_000)
    '2026-01-01'
    """
    return written(at, Column("", "day"))


def instant(at: int) -> str:
    """Return an instant in microseconds since 1970 UTC, to the second."""
    return written(at, Column("", "instant"))


def share(value: float | None) -> str:
    """Return a share of one in per cent, to two digits; a dash where there is none.

    >>> share(0.0064), share(None)
    ('0.64 %', '-')
    """
    return written(value, Column("", "share", digits=2))


def _number(value: float, column: Column) -> str:
    if column.kind in _INSTANTS:
        return f"{datetime.fromtimestamp(value / 1_000_000, tz=UTC):{_INSTANTS[column.kind]}}"
    if column.kind == "share":
        return f"{100 * value:.{column.digits}f} %"
    if column.kind in {"number", "bar"}:
        return f"{value:,.{column.digits}f}"
    return f"{value:,.0f}" if column.kind == "count" else str(value)
