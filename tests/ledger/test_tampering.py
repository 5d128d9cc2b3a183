"""Tampering: whatever is changed in the ledger's two files, `verify` finds it."""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tallystick.errors import LedgerDamaged
from tallystick.ledger.actors import enrol
from tallystick.ledger.entry import record_hash, signed_message
from tallystick.ledger.keys import Keys, Signer
from tallystick.ledger.ledger import Ledger

N_MUTATIONS = 1_000
Chance = random.Random
Row = tuple[int, str, bytes, bytes]


@dataclass(frozen=True)
class Files:
    """The bytes of a good ledger, the folder for changed copies, and an attacker who has a key of its own."""

    database: bytes
    checkpoints: bytes
    folder: Path
    mallory: Signer

    def copy(self) -> Ledger:
        """Lay out a fresh copy, without the triggers that only stop accidents."""
        path, lines = self.folder / "ledger.sqlite", self.folder / "checkpoints.jsonl"
        for left in self.folder.glob("ledger.sqlite*"):
            left.unlink()
        path.write_bytes(self.database)
        lines.write_bytes(self.checkpoints)
        return Ledger(path, lines)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return a ledger of twelve entries and three checkpoints; the last checkpoint stands at the last entry."""
    folder = tmp_path_factory.mktemp("tampering")
    keys = Keys(folder / "keys")
    ada, val, mallory = keys.create("ada"), keys.create("val"), keys.create("mallory")
    ledger = Ledger.create_or_open(folder / "ledger.sqlite", folder / "checkpoints.jsonl")
    enrol(ledger, "ada", ["builder"], public_pem=ada.public_pem, by=ada, at=1)
    enrol(ledger, "val", ["validator"], public_pem=val.public_pem, by=ada, at=2)
    enrol(ledger, "mallory", ["builder"], public_pem=mallory.public_pem, by=ada, at=3)
    for at in range(4, 13):
        ledger.record("noted", {"n": at, "words": "a" * at, "share": 0.5}, (ada, val)[at % 2], at)
        if at % 4 == 0:
            ledger.checkpoint(val, at)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as prompt:
        prompt.execute("DROP TRIGGER entries_stay")
        prompt.execute("DROP TRIGGER entries_are_written_once")
        prompt.execute("PRAGMA journal_mode = DELETE")
        prompt.execute("PRAGMA synchronous = OFF")
    return Files(ledger.path.read_bytes(), ledger.checkpoints.path.read_bytes(), folder, mallory)


def execute(ledger: Ledger, *statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(ledger.path)) as prompt, prompt:
        prompt.execute("PRAGMA synchronous = OFF")
        for statement, values in statements:
            prompt.execute(statement, values)


def rows_of(ledger: Ledger) -> list[Row]:
    with closing(sqlite3.connect(ledger.path)) as prompt:
        return prompt.execute("SELECT number, record, hash, signature FROM entries ORDER BY number").fetchall()


def edit_a_byte(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Change one byte of one column of one entry."""
    _, record, hashed, signature = rows_of(ledger)[chance.randrange(12)]
    column, place = chance.choice(["record", "hash", "signature"]), json.loads(record)["number"]
    changed = bytearray({"record": record.encode(), "hash": hashed, "signature": signature}[column])
    changed[chance.randrange(len(changed))] ^= chance.randint(1, 255)
    stored = f"UPDATE entries SET {column} = {'CAST(? AS TEXT)' if column == 'record' else '?'} WHERE number = ?"
    execute(ledger, (stored, (bytes(changed), place)))


def edit_facts_and_hash(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Change an entry's facts and make its hash anew, with its old signature or the attacker's."""
    number, text, _, signature = chance.choice(rows_of(ledger))
    record = json.loads(text)
    record["facts"]["n"] = chance.randint(100, 999)
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    hashed = record_hash(text.encode())
    if chance.random() < 0.5:
        signature = files.mallory.sign(signed_message(hashed))
    query = "UPDATE entries SET record = ?, hash = ?, signature = ? WHERE number = ?"
    execute(ledger, (query, (text, hashed, signature, number)))


def change_a_type(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Store the same bytes as another type."""
    column, place = chance.choice(["record", "hash", "signature"]), chance.randint(1, 12)
    other = "BLOB" if column == "record" else "TEXT"
    execute(ledger, (f"UPDATE entries SET {column} = CAST({column} AS {other}) WHERE number = ?", (place,)))


def renumber(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Give an entry a number that no entry has."""
    number = chance.choice([chance.randint(13, 99), chance.randint(-99, 0)])
    execute(ledger, ("UPDATE entries SET number = ? WHERE number = ?", (number, chance.randint(1, 12))))


def delete(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Delete an entry; close the gap, or leave it."""
    place = chance.randint(1, 12)
    execute(ledger, ("DELETE FROM entries WHERE number = ?", (place,)))
    if chance.random() < 0.5:
        for number in range(place + 1, 13):
            execute(ledger, ("UPDATE entries SET number = number - 1 WHERE number = ?", (number,)))


def insert_a_copy(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Insert a copy of an entry, at the end or between two others."""
    rows, place = rows_of(ledger), chance.randint(1, 13)
    rows.insert(place - 1, chance.choice(rows))
    replace_all(ledger, rows)


def insert_a_forgery(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Insert an entry in another actor's name, rightly chained and hashed, signed with the attacker's own key."""
    place = chance.randint(1, 13)
    rows = rows_of(ledger)[: place - 1]
    forged = forge(files, place, rows[-1][2].hex() if rows else json.loads(rows_of(ledger)[0][1])["previous"], chance)
    replace_all(ledger, [*rows, forged, *rows_of(ledger)[place - 1 :]])


def forge(files: Files, number: int, previous: str, chance: Chance) -> Row:
    record = {
        "actor": chance.choice(["ada", "val", "nobody"]),
        "at": chance.randint(0, 99),
        "facts": {"bundle": "b" * 64},
        "kind": "approved",
        "number": number,
        "previous": previous,
    }
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    hashed = record_hash(text.encode())
    return number, text, hashed, files.mallory.sign(signed_message(hashed))


def replace_all(ledger: Ledger, rows: list[Row]) -> None:
    statements = [
        ("INSERT INTO entries VALUES (?, ?, ?, ?)", (number, *row[1:])) for number, row in enumerate(rows, start=1)
    ]
    execute(ledger, ("DELETE FROM entries", ()), *statements)


def swap(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Exchange two entries."""
    rows, (a, b) = rows_of(ledger), chance.sample(range(12), 2)
    rows[a], rows[b] = rows[b], rows[a]
    replace_all(ledger, rows)


def cut_the_tail(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Cut the tail below the last checkpoint; sometimes write other entries of the attacker's own in its place."""
    execute(ledger, ("DELETE FROM entries WHERE number >= ?", (chance.randint(2, 12),)))
    if len(rows_of(ledger)) >= 3 and chance.random() < 0.5:
        mine = Ledger(ledger.path, ledger.checkpoints.path)
        for at in range(chance.randint(1, 10)):
            mine.record("noted", {"n": at}, files.mallory, at)


def cut_and_edit_the_checkpoint(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Cut the tail, and make the last checkpoint say the entry that is last now."""
    execute(ledger, ("DELETE FROM entries WHERE number >= ?", (chance.randint(9, 12),)))
    number, _, hashed, _ = rows_of(ledger)[-1]
    lines = ledger.checkpoints.path.read_text().splitlines()
    last = json.loads(lines[-1]) | {"number": number, "hash": hashed.hex()}
    if chance.random() < 0.5:
        last["signature"] = files.mallory.sign(b"anything").hex()
    lines[-1] = json.dumps(last, sort_keys=True, separators=(",", ":"))
    ledger.checkpoints.path.write_text("\n".join(lines) + "\n")


def edit_a_checkpoint(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Change one byte of the checkpoints."""
    content = bytearray(files.checkpoints)
    content[chance.randrange(len(content))] ^= chance.randint(1, 255)
    ledger.checkpoints.path.write_bytes(content)


def rearrange_checkpoints(ledger: Ledger, files: Files, chance: Chance) -> None:
    """Take a checkpoint out from before another, double one, exchange two, or tear the last."""
    one, two, three = files.checkpoints.splitlines(keepends=True)
    torn = three[: chance.randrange(1, len(three))]
    changed = chance.choice(
        [
            [two, three],
            [one, three],
            [three],
            [one, one, two, three],
            [one, two, three, three],
            [two, one, three],
            [one, two, torn],
            [one, two, three, b"\n"],
        ]
    )
    ledger.checkpoints.path.write_bytes(b"".join(changed))


MUTATIONS: list[Callable[[Ledger, Files, Chance], None]] = [
    edit_a_byte,
    edit_a_byte,
    edit_facts_and_hash,
    change_a_type,
    renumber,
    delete,
    insert_a_copy,
    insert_a_forgery,
    swap,
    cut_the_tail,
    cut_and_edit_the_checkpoint,
    edit_a_checkpoint,
    rearrange_checkpoints,
]


def test_the_untouched_ledger_verifies(files: Files) -> None:
    """What is changed below was good before."""
    proven = files.copy().verify()

    assert (proven.n_entries, proven.n_checkpoints) == (12, 3)


def test_finds_a_thousand_random_changes(files: Files) -> None:
    """Every one of 1,000 random edits, deletions, insertions, reorderings and cuts is found."""
    chance = random.Random(1_000)  # noqa: S311
    unseen = []

    for number in range(N_MUTATIONS):
        ledger, mutate = files.copy(), MUTATIONS[number % len(MUTATIONS)]
        mutate(ledger, files, chance)
        try:
            Ledger(ledger.path, ledger.checkpoints.path).verify()
        except LedgerDamaged:
            continue
        unseen.append((number, mutate.__name__))

    assert unseen == []


@pytest.mark.parametrize(
    ("statement", "number", "problem"),
    [
        ("UPDATE entries SET record = replace(record, 'aaaa', 'aaab') WHERE number = 7", 7, "hash"),
        ("UPDATE entries SET record = 'x' WHERE number = 7", 7, "header"),
        ("UPDATE entries SET hash = zeroblob(32) WHERE number = 5", 5, "hash"),
        ("UPDATE entries SET signature = zeroblob(64) WHERE number = 5", 5, "signature"),
        ("UPDATE entries SET signature = 'none' WHERE number = 5", 5, "header"),
        ("DELETE FROM entries WHERE number = 6", 6, "gap"),
        ("UPDATE entries SET number = 0 WHERE number = 6", 1, "order"),
        ("DELETE FROM entries WHERE number > 10", 11, "cut"),
    ],
)
def test_says_what_is_wrong_and_where(files: Files, statement: str, number: int, problem: str) -> None:
    """Damage is named with the first bad entry and the sort of damage."""
    ledger = files.copy()
    execute(ledger, (statement, ()))

    with pytest.raises(LedgerDamaged) as caught:
        ledger.verify()

    assert (caught.value.number, caught.value.problem) == (number, problem)


def test_a_cut_of_both_files_needs_a_checkpoint_kept_elsewhere(files: Files) -> None:
    """Cutting ledger and checkpoints together is found only against a checkpoint kept elsewhere."""
    ledger = files.copy()
    kept = ledger.checkpoints.read()[-1]
    execute(ledger, ("DELETE FROM entries WHERE number > 8", ()))
    lines = files.checkpoints.splitlines(keepends=True)
    ledger.checkpoints.path.write_bytes(b"".join(lines[:2]))

    assert ledger.verify().n_entries == 8
    with pytest.raises(LedgerDamaged, match="stands at entry 12, and the ledger ends at 8"):
        ledger.verify(trusted=kept)


def test_a_checkpoint_kept_elsewhere_is_met(files: Files) -> None:
    """Every checkpoint noted earlier proves the ledger that went on after it."""
    ledger = files.copy()

    assert {ledger.verify(trusted=kept).n_entries for kept in ledger.checkpoints.read()} == {12}


def test_an_actor_signs_nothing_before_its_enrolment(files: Files) -> None:
    """An entry whose actor is enrolled only later is named, though its signature is by that actor's key."""
    ledger = files.copy()
    first, second = rows_of(ledger)[:2]
    forged = forge(files, 2, first[2].hex(), random.Random(1))  # noqa: S311
    text = forged[1].replace('"actor":"ada"', '"actor":"mallory"').replace('"actor":"nobody"', '"actor":"mallory"')
    text = text.replace('"actor":"val"', '"actor":"mallory"')
    hashed = record_hash(text.encode())
    replace_all(ledger, [first, (2, text, hashed, files.mallory.sign(signed_message(hashed))), second])

    with pytest.raises(LedgerDamaged, match="no earlier entry enrolled its actor 'mallory'"):
        ledger.verify()


def test_an_unfinished_checkpoint_says_what_to_do(files: Files) -> None:
    """A last line that a crash left unfinished is named with the remedy, and removing it mends the ledger."""
    ledger = files.copy()
    *whole, last = files.checkpoints.splitlines(keepends=True)
    ledger.checkpoints.path.write_bytes(b"".join(whole) + last[:40])

    with pytest.raises(LedgerDamaged, match="remove this line and nothing else") as caught:
        ledger.verify()

    assert caught.value.line == 3
    ledger.checkpoints.path.write_bytes(b"".join(whole))
    assert ledger.verify().n_checkpoints == 2
