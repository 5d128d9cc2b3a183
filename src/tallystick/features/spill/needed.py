"""Which fields of which source a group of a plan, or its row functions, look at."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tallystick.data.records import id_field
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.features.groups import Group
from tallystick.features.lowering import InstantPart, NumberField, TextField
from tallystick.features.plan import Plan

Needed = dict[str, set[str]]


def of_group(plan: Plan, place: int) -> Needed:
    """Return by source the fields of events, of rows that ask, and of reports that a group needs.

    Parameters
    ----------
    plan, place : whose group
    """
    group, spine = plan.groups[place], plan.definition.spine
    found: Needed = {group.stream: set(group.keys)}
    found.setdefault(spine.name, set()).update(group.at)
    nodes = [field for node in group.conditions for field in of_node(node)]
    values = [*(channel.of for channel in group.channels), *(track.of for track in group.tracks)]
    found[group.stream] |= {id_field(plan.streams[group.stream]) if each is None else each for each in nodes}
    found[group.stream].update(value for value in values if isinstance(value, str))
    for later in late_values_of(plan, group):
        # Reports name their record by its id.
        found[group.stream].add(id_field(plan.streams[group.stream]))
        found.setdefault(later.by, set()).update(_of_report(later))
        # A correction counts only where the record has the value that it corrects.
        if isinstance(later, Corrected):
            found[group.stream].add(later.field)
    return found


def of_rows(plan: Plan) -> set[str]:
    """Return the fields of the spine that are written or that features take from the row itself."""
    spine = plan.definition.spine
    own = {field for node in plan.features for field in of_node(node) if field is not None}
    return own | {spine.id}


def late_values_of(plan: Plan, group: Group) -> list[Flagged | Corrected]:
    """Return the values of a group that become known later.

    Parameters
    ----------
    plan : the plan
    group : one of its groups
    """
    return [plan.later[number] for number in sorted({series.later for series in group.series})]


def of_node(node: Any) -> Iterator[str | None]:
    """Yield the fields of the record that an expression looks at; None is its id."""
    if isinstance(node, NumberField | TextField):
        yield node.field
    elif isinstance(node, InstantPart):
        yield from () if node.field is None else (node.field,)
    elif is_dataclass(node):
        for field in fields(node):
            yield from of_node(getattr(node, field.name))


def _of_report(later: Flagged | Corrected) -> set[str]:
    later_field = later.delta if isinstance(later, Corrected) else later.flag
    return {later.on} if later_field is None else {later.on, later_field}
