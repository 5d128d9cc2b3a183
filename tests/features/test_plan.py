"""A plan is the same for a definition everywhere, and plans shared work once."""

import json
from typing import Any

import msgspec
import pytest

from tallystick.definitions.features import FeatureSet
from tallystick.features.plan import Plan


def test_shared_windows_are_kept_once(plan: Plan) -> None:
    """Eight features of one key share four edges, one summed column and one series."""
    (group,) = plan.groups

    assert (group.stream, group.keys, group.at) == ("payments", ("customer",), ("customer",))
    assert [edge.offset_us // 86_400_000_000 for edge in group.offsets] == [0, 1, 7, 8]
    assert [(channel.part, channel.of) for channel in group.channels if channel.of is not None] == [("sum", "amount")]
    assert (len(group.series), len(group.slots)) == (1, 7)


def test_a_plan_survives_as_plain_data(plan: Plan) -> None:
    """Written as JSON and read back, it has the same digests, names, groups and expressions."""
    repeated = Plan.from_stored(json.loads(json.dumps(plan.to_stored())))

    assert (repeated.digest, repeated.state_digest, repeated.names) == (plan.digest, plan.state_digest, plan.names)
    assert (repeated.groups, repeated.features) == (plan.groups, plan.features)


def test_plain_data_says_nothing_of_places(plan: Plan) -> None:
    """Where data lies is no part of a plan."""
    plain = plan.to_stored()

    assert "source" not in plain["definition"]["spine"]
    assert not any("source" in source for source in plain["sources"])


@pytest.mark.parametrize("plain", [{}, {"definition": 1, "sources": []}, {"sources": []}])
def test_other_data_is_no_plan(plain: dict[str, Any]) -> None:
    """Data of another shape is refused."""
    with pytest.raises(msgspec.ValidationError):
        Plan.from_stored(plain)


def test_expressions_share_a_state(plan: Plan, make: Any) -> None:
    """Another threshold or window changes what features mean, not which totals are kept; another column does."""
    customer = make.stream.by("customer")

    class One(FeatureSet, spine=make.stream):
        spend = customer.mean(make.stream.amount).over("1d")

    class Two(FeatureSet, spine=make.stream):
        spend = customer.sum(make.stream.amount).over("3d") > 5

    class Three(FeatureSet, spine=make.stream):
        n = customer.count().over("1d")

    one, two, three = (Plan(features.definition, plan.sources) for features in (One, Two, Three))
    assert one.digest != two.digest
    assert one.state_digest == two.state_digest != three.state_digest
