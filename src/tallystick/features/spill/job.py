"""What a computation by parts is about: its plan and sources, its limits, and the room that is made for records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallystick.data.sources.address import pieces
from tallystick.data.sources.parted import n_rows as n_rows_of
from tallystick.data.sources.piece import Piece
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.features.plan import Plan
from tallystick.features.spill import budget
from tallystick.features.spill.needed import laters, of_rows
from tallystick.features.spill.parts import Parts
from tallystick.features.spill.period import Period
from tallystick.features.spill.ranges import SpineRows

Ints = NDArray[np.int64]

_REPORT_BYTES = 200  # that every part holds of a report that all get
_HEAP_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is in memory at a time; ``of`` chooses it by how much memory there is.

    Parameters
    ----------
    parts : for each group, into how many parts its entities are cut
    heaps : into how many heaps ids are put that must meet
    at_a_time : how many rows are screened at a time
    a_range : how many rows of the matrix are put together at a time
    shared : so many reports of one source are given to every part; more go only to the part that they report of
    """

    parts: tuple[int, ...]
    heaps: int
    at_a_time: int
    a_range: int
    shared: int

    @classmethod
    def of(cls, plan: Plan, n_rows: Mapping[str, int], memory: int) -> "Limits":
        """Return the limits for a plan, with how many rows each source has, in an amount of memory.

        Parameters
        ----------
        plan : what is computed
        n_rows : of each source, by name
        memory : in bytes
        """
        spine = plan.definition.spine.name
        # Rows that ask about entities of another stream, or by other keys, are put beside the events, and take room
        # too.
        counts = [
            n_rows[group.stream] + (n_rows[spine] if group.stream != spine or group.at != group.keys else 0)
            for group in plan.groups
        ]
        return cls(
            tuple(budget.n_parts(plan, place, n, memory) for place, n in enumerate(counts)),
            1 + max(n_rows.values(), default=0) // _HEAP_ROWS,
            budget.rows_at_a_time(memory),
            budget.rows_of_a_range(plan, memory),
            memory // 32 // _REPORT_BYTES,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that phases share.

    Parameters
    ----------
    plan : what to compute
    flags : the flags of the project
    folder : where records lie meanwhile
    limits : how much is in memory at a time
    found, n_rows : the pieces of each source, and how many rows they have
    spine : the rows that ask
    groups : for each group of the plan, its records by parts
    met : the sources whose reports go only to the parts that they report of
    dropped : by source, the places of accepted rows whose id came before; known when it has been taken in
    """

    plan: Plan
    flags: list[Flagged]
    folder: Path
    limits: Limits
    found: dict[str, list[Piece]]
    n_rows: dict[str, int]
    spine: SpineRows
    groups: tuple[Parts, ...]
    met: frozenset[str]
    dropped: dict[str, Ints] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        plan: Plan,
        flags: list[Flagged],
        *,
        root: Path,
        folder: Path,
        period: Period,
        memory: int,
        limits: Limits | None,
    ) -> "Job":
        """Make room for all records that a plan needs.

        Parameters
        ----------
        plan : what to compute
        flags : the flags of the project
        root : its folder
        folder : where records lie meanwhile
        period : which rows ask
        memory : in bytes
        limits : how that is divided; chosen by ``memory`` if None
        """
        found = {source.name: pieces(source, root) for source in needed(plan, flags)}
        n_rows = {name: _size(ordered(plan)[name], own) for name, own in found.items()}
        limits = limits or Limits.of(plan, n_rows, memory)
        reporting = {later.by for group in plan.groups for later in laters(plan, group)}
        events = {group.stream for group in plan.groups} | {plan.definition.spine.name}
        # A few reports are simply given to every part. Not so a table's: when its outcomes are known follows from the
        # records that they name. Nor those of the spine or of an aggregated stream, which are as many as events are.
        met = frozenset(
            name
            for name in reporting
            if isinstance(plan.streams[name], TableDefinition) or name in events or n_rows[name] > limits.shared
        )
        # Reports are put by the parts of the group that reads them: an event's part differs from group to group.
        groups = []
        for place, n in enumerate(limits.parts):
            own = {later.by for later in laters(plan, plan.groups[place])}
            groups.append(Parts.of(plan, place, n, period, folder=folder, reports=sorted(own & met)))
        spine = SpineRows(folder, plan.definition.spine, of_rows(plan), period)
        return cls(plan, flags, folder, limits, found, n_rows, spine, tuple(groups), met)

    def source(self, name: str) -> Source:
        """Return a source by its name."""
        return ordered(self.plan)[name]


def needed(plan: Plan, flags: Iterable[Flagged]) -> list[Source]:
    """Return the sources that the features look at, and those whose events date the outcomes among them.

    Parameters
    ----------
    plan : what is computed
    flags : the flags of the project: they say which events date a table's outcomes
    """
    looked_at = {plan.definition.spine.name, *plan.definition.sources}
    looked_at |= {flag.stream for flag in flags if flag.by in looked_at}
    return [source for name, source in ordered(plan).items() if name in looked_at]


def ordered(plan: Plan) -> dict[str, Source]:
    """Return the sources of a plan by name, in the project's order, the spine among them."""
    # The project's order decides which of two records of one instant is first, so it is kept in every part.
    held: dict[str, Source] = {source.name: source for source in plan.sources}
    return held if plan.definition.spine.name in held else held | {plan.definition.spine.name: plan.definition.spine}


def _size(source: Source, found: Sequence[Piece]) -> int:
    field, n_rows = next(iter(source.fields)), [n_rows_of(piece) for piece in found]
    return sum(len(p.read([field])) if n is None else n for p, n in zip(found, n_rows, strict=True))
