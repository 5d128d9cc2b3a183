"""Proving the log: every change made to its bytes is found and named."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import LogDamaged, LogError
from tallystick.log.chain import entry_hash, genesis
from tallystick.log.entry import Draft, Head, Segment
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)


@pytest.fixture
def closed(path: Path) -> Path:
    """Return a closed log of ten entries after fifty of history, without its triggers."""
    with SqliteLog.create_or_open(path) as log:
        log.attach(Segment("a" * 64, 1, 50, "history"))
        log.append(
            [
                Draft(kind="event", namespace="payments", id=f"p{i}", at=i, body=b'{"amount":"%d"}' % i)
                for i in range(10)
            ]
        )
    edit(path, "DROP TRIGGER entries_stay", "DROP TRIGGER entries_are_written_once")
    return path


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as prompt, prompt:
        for statement in statements:
            prompt.execute(statement)


def damage(path: Path, trusted: Head | None = None) -> LogDamaged:
    with pytest.raises(LogDamaged) as caught, open_log(path) as reader:
        reader.verify(trusted)
    return caught.value


@pytest.mark.parametrize(
    ("statement", "position", "problem"),
    [
        ("UPDATE entries SET body = x'7b7d' WHERE position = 55", 55, "hash"),
        ("UPDATE entries SET body = CAST(body AS TEXT) WHERE position = 55", 55, "header"),
        ("UPDATE entries SET at = at + 1 WHERE position = 56", 56, "hash"),
        ("UPDATE entries SET at = 'noon' WHERE position = 56", 56, "header"),
        ("UPDATE entries SET id = 'q' WHERE position = 60", 60, "hash"),
        ("UPDATE entries SET id = CAST(id AS BLOB) WHERE position = 60", 60, "header"),
        ("UPDATE entries SET namespace = 'payment' WHERE position = 51", 51, "hash"),
        ("UPDATE entries SET kind = 'outcome' WHERE position = 52", 52, "hash"),
        ("UPDATE entries SET kind = 'rumour' WHERE position = 52", 52, "header"),
        ("UPDATE entries SET hash = zeroblob(32) WHERE position = 53", 53, "hash"),
        ("DELETE FROM entries WHERE position = 54", 54, "gap"),
        ("DELETE FROM entries WHERE position < 54", 51, "gap"),
        ("UPDATE entries SET position = 90 WHERE position = 60", 60, "gap"),
        ("UPDATE entries SET position = -5 WHERE position = 60", -5, "order"),
        ("UPDATE entries SET position = 50 WHERE position = 60", 50, "order"),
        ("INSERT INTO entries SELECT 61, kind, namespace, 'new', at, body, hash FROM entries LIMIT 1", 61, "hash"),
        ("UPDATE segments SET digest = replace(digest, 'a', 'b')", 51, "hash"),
        ("UPDATE segments SET digest = upper(digest)", 51, "hash"),
        ("UPDATE segments SET digest = x'00'", None, "header"),
        ("UPDATE segments SET last = 'x'", None, "header"),
        ("UPDATE segments SET last = -7", None, "header"),
        ("UPDATE segments SET last = 49", 50, "gap"),
        ("DELETE FROM segments", 1, "gap"),
        ("UPDATE entries SET id = CAST(x'ff' AS TEXT) WHERE position = 60", None, "file"),
        ("ALTER TABLE entries RENAME TO others", None, "file"),
    ],
)
def test_names_the_first_bad_position(closed: Path, statement: str, position: int | None, problem: str) -> None:
    """Each change to a stored byte, and each entry taken out, put in or moved, is named with its place."""
    edit(closed, statement)

    found = damage(closed)

    assert (found.position, found.problem) == (position, problem)


@pytest.mark.parametrize("index", ["entries_by_name", "entries_in_order"])
def test_finds_an_entry_hidden_from_an_index(closed: Path, index: str) -> None:
    """An entry that stands in the table and not in an index would not be looked up: that is damage, too."""
    with closing(sqlite3.connect(closed, isolation_level=None)) as prompt:
        (text,) = prompt.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        prompt.execute(f"DROP INDEX {index}")
        prompt.execute(f"{text} WHERE position <> 55")
        prompt.execute("PRAGMA writable_schema = ON")
        prompt.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (text, index))

    found = damage(closed)

    assert (found.position, found.problem) == (None, "file")
    assert f"{index} has 9 of 10" in found.detail


def test_finds_two_entries_exchanged(closed: Path) -> None:
    """Exchanging two entries with their hashes is found at the first of them."""
    edit(
        closed,
        "UPDATE entries SET position = 999 WHERE position = 53",
        "UPDATE entries SET position = 53 WHERE position = 57",
        "UPDATE entries SET position = 57 WHERE position = 999",
    )

    assert (damage(closed).position, damage(closed).problem) == (53, "hash")


def test_finds_a_cut_tail_by_a_trusted_head(closed: Path) -> None:
    """A tail that was cut is invisible by itself, and found with a head kept elsewhere."""
    with open_log(closed) as reader:
        trusted = reader.verify()
    edit(closed, "DELETE FROM entries WHERE position > 57")

    with open_log(closed) as reader:
        assert reader.verify().position == 57
    assert (damage(closed, trusted).position, damage(closed, trusted).problem) == (58, "cut")


def test_finds_a_chain_rewritten_whole_by_a_trusted_head(closed: Path, tmp_path: Path) -> None:
    """Another chain of the same length is found with a head kept elsewhere, wherever that head stands."""
    with open_log(closed) as reader:
        origin, middle = reader.origin, next(reader.read(after=54))
    other = tmp_path / "other.sqlite"
    with SqliteLog.create_or_open(other) as log:
        log.attach(Segment("b" * 64, 1, 50, "history"))
        log.append([Draft(kind="event", namespace="payments", id=f"q{i}", at=i, body=b"") for i in range(10)])

    assert damage(other, origin).position == 50
    assert damage(other, Head(middle.position, middle.hash)).position == 55


def test_a_trusted_head_that_fits_is_met(closed: Path) -> None:
    """A head noted earlier proves the log that went on after it."""
    with open_log(closed) as reader:
        origin, middle, last = reader.origin, next(reader.read(after=54)), reader.head

        assert {reader.verify(Head(middle.position, middle.hash)), reader.verify(origin)} == {last}


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a closed log of 300 entries, for flipping bytes in copies of it."""
    path = tmp_path_factory.mktemp("intact") / "log.sqlite"
    with SqliteLog.create_or_open(path) as log:
        log.append([Draft(kind="event", namespace="s", id=str(i), at=i, body=b"%d" % i * 20) for i in range(300)])
    return path


@given(data=st.data())
def test_a_flipped_byte_changes_no_entry_unseen(intact: Path, data: st.DataObject) -> None:
    """Whatever byte of the file is flipped, a typed error tells it or every entry reads as written."""
    content = bytearray(intact.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with open_log(intact) as reader:
        trusted = reader.head
    copy = intact.with_name("flipped.sqlite")
    for left in intact.parent.glob("flipped*"):
        left.unlink()
    copy.write_bytes(content)

    try:
        with open_log(copy) as reader:
            reader.verify(trusted)
            entries = [(e.position, e.id, e.at, e.body) for e in reader.read()]
    except LogError:
        return

    # What is left: free space, statistics, the index.
    assert entries == [(i + 1, str(i), i, b"%d" % i * 20) for i in range(300)]


@given(a=st.tuples(TEXTS, TEXTS, TEXTS, st.binary(max_size=5)), b=st.tuples(TEXTS, TEXTS, TEXTS, st.binary(max_size=5)))
def test_no_two_entries_share_their_bytes(a: tuple[str, str, str, bytes], b: tuple[str, str, str, bytes]) -> None:
    """Moving a letter from one field to the next gives another hash: equal hashes mean equal fields."""
    start = genesis([])

    same = entry_hash(start, 1, a[:3], 0, a[3]) == entry_hash(start, 1, b[:3], 0, b[3])

    assert same == (a == b)


@given(st.lists(st.lists(st.tuples(TEXTS, st.binary(max_size=40)), max_size=4), max_size=6))
def test_any_groups_make_the_chain_of_their_entries(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[tuple[str, bytes]]]
) -> None:
    """However entries are grouped, the head is what hashing them one by one gives, and the log verifies."""
    folder = tmp_path_factory.mktemp("groups")
    drafts = [
        [
            Draft(kind="event", namespace=namespace, id=f"{g}-{i}", at=g, body=body)
            for i, (namespace, body) in enumerate(group)
        ]
        for g, group in enumerate(groups)
    ]
    flat = [draft for group in drafts for draft in group]
    expected = genesis([])
    for position, d in enumerate(flat, start=1):
        expected = entry_hash(expected, position, (d.kind, d.namespace, d.id), d.at, d.body)

    with SqliteLog.create_or_open(folder / "log.sqlite") as log:
        for group in drafts:
            log.append(group)

        assert log.verify() == log.head == Head(len(flat), expected)
        assert [(e.namespace, e.id, e.body) for e in log.read()] == [(d.namespace, d.id, d.body) for d in flat]
    shutil.rmtree(folder)
