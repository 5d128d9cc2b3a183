"""A world that decided, copied for every test that tampers with it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.log.opening import open_log
from tallystick.replay.archive import Archive
from tallystick.serving.requests import Request
from tallystick.testing.world import World, build

N_DECISIONS = 300


@pytest.fixture(scope="session")
def decided_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world that decided 300 payments, with reports in between and a retry under another key."""
    world = build(tmp_path_factory.mktemp("decided") / "project")
    payments = world.payments(N_DECISIONS)
    with world.service(sign_every=100) as service:
        service.decide([Request(raw) for raw in payments[:100]])
        service.record("chargebacks", [Request(raw) for raw in world.chargebacks(80)])
        service.decide([Request(raw) for raw in payments[100:]])
        service.decide([Request(raw, key=f"again {place}") for place, raw in enumerate(payments[:20])])
    return world


@pytest.fixture
def world(decided_world: World, tmp_path: Path) -> World:
    """Return a copy of the world that decided."""
    shutil.copytree(decided_world.folder, tmp_path / "project")
    return replace(decided_world, folder=tmp_path / "project")


@pytest.fixture
def archive(world: World) -> Iterator[Archive]:
    """Return what the world kept."""
    with open_log(world.folder / "log.sqlite") as log:
        yield Archive(log, world.bundles, tuple(world.trusted), world.ledger)
