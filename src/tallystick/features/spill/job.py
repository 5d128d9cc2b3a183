"""What a computation by parts is about: its plan, its limits, and the room that is made for records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tallystick.definitions.streams import Source
from tallystick.features.plan import Plan
from tallystick.features.spill import budget
from tallystick.features.spill.needed import late_values_of, of_rows
from tallystick.features.spill.parts import EntityParts
from tallystick.features.spill.period import Period
from tallystick.features.spill.ranges import SpineRows

_REPORT_BYTES = 200  # that every part holds of a report that all get
_HEAP_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How much is in memory at a time; ``of`` chooses it by how much memory there is.

    Parameters
    ----------
    parts : for each group, into how many parts its entities are cut
    heaps : into how many heaps ids are put that must meet
    a_range : how many rows of the matrix are put together at a time
    shared : so many reports of one source are given to every part; more go only to the part that they report of
    """

    parts: tuple[int, ...]
    heaps: int
    a_range: int
    shared: int

    @classmethod
    def of(cls, plan: Plan, n_rows: Mapping[str, int], memory: int) -> "MemoryLimits":
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
            n_rows.get(group.stream, 0)
            + (n_rows.get(spine, 0) if group.stream != spine or group.at != group.keys else 0)
            for group in plan.groups
        ]
        return cls(
            tuple(budget.n_parts(plan, place, n, memory) for place, n in enumerate(counts)),
            1 + max(n_rows.values(), default=0) // _HEAP_ROWS,
            budget.rows_of_a_range(plan, memory),
            memory // 32 // _REPORT_BYTES,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that phases share.

    Parameters
    ----------
    plan : what to compute
    folder : where records lie meanwhile
    limits : how much is in memory at a time
    n_rows : about how many records each source has
    spine : the rows that ask
    groups : for each group of the plan, its records by parts
    met : the sources whose reports go only to the parts that they report of
    """

    plan: Plan
    folder: Path
    limits: MemoryLimits
    n_rows: Mapping[str, int]
    spine: SpineRows
    groups: tuple[EntityParts, ...]
    met: frozenset[str]

    @classmethod
    def of(
        cls,
        plan: Plan,
        n_rows: Mapping[str, int],
        *,
        folder: Path,
        period: Period,
        memory: int,
        limits: MemoryLimits | None,
    ) -> "Job":
        """Make room for all records that a plan needs.

        Parameters
        ----------
        plan : what to compute
        n_rows : about how many records each source has, by name
        folder : where records lie meanwhile
        period : which rows ask
        memory : how many bytes it may take
        limits : how that is divided; chosen by ``memory`` if None
        """
        limits = limits or MemoryLimits.of(plan, n_rows, memory)
        reporting = {later.by for group in plan.groups for later in late_values_of(plan, group)}
        events = {group.stream for group in plan.groups} | {plan.definition.spine.name}
        # A few reports are simply given to every part. Not so those of the spine or of an aggregated stream, which are
        # as many as events are. Others are put by the parts of the group that reads them: an event's part differs from
        # group to group.
        met = frozenset(name for name in reporting if name in events or n_rows.get(name, 0) > limits.shared)
        groups = []
        for place, n in enumerate(limits.parts):
            own = {later.by for later in late_values_of(plan, plan.groups[place])}
            groups.append(EntityParts.of(plan, place, n, period, folder=folder, reports=sorted(own & met)))
        spine = SpineRows(folder, plan.definition.spine, of_rows(plan), period)
        return cls(plan, folder, limits, n_rows, spine, tuple(groups), met)

    def source(self, name: str) -> Source:
        """Return a source by its name."""
        return sources_in_order(self.plan)[name]


def sources_in_order(plan: Plan) -> dict[str, Source]:
    """Return the sources of a plan by name, in the project's order, the spine among them."""
    # The project's order decides which of two records of one instant is first, so it is kept in every part.
    held: dict[str, Source] = {source.name: source for source in plan.sources}
    return held if plan.definition.spine.name in held else held | {plan.definition.spine.name: plan.definition.spine}
