"""A plan's digests hold everything that can change a feature, and nothing else."""

from pathlib import Path

import msgspec
import pytest

from tallystick.definitions.project import load
from tallystick.definitions.streams import StreamDefinition
from tallystick.features.plan import Plan
from tallystick.testing.project import PROJECT


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "project.py").write_text(PROJECT)
    definitions = load(tmp_path / "project.py")
    return Plan(definitions.model().features, tuple(definitions.sources.values()))


def dated_by(plan: Plan, field: str) -> Plan:
    payments, reports = plan.sources
    assert isinstance(reports, StreamDefinition)
    fields = {field if name == reports.time else name: kind for name, kind in reports.fields.items()}
    return Plan(plan.definition, (payments, msgspec.structs.replace(reports, time=field, fields=fields)))


def test_another_instant_of_reports_is_another_plan(plan: Plan) -> None:
    """Reports dated by another field become known at other instants: neither plan nor state is the same."""
    other = dated_by(plan, "settled_at")

    assert other.digest != plan.digest
    assert other.state_digest != plan.state_digest


def test_where_data_lies_is_no_meaning(plan: Plan) -> None:
    """Moving a file changes no digest."""
    moved = Plan(plan.definition, tuple(msgspec.structs.replace(s, source="/elsewhere") for s in plan.sources))

    assert (moved.digest, moved.state_digest) == (plan.digest, plan.state_digest)


def test_a_source_that_nobody_watches_is_no_meaning(plan: Plan) -> None:
    """A further source that no feature looks at changes no digest."""
    more = Plan(plan.definition, (*plan.sources, msgspec.structs.replace(plan.sources[1], name="others")))

    assert (more.digest, more.state_digest) == (plan.digest, plan.state_digest)
