"""Champion and challenger are compared on the same matured decisions."""

import pytest

from tallystick.definitions.durations import DAY_US
from tallystick.errors import NothingDecided
from tallystick.replay.archive import Archive
from tallystick.replay.compare import compare
from tallystick.testing.world import NOW, World


def test_a_twin_does_what_the_champion_did(archive: Archive, world: World) -> None:
    """The champion's own bundle as challenger agrees with every stored decision."""
    found = compare(archive, world.open_bundle(), world.model.label, at=NOW + 30 * DAY_US)

    assert found.n_matured == found.n_decisions == 320
    assert all(swap.champion == swap.challenger for swap in found.swaps)
    assert found.champion == found.challenger
    assert sum(swap.n for swap in found.swaps) == found.n_matured
    assert found.champion.auc is not None


def test_a_challenger_that_sees_only_risk_swaps(archive: Archive, world: World) -> None:
    """Where the two disagree, the swap set says how many and how many of them were reported."""
    other = world.release(weights={"risk_7d": 3.0})

    found = compare(archive, world.open_bundle(other), world.model.label, at=NOW + 30 * DAY_US)

    assert any(swap.champion != swap.challenger for swap in found.swaps)
    assert sum(swap.n_unknown for swap in found.swaps) == found.n_unknown
    assert found.challenger.bundles == (other,)
    assert found.to_plain()["champion"]["bundles"] == (world.bundle,)


def test_only_the_matured_count(archive: Archive, world: World) -> None:
    """A record whose label is not final yet is not compared."""
    early = compare(archive, world.open_bundle(), world.model.label, at=NOW)

    assert 0 < early.n_matured < early.n_decisions
    with pytest.raises(NothingDecided):
        compare(archive, world.open_bundle(), world.model.label, at=NOW - 30 * DAY_US)
