"""A writer killed at any moment loses nothing that it acknowledged."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tallystick.errors import LogHeld
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog

APPENDING = Path(__file__).with_name("appending.py")


def kill_while_appending(path: Path, seconds: float) -> dict[int, str]:
    """Start a writer, kill it with SIGKILL some time after its first acknowledgement, return what it acknowledged."""
    writer = subprocess.Popen([sys.executable, str(APPENDING), str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    lines = [writer.stdout.readline()]
    time.sleep(seconds)
    writer.kill()
    lines += writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    pairs = [line.split() for line in lines if line.endswith("\n")]
    return {int(position): name for position, name in pairs}


def test_every_acknowledged_entry_survives_a_kill(path: Path) -> None:
    """After five kills all acknowledged entries are there, groups are whole, and the chain proves itself."""
    chance = random.Random(11)  # noqa: S311
    acknowledged: dict[int, str] = {}
    for _ in range(5):
        acknowledged |= kill_while_appending(path, chance.uniform(0.0, 0.2))
        with open_log(path) as reader:
            assert reader.verify().position >= max(acknowledged)

    with SqliteLog.create_or_open(path) as log:
        assert log.verify() == log.head
        assert len({e.id for e in log.read()}) == log.head.position
        assert {p: e.id for p in acknowledged if (e := log.entry(p))} == acknowledged
        whole = [e for e in log.read() if e.id.endswith("-0")]
        assert sum(1 + e.at % 7 for e in whole) == log.head.position


def test_a_reader_is_welcome_while_another_process_writes(path: Path) -> None:
    """While one process appends, another reads and proves what is there, and may not write."""
    writer = subprocess.Popen([sys.executable, str(APPENDING), str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    writer.stdout.readline()

    try:
        with open_log(path) as reader:
            assert reader.verify().position >= 1
            with pytest.raises(LogHeld) as caught:
                SqliteLog.create_or_open(path)
            assert caught.value.holder == writer.pid
    finally:
        writer.kill()
        writer.communicate()
