"""The log in an SQLite file keeps the law of the log; who may write the file, and what it survives."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tallystick.errors import LogDamaged, LogFormatUnknown, LogHeld, LogUnavailable
from tallystick.log.entry import Entry
from tallystick.log.opening import READERS, open_log
from tallystick.log.protocol import LogReader
from tallystick.log.sqlite import SqliteLog
from tallystick.log.sqlite_reader import LAST, LOG_FILE, PAGE_OF_ONE
from tallystick.testing.log_contract import LogContract, draft


class TestSqliteLog(LogContract):
    """Every law, on a file: `log` is the one of conftest."""

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[SqliteLog]:
        """Open a second log in the same folder."""
        with SqliteLog.create_or_open(tmp_path / "other.sqlite") as opened:
            yield opened

    @pytest.fixture
    def reader(self, log: SqliteLog) -> Iterator[LogReader]:
        """Open the file of the log for reading only, as another process would."""
        with open_log(log.path) as opened:
            yield opened

    @pytest.fixture
    def alter(self, log: SqliteLog) -> Callable[[Entry], None]:
        """Overwrite a row at a prompt, after taking the triggers out."""

        def put(entry: Entry) -> None:
            with closing(sqlite3.connect(log.path)) as prompt, prompt:
                prompt.execute("DROP TRIGGER entries_are_written_once")
                prompt.execute(
                    "UPDATE entries SET kind = ?, namespace = ?, id = ?, at = ?, body = ?, hash = ? WHERE position = ?",
                    (entry.kind, entry.namespace, entry.id, entry.at, entry.body, entry.hash, entry.position),
                )

        return put


def test_every_known_format_has_its_reader() -> None:
    """Each format that a file may have is read by exactly one reader."""
    assert tuple(READERS) == LOG_FILE.formats


def test_a_selection_is_read_by_the_index_in_order(log: SqliteLog) -> None:
    """What one model decided is found by an index that has it in order: nothing is sorted, nothing passed over."""
    plans = [
        log._reading.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
        for query, values in ((PAGE_OF_ONE, (0, 9, "decision", "m")), (LAST, ("activation", "m")))
    ]

    steps = [[step[-1] for step in plan] for plan in plans]
    assert all(len(plan) == 1 and plan[0].startswith("SEARCH entries USING INDEX entries_in_order") for plan in steps)


def test_positions_go_on_after_reopening(path: Path) -> None:
    """A log that was closed goes on at its next position, in the same chain."""
    with SqliteLog.create_or_open(path) as log:
        log.append([draft("p1"), draft("p2")])

    with SqliteLog.create_or_open(path) as log:
        (third,) = log.append([draft("p3")])

        assert third.position == 3
        assert log.verify() == log.head


def test_has_one_writer(log: SqliteLog, path: Path) -> None:
    """A second writer is refused with the process that writes; a reader is welcome."""
    with pytest.raises(LogHeld, match=r"being written by process \d+"):
        SqliteLog.create_or_open(path)

    with open_log(path) as reader:
        log.append([draft("p1")])
        assert reader.head == log.head


def test_closing_gives_the_right_to_write_back(path: Path) -> None:
    """After one writer has closed, the next may open."""
    SqliteLog.create_or_open(path).close()

    SqliteLog.create_or_open(path).close()


def test_an_sqlite_prompt_cannot_change_entries_by_accident(log: SqliteLog, path: Path) -> None:
    """An UPDATE or DELETE at a prompt is refused by the file itself."""
    log.append([draft("p1")])

    with sqlite3.connect(path) as prompt:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            prompt.execute("UPDATE entries SET at = 0")
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            prompt.execute("DELETE FROM entries")
    prompt.close()


def test_a_full_disk_loses_no_earlier_entry(log: SqliteLog) -> None:
    """When the file cannot grow, the group is refused whole with a sentence, and the log goes on afterwards."""
    log.append([draft("p1")])
    (n_pages,) = log._writing.execute("PRAGMA page_count").fetchone()
    log._writing.execute(f"PRAGMA max_page_count = {n_pages}")

    with pytest.raises(LogUnavailable, match="full"):
        log.append([draft("p2", body=bytes(100_000))])

    log._writing.execute("PRAGMA max_page_count = 1000000")
    assert log.head.position == 1
    assert log.append([draft("p2", body=bytes(100_000))])[0].position == 2
    assert log.verify() == log.head


def test_a_damaged_end_is_not_continued(path: Path) -> None:
    """A log whose last entries were changed does not open for writing."""
    with SqliteLog.create_or_open(path) as log:
        log.append([draft(f"p{i}") for i in range(1_500)])
    with sqlite3.connect(path) as prompt:
        prompt.execute("DROP TRIGGER entries_are_written_once")
        prompt.execute("UPDATE entries SET body = x'00' WHERE position = 1400")
    prompt.close()

    with pytest.raises(LogDamaged, match="at position 1400"):
        SqliteLog.create_or_open(path)


def test_is_read_on_a_read_only_medium(path: Path) -> None:
    """An auditor reads and proves a closed log in a folder where nothing can be written."""
    with SqliteLog.create_or_open(path) as log:
        log.append([draft("p1")])
    path.chmod(0o400)
    path.parent.chmod(0o500)

    try:
        with open_log(path) as reader:
            assert reader.verify().position == 1
    finally:
        path.parent.chmod(0o700)


def test_a_missing_log_cannot_be_read(path: Path) -> None:
    """Opening a log that does not exist for reading is a sentence, and creates nothing."""
    with pytest.raises(LogUnavailable, match="no such file"):
        open_log(path)

    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A log below a file, where no folder can be, is a sentence."""
    (tmp_path / "file").write_text("")

    with pytest.raises(LogUnavailable):
        SqliteLog.create_or_open(tmp_path / "file" / "log.sqlite")


def test_an_unknown_format_is_a_sentence(path: Path) -> None:
    """A log of another format is not touched."""
    SqliteLog.create_or_open(path).close()
    with sqlite3.connect(path) as prompt:
        prompt.execute("PRAGMA user_version = 9")
    prompt.close()

    with pytest.raises(LogFormatUnknown, match="has format 9"):
        SqliteLog.create_or_open(path)
    with pytest.raises(LogFormatUnknown, match="has format 9"):
        open_log(path)


@pytest.mark.parametrize("content", [b"not a database, and long enough to have a header" * 40, b"SQLite"])
def test_a_file_that_is_no_log_is_damaged(path: Path, content: bytes) -> None:
    """A file of something else is a typed error for reader and writer, and stays as it is."""
    path.write_bytes(content)

    with pytest.raises(LogDamaged):
        open_log(path)
    with pytest.raises(LogDamaged):
        SqliteLog.create_or_open(path)

    assert path.read_bytes() == content


def test_a_database_of_another_program_is_not_touched(path: Path) -> None:
    """An SQLite file with somebody else's tables is refused, and gets no tables of ours."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()

    with pytest.raises(LogDamaged, match="another program"):
        SqliteLog.create_or_open(path)

    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    other.close()
