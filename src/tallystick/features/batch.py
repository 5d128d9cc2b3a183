"""The batch executor: features of many records at once, from a whole dataset."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Fixed, Keys, Records
from tallystick.definitions.progress import Progress
from tallystick.errors import FeatureOverflow
from tallystick.features import columns as by_column
from tallystick.features import kernel
from tallystick.features.finalise import NAN
from tallystick.features.lowering import Constant, Node, Number, Operation, Part, Place
from tallystick.features.matrix import Matrix
from tallystick.features.plan import MEAN, Group, Plan
from tallystick.features.reports import Changes, changes

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PIECES = 16  # each group is replayed in this many ranges of entities, between which progress is told


def compute(
    plan: Plan,
    dataset: Dataset,
    rows: Ints | None = None,
    as_of: Ints | None = None,
    *,
    threads: int = 1,
    progress: Progress | None = None,
) -> Matrix:
    """Compute the features of records, each as it would have been served as of a moment.

    Parameters
    ----------
    plan : what to compute
    dataset : the spine and the reports its flags need
    rows : shape (n,), places among the spine's records; all in their order if None
    as_of : shape (n,), for each row the last place in the order of arrival that it sees; its own if None
    threads : how many entities are replayed at a time; the result is the same for any number
    progress : told how many of how many pieces of work are done

    Returns
    -------
    Matrix
        One row per asked row, in that order.

    Raises
    ------
    FeatureOverflow
        If an entity's running totals of a column exceed half of what 64 bits hold.
    """
    spine = dataset.records[plan.definition.spine.name]
    asked = _asked(spine, rows, as_of)
    places = _columns(plan)
    width = max([len(plan.names)] + [1 + max(columns) for columns in places if len(columns)])
    values = np.empty((len(asked.rows), width), dtype=np.float64)
    flagged = [changes(flag, dataset) for flag in plan.flags]
    told = _Told(progress, len(plan.groups) * PIECES)
    for group, columns in zip(plan.groups, places, strict=True):
        _fill(_Work(group, spine, flagged, asked, columns), values, threads, told)
    _rowwise(plan, spine, asked.rows, places, values)
    kept = values if width == len(plan.names) else np.ascontiguousarray(values[:, : len(plan.names)])
    ids = spine.ids if rows is None else spine.ids.take(pa.array(asked.rows))
    return Matrix(plan.names, ids, spine.seq[asked.rows], spine.time[asked.rows], kept, plan.definition.spine.id)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The asked rows, what each sees, and their order by that (None where it is their own order)."""

    rows: Ints
    as_of: Ints
    order: Ints | None


@dataclass(frozen=True, slots=True)
class _Work:
    """One group's share: its records, the flags' changes, the questions, and the columns of the answers."""

    group: Group
    spine: Records
    flagged: Sequence[Changes]
    asked: _Asked
    columns: Ints


@dataclass(slots=True)
class _Told:
    """Counts finished pieces of work."""

    progress: Progress | None
    n_pieces: int
    n_done: int = 0

    def one_more(self) -> None:
        self.n_done += 1
        if self.progress is not None:
            self.progress(self.n_done, self.n_pieces)


def _asked(spine: Records, rows: Ints | None, as_of: Ints | None) -> _Asked:
    chosen = np.arange(len(spine), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    seen = spine.seq[chosen] if as_of is None else np.asarray(as_of, dtype=np.int64)
    rises = bool(np.all(seen[1:] >= seen[:-1]))
    return _Asked(chosen, seen, None if rises else np.argsort(seen, kind="stable"))


def _columns(plan: Plan) -> list[Ints]:
    """Return for each group the column of each slot: its feature's own, or one beyond the features."""
    taken = {(f.group, f.slot): column for column, f in reversed([*enumerate(plan.features)]) if isinstance(f, Place)}
    beyond = len(plan.names)
    places = []
    for g, group in enumerate(plan.groups):
        columns = []
        for slot in range(len(group.slots)):
            column = taken.get((g, slot), beyond)
            beyond += column == beyond
            columns.append(column)
        places.append(np.array(columns, dtype=np.int64))
    return places


def _fill(work: _Work, values: Floats, threads: int, told: _Told) -> None:
    """Replay the group's entities and write its slots' columns; rows without an entity get their own values."""
    keys = _keys(work.spine, work.group.key)
    events, flags = _events(work, keys), _flags(work, keys)
    codes = keys.codes[work.asked.rows]
    questions = _questions(work, codes, len(keys.names), values)
    layout = _layout(work.group, work.columns)
    _nobody(work, codes, values)

    def piece(bounds: tuple[int, int]) -> tuple[int, int]:
        return kernel.replay(bounds, events, flags, questions, layout)

    with ThreadPoolExecutor(threads) as pool:
        for row, channel in (pool.map if threads > 1 else map)(piece, _pieces(events.starts)):
            if row != kernel.FINE:
                raise _overflow(work, keys, row, channel)
            told.one_more()


def _keys(spine: Records, key: str) -> Keys:
    if key == getattr(spine.source, "id", None):
        return Keys(np.arange(len(spine), dtype=np.int32), spine.ids)
    return spine.keys[key]


def _events(work: _Work, keys: Keys) -> kernel.Events:
    starts, rows = kernel.by_entity(keys.codes, len(keys.names))
    weights = np.empty((len(rows), len(work.group.channels) - 1), dtype=np.int64)
    for channel, (field, counts) in enumerate(work.group.channels[1:]):
        column = work.spine.values[str(field)]
        weights[:, channel] = (~column.missing if counts else _present(column))[rows]
    return kernel.Events(starts, rows, work.spine.time[rows], work.spine.seq[rows], weights)


def _present(column: Fixed) -> Ints:
    return np.where(column.missing, 0, column.values) if column.missing.any() else column.values


def _flags(work: _Work, keys: Keys) -> kernel.Flags:
    """Return the changes of all flags that the group's series watch."""
    watched = sorted({series.flag for series in work.group.series})
    flag = [np.full(len(work.flagged[i].row), i, dtype=np.int64) for i in watched]
    row, seq, known, before = (
        np.concatenate([np.empty(0, np.int64), *(getattr(work.flagged[i], name) for i in watched)])
        for name in ("row", "seq", "known", "before")
    )
    order = np.argsort(seq, kind="stable")
    starts, place = kernel.by_entity(keys.codes[row[order]], len(keys.names))
    order = order[place]
    flags = np.concatenate([np.empty(0, np.int64), *flag])
    return kernel.Flags(starts, flags[order], seq[order], work.spine.time[row[order]], known[order], before[order])


def _questions(work: _Work, codes: NDArray[np.int32], n_entities: int, values: Floats) -> kernel.Questions:
    asked = work.asked
    starts, place = kernel.by_entity(codes if asked.order is None else codes[asked.order], n_entities)
    rows = place if asked.order is None else asked.order[place]
    return kernel.Questions(starts, rows, work.spine.time[asked.rows[rows]], asked.as_of[rows], values)


def _layout(group: Group, columns: Ints) -> kernel.Layout:
    series = [(s.flag, s.delay_us, s.window_us) for s in group.series]
    slots = [(s.function, s.number, s.total, s.series, s.newer, s.older) for s in group.slots]
    return kernel.Layout(
        np.array(group.offsets, dtype=np.int64),
        np.array(series, dtype=np.int64).reshape(-1, 3),
        np.array(slots, dtype=np.int64).reshape(-1, 6),
        np.array([slot.scale for slot in group.slots], dtype=np.float64),
        columns,
    )


def _nobody(work: _Work, codes: NDArray[np.int32], values: Floats) -> None:
    """Give the rows that belong to no entity what an empty window gives."""
    rows = np.flatnonzero(codes < 0)
    for slot, column in zip(work.group.slots, work.columns, strict=True):
        values[rows, column] = NAN if slot.function == MEAN else 0.0


def _pieces(starts: Ints) -> Iterator[tuple[int, int]]:
    """Cut the entities into ranges of about the same number of records."""
    cuts = np.searchsorted(starts, np.linspace(0, starts[-1], PIECES + 1)[1:-1])
    edges = [0, *(int(cut) for cut in cuts), len(starts) - 1]
    return pairwise(edges)


def _overflow(work: _Work, keys: Keys, row: int, channel: int) -> FeatureOverflow:
    column = str(work.group.channels[channel][0])
    entity = keys.names[int(keys.codes[row])].as_py()
    return FeatureOverflow(
        column, entity=f"{work.group.key} {entity}", value=int(work.spine.values[column].values[row])
    )


def _rowwise(plan: Plan, spine: Records, rows: Ints, places: Sequence[Ints], values: Floats) -> None:
    """Evaluate every feature that is more than one aggregate."""
    for column, node in enumerate(plan.features):
        if not isinstance(node, Place) or places[node.group][node.slot] != column:
            values[:, column] = _evaluate(node, spine, rows, places, values)


def _evaluate(node: Node, spine: Records, rows: Ints, places: Sequence[Ints], values: Floats) -> Floats:
    match node:
        case Constant(value=value):
            return np.full(len(rows), value)
        case Place(group=group, slot=slot):
            return np.ascontiguousarray(values[:, places[group][slot]])
        case Operation(op=op, left=left, right=right):
            operands = [_evaluate(side, spine, rows, places, values) for side in (left, right)]
            return by_column.operation(op, *operands)
        case Part(part=part, field=field):
            if field is None:
                return by_column.part(part, spine.time[rows])
            column = spine.values[field]
            return _but_missing(by_column.part(part, column.values[rows]), column.missing[rows])
        case Number(field=field, scale=scale):
            column = spine.values[field]
            return _but_missing(by_column.scaled(column.values[rows], scale), column.missing[rows])


def _but_missing(result: Floats, missing: NDArray[np.bool_]) -> Floats:
    result[missing] = NAN
    return result
