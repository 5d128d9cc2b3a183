"""A log begins with its whole history, or not at all."""

from pathlib import Path

import pytest

from tallystick.data.records import Dataset
from tallystick.definitions.streams import Stream
from tallystick.errors import SegmentRefused
from tallystick.journal.history import History, begin_log
from tallystick.log.opening import open_log
from tallystick.testing.world import World


def test_a_log_begins_with_all_of_history(first_world: World, tmp_path: Path) -> None:
    """Every source is kept, at a path that moves with the folder."""
    begin_log(tmp_path / "old" / "log.db", first_world.dataset, tmp_path / "old" / "segments")
    left = sorted(path.name for path in (tmp_path / "old").iterdir())
    (tmp_path / "old").rename(tmp_path / "new")

    with open_log(tmp_path / "new" / "log.db") as log:
        found = History.of(log, tuple(records.source for records in first_world.dataset.records.values())).dataset()

    assert found is not None
    assert found.fingerprint == first_world.dataset.fingerprint
    assert left == ["log.db", "segments"]


def test_what_was_declared_later_has_no_history(first_world: World, tmp_path: Path) -> None:
    """A stream that the log's history does not know is named; one that it knows is not, with records or without."""
    sources = tuple(records.source for records in first_world.dataset.records.values())
    begin_log(tmp_path / "log.db", first_world.dataset, tmp_path / "segments")
    refunds = Stream("refunds", id="refund_id", time="at", fields={}).definition

    with open_log(tmp_path / "log.db") as log:
        assert History.of(log, sources).unknown == ()
        assert History.of(log, (*sources, refunds)).unknown == ("refunds",)


def test_a_start_that_fails_leaves_no_log(first_world: World, tmp_path: Path) -> None:
    """What could not be attached leaves no log behind that would be taken for one without history."""
    nothing = Dataset(first_world.dataset.records, first_world.dataset.fingerprint, 0)

    with pytest.raises(SegmentRefused):
        begin_log(tmp_path / "log.db", nothing, tmp_path / "segments")

    assert [path.name for path in tmp_path.iterdir()] == ["segments"]


def test_the_first_of_two_starts_wins(first_world: World, tmp_path: Path) -> None:
    """A log that is there already is not replaced."""
    begin_log(tmp_path / "log.db", first_world.dataset, tmp_path / "segments")
    before = (tmp_path / "log.db").stat().st_ino

    begin_log(tmp_path / "log.db", first_world.dataset, tmp_path / "segments")

    assert (tmp_path / "log.db").stat().st_ino == before
