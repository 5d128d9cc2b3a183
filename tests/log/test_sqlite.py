"""Writing and reading the log: groups, names, segments, and who may write."""

import sqlite3
import threading
from pathlib import Path

import pytest

from tallystick.errors import (
    AlreadyLogged,
    EntryRefused,
    LogDamaged,
    LogFormatUnknown,
    LogHeld,
    LogUnavailable,
    SegmentRefused,
)
from tallystick.log.entry import Draft, Segment
from tallystick.log.reader import LogReader
from tallystick.log.sqlite import SqliteLog


def draft(name: str, *, kind: str = "event", stream: str = "payments", body: bytes = b"{}") -> Draft:
    return Draft(kind=kind, stream=stream, id=name, at=7, body=body)  # type: ignore[arg-type]


def test_reads_back_what_was_appended(log: SqliteLog) -> None:
    """An entry is found by its name and by its position, byte for byte as it was appended."""
    body = bytes(range(256))

    (entry,) = log.append([draft("p1", body=body)])

    assert log.find("event", "payments", "p1") == entry
    assert log.entry(1) == entry
    assert (entry.body, entry.at, entry.position) == (body, 7, 1)
    assert log.find("event", "payments", "p2") is None
    assert log.entry(2) is None


def test_positions_go_on_after_reopening(path: Path) -> None:
    """A log that was closed goes on at its next position, in the same chain."""
    with SqliteLog.create_or_open(path) as log:
        log.append([draft("p1"), draft("p2")])

    with SqliteLog.create_or_open(path) as log:
        (third,) = log.append([draft("p3")])

        assert third.position == 3
        assert log.verify() == log.head


def test_reads_in_order_and_by_kind(log: SqliteLog) -> None:
    """Reading yields positions in order, between two bounds, and only the kinds asked for."""
    log.append([draft(f"p{i}", kind="event" if i % 2 else "decision") for i in range(1, 7)])

    assert [e.position for e in log.read()] == [1, 2, 3, 4, 5, 6]
    assert [e.position for e in log.read(after=2, until=5)] == [3, 4, 5]
    assert [e.position for e in log.read(kinds=("decision",))] == [2, 4, 6]
    assert list(log.read(kinds=())) == []


def test_commits_when_the_block_is_left(log: SqliteLog, path: Path) -> None:
    """Inside a transaction's block the entries have positions, and nobody reads them before the block is left."""
    with LogReader.open(path) as reader:
        with log.transaction([draft("p1")]) as (entry,):
            assert entry.position == 1
            assert reader.find("event", "payments", "p1") is None

        assert reader.find("event", "payments", "p1") == entry


def test_an_error_in_the_block_writes_nothing(log: SqliteLog) -> None:
    """A group whose block raises leaves no trace, and the next group takes its positions."""
    with pytest.raises(RuntimeError), log.transaction([draft("p1")]):
        raise RuntimeError

    (entry,) = log.append([draft("p2")])

    assert entry.position == 1
    assert [e.id for e in log.read()] == ["p2"]
    assert log.verify() == log.head


def test_an_empty_group_changes_nothing(log: SqliteLog) -> None:
    """Appending no drafts is allowed and moves no head."""
    before = log.head

    assert log.append([]) == []
    assert log.head == before


def test_refuses_a_name_twice(log: SqliteLog) -> None:
    """A second entry with one kind, stream and id is refused with the place of the first, and its group too."""
    log.append([draft("p1")])

    with pytest.raises(AlreadyLogged) as caught:
        log.append([draft("p2"), draft("p1")])

    assert (caught.value.name, caught.value.position) == ("p1", 1)
    assert log.head.position == 1
    assert log.append([draft("p1", kind="decision"), draft("p1", stream="reports")])[1].position == 3


def test_refuses_a_name_twice_in_one_group(log: SqliteLog) -> None:
    """A group that names one entry twice is refused whole."""
    with pytest.raises(AlreadyLogged, match="twice in this group"):
        log.append([draft("p1"), draft("p1")])

    assert log.head.position == 0


@pytest.mark.parametrize(
    "wrong",
    [
        draft("p1", kind="rumour"),
        draft("\ud800"),
        draft("p" * 70_000),
        Draft(kind="event", stream="payments", id="p1", at=2**63, body=b""),
        Draft(kind="event", stream="payments", id="p1", at=0, body="text"),  # type: ignore[arg-type]
    ],
    ids=["kind", "surrogate", "length", "instant", "body"],
)
def test_refuses_drafts_that_no_header_holds(log: SqliteLog, wrong: Draft) -> None:
    """A draft that cannot be hashed without doubt is refused, and the group with it."""
    with pytest.raises(EntryRefused):
        log.append([draft("p0"), wrong])

    assert log.head.position == 0


def test_positions_go_on_after_history(log: SqliteLog) -> None:
    """History occupies the first positions, and the chain commits to its digest."""
    empty = log.head
    log.attach(Segment("a" * 64, 1, 100, "history"))
    log.attach(Segment("b" * 64, 101, 250, "history"))

    (entry,) = log.append([draft("p1")])

    assert entry.position == 251
    assert log.origin.hash != empty.hash
    assert [s.last for s in log.segments] == [100, 250]
    assert log.verify() == log.head


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        (Segment("a" * 64, 2, 9, ""), "the next one is 1"),
        (Segment("a" * 64, 1, 0, ""), "before it begins"),
        (Segment("A" * 64, 1, 9, ""), "no SHA-256"),
    ],
)
def test_refuses_history_with_holes(log: SqliteLog, segment: Segment, words: str) -> None:
    """A segment that leaves a hole, ends before it begins or has no digest is refused."""
    with pytest.raises(SegmentRefused, match=words):
        log.attach(segment)


def test_refuses_history_after_the_first_entry(log: SqliteLog) -> None:
    """History is attached before anything is logged, or never."""
    log.append([draft("p1")])

    with pytest.raises(SegmentRefused, match="has entries"):
        log.attach(Segment("a" * 64, 1, 100, ""))


def test_has_one_writer(log: SqliteLog, path: Path) -> None:
    """A second writer is refused with the process that writes; a reader is welcome."""
    with pytest.raises(LogHeld, match=r"being written by process \d+"):
        SqliteLog.create_or_open(path)

    with LogReader.open(path) as reader:
        log.append([draft("p1")])
        assert reader.head == log.head


def test_closing_gives_the_right_to_write_back(path: Path) -> None:
    """After one writer has closed, the next may open."""
    SqliteLog.create_or_open(path).close()

    SqliteLog.create_or_open(path).close()


def test_threads_write_one_chain(log: SqliteLog) -> None:
    """Groups from several threads never mix, and make one chain."""
    threads = [
        threading.Thread(target=lambda t=t: [log.append([draft(f"{t}-{i}-{j}") for j in range(3)]) for i in range(10)])
        for t in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = [e.id.rsplit("-", 1)[0] for e in log.read()]
    assert len(names) == 120
    assert all(names[i] == names[i + 1] == names[i + 2] for i in range(0, 120, 3))
    assert log.verify() == log.head


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


def test_a_closed_log_says_so(path: Path) -> None:
    """Using a log after closing it is a sentence, not damage."""
    log = SqliteLog.create_or_open(path)
    log.close()

    with pytest.raises(LogUnavailable, match="it was closed"):
        log.append([draft("p1")])
    with pytest.raises(LogUnavailable, match="it was closed"):
        log.find("event", "payments", "p1")


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
        with LogReader.open(path) as reader:
            assert reader.verify().position == 1
    finally:
        path.parent.chmod(0o700)


def test_a_missing_log_cannot_be_read(path: Path) -> None:
    """Opening a log that does not exist for reading is a sentence, and creates nothing."""
    with pytest.raises(LogUnavailable, match="no such file"):
        LogReader.open(path)

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
        LogReader.open(path)


@pytest.mark.parametrize("content", [b"not a database, and long enough to have a header" * 40, b"SQLite"])
def test_a_file_that_is_no_log_is_damaged(path: Path, content: bytes) -> None:
    """A file of something else is a typed error for reader and writer, and stays as it is."""
    path.write_bytes(content)

    with pytest.raises(LogDamaged):
        LogReader.open(path)
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
