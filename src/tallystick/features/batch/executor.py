"""The batch executor: features of many records at once, from a whole dataset."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.progress import Progress
from tallystick.features.batch import kernel, nodes, tracks
from tallystick.features.batch.group_work import GroupWork
from tallystick.features.batch.spine import RequestedRows, stream_of
from tallystick.features.entities import keys_of
from tallystick.features.groups import Group
from tallystick.features.lowering import AggregateNumber
from tallystick.features.plan import Plan
from tallystick.features.reports import Changes, changes
from tallystick.features.table import FeatureTable, Origin

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
) -> FeatureTable:
    """Compute the features of records, each as it would have been served as of a moment.

    Parameters
    ----------
    plan : what to compute
    dataset : the spine, the streams and tables that are aggregated, and the reports its flags need
    rows : shape (n,), places among the spine's records; all in their order if None
    as_of : shape (n,), for each row the last place in the order of arrival that it sees; its own if None
    threads : how many entities are replayed at a time; the result is the same for any number
    progress : told how many of how many pieces of work are done

    Returns
    -------
    FeatureTable
        One row per asked row, in that order.

    Raises
    ------
    FeatureOverflow
        If an entity's running totals of a column exceed half of what 64 bits hold.
    """
    requested = RequestedRows.of(plan, dataset, rows, as_of)
    spine, places = requested.spine, _columns(plan)
    width = max([len(plan.names)] + [1 + max(columns) for columns in places if len(columns)])
    values = np.empty((len(requested), width), dtype=np.float64)
    later = [changes(each, dataset) for each in plan.later]
    on_progress = _Progress(progress, sum(map(_n_pieces, plan.groups)))
    with _running(threads) as run:
        for group, columns in zip(plan.groups, places, strict=True):
            _fill(GroupWork.of(plan, group, dataset, later, requested), columns, values, on_progress, run)
        found = _Found(lambda group, slot, part: values[part, places[group][slot]], places)
        _rowwise(plan, _view(plan, dataset, requested.rows, found), found, values, run)
    kept = values if width == len(plan.names) else np.ascontiguousarray(values[:, : len(plan.names)])
    named, origin = plan.definition.spine.id, Origin.of(plan, dataset.fingerprint)
    if requested.rows is None:
        return FeatureTable(plan.names, spine.ids, spine.position, spine.time, kept, named, origin)
    ids = spine.ids.take(pa.array(requested.rows))
    return FeatureTable(plan.names, ids, spine.position[requested.rows], requested.time, kept, named, origin)


def slots(
    plan: Plan,
    place: int,
    dataset: Dataset,
    rows: Ints | None = None,
    as_of: Ints | None = None,
    *,
    threads: int = 1,
) -> Floats:
    """Compute the aggregates of one group for rows of the spine.

    Parameters
    ----------
    plan : whose group
    place : of the group among the plan's
    dataset : at least the asked rows of the spine, every record of the group's stream that belongs to their entities,
        and the reports and corrections of those
    rows, as_of, threads : as for ``compute``

    Returns
    -------
    ndarray
        Shape (n, slots of the group), float64, C order; NaN where missing; a text is its place in ``slot_names``.

    Raises
    ------
    FeatureOverflow
        If an entity's running totals of a column exceed half of what 64 bits hold.
    """
    group, requested = plan.groups[place], RequestedRows.of(plan, dataset, rows, as_of)
    watched = {series.later for series in group.series}
    later = [changes(each, dataset) if i in watched else _NOTHING for i, each in enumerate(plan.later)]
    values = np.empty((len(requested), len(group.slots)), dtype=np.float64)
    columns = np.arange(len(group.slots))
    with _running(threads) as run:
        _fill(GroupWork.of(plan, group, dataset, later, requested), columns, values, _Progress(None, 0), run)
    return values


def slot_names(plan: Plan, place: int, slot: int, dataset: Dataset) -> pa.Array:
    """Return the texts that the codes of a slot stand for: text i for code i.

    Parameters
    ----------
    plan : what was computed
    place : of the group among the plan's
    slot : of the group, one that is a text
    dataset : that the codes were computed from: other records have other codes
    """
    group = plan.groups[place]
    field = group.tracks[group.slots[slot].track].of
    return keys_of(stream_of(plan, dataset, group.stream), str(field)).names


def rowwise(plan: Plan, dataset: Dataset, rows: Ints | None, slots: Sequence[Floats]) -> Floats:
    """Compute the features of rows of the spine from what all groups' slots amount to.

    Parameters
    ----------
    plan : whose features
    dataset : at least the asked rows of the spine, and what ``slot_names`` needs
    rows : shape (n,), places among the spine's records; all in their order if None
    slots : for each group what ``slots`` returned, shape (n, slots of the group)

    Returns
    -------
    ndarray
        Shape (n, features), float64, NaN where missing.
    """
    n = len(stream_of(plan, dataset, plan.definition.spine.name)) if rows is None else len(rows)
    values = np.empty((n, len(plan.names)), dtype=np.float64)
    nowhere = [np.full(len(group.slots), -1) for group in plan.groups]
    found = _Found(lambda group, slot, part: slots[group][part, slot], nowhere)
    _rowwise(plan, _view(plan, dataset, rows, found), found, values, map)
    return values


_NOTHING = Changes(*(np.empty(0, np.int64) for _ in range(5)))


Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Calls a function for each of some pieces, several at a time or not, and gives what it returns in their order."""


@contextmanager
def _running(threads: int) -> Iterator[Run]:
    if threads == 1:
        yield map
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield pool.map


@dataclass(frozen=True, slots=True)
class _Found:
    """What the groups know of the rows: a slot's values for some of them, and in which column of the result it is."""

    slot: Callable[[int, int, slice], Floats]
    columns: Sequence[Ints]


@dataclass(slots=True)
class _Progress:
    """Counts finished pieces of work."""

    progress: Progress | None
    n_pieces: int
    n_done: int = 0

    def one_more(self) -> None:
        self.n_done += 1
        if self.progress is not None:
            self.progress(self.n_done, self.n_pieces)


def _n_pieces(group: Group) -> int:
    return PIECES * (len(group.tracks) + any(slot.track < 0 for slot in group.slots))


def _columns(plan: Plan) -> list[Ints]:
    """Return for each group the column of each slot: its feature's own, or one beyond the features."""
    taken = {
        (f.group, f.slot): column
        for column, f in reversed([*enumerate(plan.features)])
        if isinstance(f, AggregateNumber)
    }
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


def _fill(work: GroupWork, columns: Ints, values: Floats, on_progress: _Progress, run: Run) -> None:
    """Replay the group's entities and write its slots' columns; rows without an entity get an empty window's values."""
    work.nobody(columns, values)
    questions, pieces = work.questions(values), _pieces(work.starts)
    totalled = [i for i, slot in enumerate(work.group.slots) if slot.track < 0]
    if totalled:
        events, crossings, layout = work.events(), work.crossings(), work.layout(totalled, columns)
        for outcome in run(lambda piece: kernel.replay_totals(piece, events, crossings, questions, layout), pieces):
            if outcome[0] != kernel.FINE:
                raise work.overflow(outcome)
            on_progress.one_more()
    for number in range(len(work.group.tracks)):
        follow = partial(
            tracks.replay_tracks, track=work.track(number), questions=questions, asks=work.asks(number, columns)
        )
        for _ in run(follow, pieces):
            on_progress.one_more()


def _pieces(starts: Ints) -> list[tuple[int, int]]:
    """Cut the entities into ranges of about the same number of records."""
    cuts = np.searchsorted(starts, np.linspace(0, starts[-1], PIECES + 1)[1:-1])
    edges = [0, *(int(cut) for cut in cuts), len(starts) - 1]
    return list(pairwise(edges))


def _view(plan: Plan, dataset: Dataset, rows: Ints | None, found: _Found) -> nodes.View:
    """Return rows of the spine, and what the groups know of them."""
    return nodes.View(
        stream_of(plan, dataset, plan.definition.spine.name),
        rows,
        lambda group, slot, part: np.ascontiguousarray(found.slot(group, slot, part)),
        lambda group, slot: slot_names(plan, group, slot, dataset),
    )


def _rowwise(plan: Plan, view: nodes.View, found: _Found, values: Floats, run: Run) -> None:
    """Evaluate every feature that does not stand in its column yet, for some rows at a time."""
    evaluators = [
        (column, nodes.evaluator(node, view))
        for column, node in enumerate(plan.features)
        if not isinstance(node, AggregateNumber) or found.columns[node.group][node.slot] != column
    ]

    def write(part: slice) -> None:
        for column, evaluate in evaluators:
            values[part, column] = evaluate(part)

    for _ in run(write, nodes.row_blocks(len(values) if evaluators else 0)):
        pass
