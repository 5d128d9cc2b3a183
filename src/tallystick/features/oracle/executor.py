"""The oracle: features by brute force, straight from the text of the contract; it shares nothing with other executors.

1. Order: one numbering of positions takes in all records in order of arrival.
2. Visible: a row sees a record if position(record) <= as-of, itself included.
3. Windows: over(W, delay=d) at time t covers the entity's visible events with older < time <= t - d, where older is
   t - d - W, rounded down to a multiple of ``every`` where that is given. ``latest`` looks back for ever.
4. Known-at: a flag or correction counts for an event in the window from its known-at on; one that arrives before its
   event waits for it; of several reports the earliest known-at counts, of several corrections each.
5. Exact: totals are whole numbers in units of the last digit; an event counts where its condition is 1, and only
   with a value where one is asked for; a total beyond 2**62 - 1 is refused, even if no window shows it.
6. Finaliser: mean = (s / n) / scale in IEEE double; empty means are missing, empty counts and sums are 0.
7. Row functions: floor division of instants, zones of the tz database; what is not finite is missing.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.streams import Source
from tallystick.features.oracle.rows import OwnRecord, PlainRecord, evaluate_number
from tallystick.features.oracle.windows import RecordIndex


def compute(
    definition: FeatureDefinition,
    sources: Mapping[str, Source],
    streams: Mapping[str, Sequence[PlainRecord]],
    rows: Sequence[int],
    as_of: Sequence[int] | None = None,
) -> list[list[float]]:
    """Compute the features of some records of the spine.

    Parameters
    ----------
    definition : the features
    sources : every stream and table that they look at, by name; the spine may be among them
    streams : every stream's and table's records
    rows : places among the spine's records
    as_of : for each row the last position it sees; its own if None

    Returns
    -------
    list of list of float
        One list per row, in the features' order; NaN where a feature is missing.

    Raises
    ------
    FeatureOverflow
        If the running totals of an asked entity leave, at any moment that is seen, the range in which every window
        fits 64 bits.
    """
    world = RecordIndex({**sources, definition.spine.name: definition.spine}, streams)
    spine = streams[definition.spine.name]
    seen = [spine[row]["position"] for row in rows] if as_of is None else as_of
    return [_row(definition, world, spine[row], bound) for row, bound in zip(rows, seen, strict=True)]


def _row(definition: FeatureDefinition, world: RecordIndex, record: PlainRecord, as_of: int) -> list[float]:
    answer: Any = partial(world.answer, row=record, as_of=as_of)
    own = OwnRecord(definition.spine, record, answer)
    return [evaluate_number(expr, own) for expr in definition.features.values()]
