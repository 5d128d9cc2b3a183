"""The log in memory keeps the law of the log."""

from collections.abc import Callable

import pytest

from tallystick.log.entry import Entry
from tallystick.log.memory import MemoryLog
from tallystick.testing.log_contract import LogContract


class TestMemoryLog(LogContract):
    """Every law, on Python objects."""

    @pytest.fixture
    def log(self) -> MemoryLog:
        """Return a new log."""
        return MemoryLog()

    @pytest.fixture
    def other(self) -> MemoryLog:
        """Return a second one."""
        return MemoryLog("another")

    @pytest.fixture
    def reader(self, log: MemoryLog) -> MemoryLog:
        """Nobody outside the process can read it: the log is its only reader."""
        return log

    @pytest.fixture
    def alter(self, log: MemoryLog) -> Callable[[Entry], None]:
        """Reach into the list of entries."""

        def put(entry: Entry) -> None:
            log._entries[entry.position - log.origin.position - 1] = entry

        return put
