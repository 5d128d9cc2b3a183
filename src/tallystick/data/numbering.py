"""The positions of all records of all streams: the order of arrival, or the nearest to it that files can give."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.contract import KnownAt
from tallystick.data.records import Records, arrived_at
from tallystick.definitions.expressions import Flagged

_NEVER = np.iinfo(np.int64).max


def assign_positions(records: Mapping[str, Records]) -> tuple[dict[str, Records], dict[str, bool]]:
    """Return the records of all sources, numbered from 1 on.

    They are sorted stably by the instant they arrived, where their source declares it, or else by their time (static
    rows come first; an outcome stands where it became known); then by the source's place in ``records``, then by row.

    Parameters
    ----------
    records : by source, in the project's order, each in the order of its rows

    Returns
    -------
    The records in order of their positions, and for each source whether its rows came in that order already.
    """
    instants = {name: arrived_at(found) for name, found in records.items()}
    in_order = {name: is_rising(found) for name, found in instants.items()}
    # Stable: records of one instant stand as their sources do in the project, then as their rows do.
    order = np.argsort(np.concatenate([np.zeros(0, np.int64), *instants.values()]), kind="stable")
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(1, len(order) + 1)
    numbered, start = {}, 0
    for name, found in records.items():
        own, start = position[start : start + len(found)], start + len(found)
        ordered = replace(found, position=own)
        # Rows that rise already keep their columns, without a copy of millions of rows.
        numbered[name] = ordered if in_order[name] else ordered.taken(np.argsort(own))
    return numbered, in_order


def outcome_known_at(flags: Iterable[Flagged], table: str, streams: Mapping[str, Records]) -> KnownAt:
    """Return how to find when each outcome of a table became known: its event's time and the delay of its flag.

    Where several flags use the table, the first moment counts; that is the outcome's place in the order.

    Parameters
    ----------
    flags : every flag of the project
    table : the table's name
    streams : the accepted records of the streams that the flags belong to
    """
    delays: dict[str, int] = {}
    for flag in flags:
        if flag.by == table and flag.known_after_us is not None and flag.stream in streams:
            # An outcome has one place in the order, so the flag that may use it first decides.
            delays[flag.stream] = min(flag.known_after_us, delays.get(flag.stream, flag.known_after_us))

    def of_ids(ids: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        time = np.full(len(ids), _NEVER)
        for stream, after in delays.items():
            place = places_among(ids, streams[stream].ids)
            known = place >= 0
            time[known] = np.minimum(time[known], streams[stream].time[place[known]] + after)
        unknown = time == _NEVER
        return np.where(unknown, 0, time), unknown

    return of_ids


def places_among(ids: pa.Array, among: pa.Array) -> NDArray[np.int64]:
    """Return where each id stands among others, -1 where it does not; shape (n,).

    Parameters
    ----------
    ids : shape (n,), texts that are looked for
    among : shape (m,), texts that each stand there once
    """
    # A table of outcomes often has exactly the events' ids, in their order.
    if ids.equals(among):
        return np.arange(len(ids))
    found: NDArray[np.int64] = pc.fill_null(pc.index_in(ids, value_set=among), -1).to_numpy().astype(np.int64)
    return found


def is_rising(values: NDArray[np.int64]) -> bool:
    """Return whether no value is smaller than the one before it."""
    return bool(np.all(values[1:] >= values[:-1]))
