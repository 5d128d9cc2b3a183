"""The one finaliser in SQL: from exact totals to doubles, in its order of operations.

Totals become 64 bits first, whose way to a double every engine rounds just once.
"""

from tallystick.features.finalise import TWO_30, TWO_60
from tallystick.features.groups import COUNT, DISTINCT, SINCE, STD, SUM, Group, Slot
from tallystick.features.sql.dialects import double
from tallystick.features.sql.query_context import QueryContext
from tallystick.features.sql.values import Referred, Values
from tallystick.features.sql.windows import column


def final(setting: QueryContext, values: Values, place: int, group: Group, i: int) -> tuple[list[str], Referred]:
    """Return the columns of the first step that a slot needs, and how its answer is referred to.

    Parameters
    ----------
    setting : what the query is written with
    values : takes the columns of further steps
    place, group : the group, and its place in the plan
    i : the slot's place in the group
    """
    slot = group.slots[i]
    if slot.function == STD:
        return _std(setting, values, place, i, slot)
    if slot.total >= 0 and slot.series >= 0:
        return _corrected(setting, values, place, i, slot)
    name = f"a{place}_{i}"
    return [f"{_answer(setting, place, group, i)} AS {name}"], (name, 0)


def _answer(setting: QueryContext, place: int, group: Group, i: int) -> str:
    slot = group.slots[i]
    if slot.track >= 0:
        return _single(setting, f"x{place}.x{i}", slot)
    if slot.function == COUNT:
        return f"CAST({_whole(place, slot, slot.number)} AS DOUBLE)"
    s = _whole(place, slot, slot.total) if slot.series < 0 else f"coalesce(q{place}.s{slot.series}, 0)"
    return _scaled(f"CAST(CAST({s} AS BIGINT) AS DOUBLE)", _number(place, slot), slot)


def _corrected(setting: QueryContext, values: Values, place: int, i: int, slot: Slot) -> tuple[list[str], Referred]:
    """Return the sum or mean with its corrections: both fit 64 bits, their sum need not, and is rounded once."""
    exact, count = f"e{place}_{i}", f"n{place}_{i}"
    s = f"{setting.dialect.widened(_whole(place, slot, slot.total))} + coalesce(q{place}.s{slot.series}, 0)"
    upper = f"CAST(CAST({setting.dialect.divided_wide(exact, 2**32)} AS BIGINT) AS DOUBLE)"
    lower = f"CAST(CAST({exact} % {2**32} AS BIGINT) AS DOUBLE)"
    rounded = f"({upper} * {double(2.0**32)} + {lower})"
    leaves = [f"{s} AS {exact}", f"{_number(place, slot)} AS {count}"]
    return leaves, (values.column(_scaled(rounded, count, slot), 1), 1)


def _scaled(s: str, n: str, slot: Slot) -> str:
    return f"{s} / {double(slot.scale)}" if slot.function == SUM else f"({s} / {n}) / {double(slot.scale)}"


def _number(place: int, slot: Slot) -> str:
    """Return what a mean divides by; missing where that is 0."""
    n = "0" if slot.number < 0 else _whole(place, slot, slot.number)
    return f"CAST(nullif({n}, 0) AS DOUBLE)"


def _whole(place: int, slot: Slot, channel: int) -> str:
    return f"coalesce(w{place}.{column((channel, slot.newer, slot.older))}, 0)"


def _single(setting: QueryContext, found: str, slot: Slot) -> str:
    if slot.is_text:
        return found
    if slot.function == DISTINCT:
        n = f"coalesce({found}, 0)"
        return f"CASE WHEN {n} <= {slot.cap} THEN CAST({n} AS DOUBLE) END"
    if slot.function == SINCE:
        return f"CAST({setting.spine.at('r')} - {found} AS DOUBLE) / {double(1e6)}"
    return f"CAST({found} AS DOUBLE) / {double(slot.scale)}"


def _std(setting: QueryContext, values: Values, place: int, i: int, slot: Slot) -> tuple[list[str], Referred]:
    """Return the standard deviation: its numerator is exact, and becomes a double in parts of 60, 60 and 30 bits."""
    n, s, high, low = (
        setting.dialect.widened(_whole(place, slot, each)) for each in (slot.number, slot.total, slot.high, slot.low)
    )
    exact, count = f"e{place}_{i}", f"n{place}_{i}"
    numerator = f"{n} * ({high} * {2**32} + {low}) - {s} * {s}"
    leaves = [f"{numerator} AS {exact}", f"CAST(CAST({n} AS BIGINT) AS DOUBLE) AS {count}"]
    parts = (
        setting.dialect.divided_wide(exact, 2**90),
        setting.dialect.divided_wide(f"{exact} % {2**90}", 2**30),
        f"{exact} % {2**30}",
    )
    upper, lower, rest = (values.column(f"CAST(CAST({part} AS BIGINT) AS DOUBLE)", 1) for part in parts)
    rounded = f"(({upper} * {double(TWO_60)} + {lower}) * {double(TWO_30)} + {rest})"
    # Of fewer than two values n * (n - 1) is 0, and there is no standard deviation.
    divisor = f"nullif({count} * ({count} - {double(1.0)}), {double(0.0)})"
    return leaves, (values.column(f"sqrt({rounded} / {divisor}) / {double(slot.scale)}", 2), 2)
