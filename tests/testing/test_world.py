"""The tiny world is seeded, whole and small."""

from pathlib import Path

from tallystick.testing.world import build


def test_the_same_seed_gives_the_same_world(tmp_path: Path) -> None:
    """History, model and features repeat; only keys and signatures are new each time."""
    one, two, other = build(tmp_path / "1"), build(tmp_path / "2"), build(tmp_path / "3", seed=8)

    assert one.dataset.fingerprint == two.dataset.fingerprint != other.dataset.fingerprint
    assert one.bundle == two.bundle
    assert one.payments(3) == two.payments(3)


def test_its_bundle_opens(tmp_path: Path) -> None:
    """Built by ada, approved by vera, proven by itself."""
    world = build(tmp_path / "world")

    bundle = world.open_bundle()

    assert bundle.digest == world.bundle
    assert bundle.manifest.builder == "ada"
    assert len(world.ledger.verified_entries("approved")) == 1
