"""A world in which nothing was decided yet."""

import pytest

from tallystick.testing.world import World, build


@pytest.fixture
def first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world of the test's own."""
    return build(tmp_path_factory.mktemp("world") / "project")
