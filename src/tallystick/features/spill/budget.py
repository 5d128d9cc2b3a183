"""How much memory a computation may take, and into how many parts that cuts the entities."""

import re
from pathlib import Path

from tallystick.errors import SettingOutOfRange
from tallystick.features.plan import Plan
from tallystick.features.spill.needed import of_group

LEAST = 512 << 20
"""With less the libraries alone, and one part at a time, do not get along."""

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_ITSELF = 320 << 20  # Python, Arrow, numpy, and compiled code
_MOST_EVENTS = 4_000_000  # more in a part win nothing


def in_bytes(text: str) -> int:
    """Return an amount of memory, such as "4GiB", "512M" or "8g", in bytes; units are powers of 1024.

    Raises
    ------
    SettingOutOfRange
        If it is none, or less than the least.

    Examples
    --------
    >>> in_bytes("4GiB") == in_bytes("4096m")
    True
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", text.lower())
    given = int(float(found[1]) * 2 ** _UNITS[found[2]]) if found else 0
    if given < LEAST:
        raise SettingOutOfRange("--memory", text, allowed=f"an amount such as 4GiB, at least {LEAST >> 20}MiB")
    return given


def available_memory() -> int | None:
    """Return how much memory this process can still get: the machine's, or its control group's where that is less."""
    found = [free for free in (_of_machine(), _of_group()) if free is not None]
    return min(found, default=None)


def n_parts(plan: Plan, place: int, n_rows: int, memory: int) -> int:
    """Return into how many parts a group's entities are cut, so that each fits into the memory.

    Parameters
    ----------
    plan, place : whose group
    n_rows : how many events and rows that ask it has
    memory : in bytes
    """
    # Half of what is left: parts are cut by hash, so that one may get more than its share, and bytes are an estimate.
    most = min(_MOST_EVENTS, max(1, (memory - _ITSELF) // 2 // bytes_per_event(plan, place)))
    return 1 + n_rows // most


def bytes_per_event(plan: Plan, place: int) -> int:
    """Return about how much memory an event of a group takes while its part is computed.

    Parameters
    ----------
    plan, place : whose group
    """
    group = plan.groups[place]
    n_fields = sum(len(fields) for fields in of_group(plan, place).values())
    return 120 + 40 * n_fields + 8 * (len(group.channels) + 3 * len(group.slots)) + 20 * len(group.tracks)


def bytes_in_memory(plan: Plan, n_rows: int) -> int:
    """Return about how much memory the features of so many rows take without parts.

    Parameters
    ----------
    plan : what is computed
    n_rows : of the spine
    """
    n_slots = sum(len(group.slots) for group in plan.groups)
    return _ITSELF + n_rows * (30 * len(plan.definition.spine.fields) + 16 * len(plan.names) + 8 * n_slots)


def rows_at_a_time(memory: int) -> int:
    """Return how many rows are screened at a time."""
    return 1 << 18 if memory >= 1 << 30 else 1 << 16


def rows_of_a_range(plan: Plan, memory: int) -> int:
    """Return how many rows of the matrix are put together at a time.

    Parameters
    ----------
    plan : what is computed
    memory : in bytes
    """
    n_slots = sum(len(group.slots) for group in plan.groups)
    each = 200 + 24 * (n_slots + len(plan.names))
    return int(max(1 << 14, min(1 << 20, (memory - _ITSELF) // 3 // each)))


def _of_machine() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"MemAvailable:\s+(\d+) kB", text)
    return int(found[1]) << 10 if found else None


def _of_group() -> int | None:
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if limit == "max" else max(0, int(limit) - int(used))
