"""A log in a fresh folder, and drafts for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.log.sqlite import SqliteLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log of one test lies."""
    return tmp_path / "log.sqlite"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    """Open a new log for writing."""
    with SqliteLog.create_or_open(path) as opened:
        yield opened
