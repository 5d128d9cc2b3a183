"""A world built once, and a copy of it for every test that writes."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.definitions.clock import SettableClock
from tallystick.serving.service import Service
from tallystick.testing.world import NOW, World, build


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world in which nothing was decided yet; tests copy it."""
    return build(tmp_path_factory.mktemp("world") / "project")


@pytest.fixture
def world(first_world: World, tmp_path: Path) -> World:
    """Return a world of the test's own."""
    shutil.copytree(first_world.folder, tmp_path / "project")
    return replace(first_world, folder=tmp_path / "project")


@pytest.fixture
def clock() -> SettableClock:
    """Return a clock that stands at the world's present."""
    return SettableClock(NOW)


@pytest.fixture
def service(world: World, clock: SettableClock) -> Iterator[Service]:
    """Return a service that decides in the test's own world."""
    with world.service(clock=clock) as service:
        yield service
