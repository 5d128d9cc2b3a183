"""Writing the ledger: who may sign what, and what stands there afterwards."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import (
    ActorUnknown,
    EnrolmentRefused,
    FactsRefused,
    LedgerDamaged,
    LedgerFormatUnknown,
    LedgerUnavailable,
    SignerRefused,
)
from tallystick.ledger.actors import Actors, enrol
from tallystick.ledger.chain import Chain
from tallystick.ledger.entry import GENESIS, Record, seal
from tallystick.ledger.keys import Keys, Signer
from tallystick.ledger.ledger import Ledger

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


def repeated(ledger: Ledger) -> Ledger:
    return Ledger.open(ledger.path, ledger.checkpoints.path)


def test_reads_back_what_was_recorded(ledger: Ledger, ada: Signer) -> None:
    """An entry reads back as it was recorded, chained to the one before it."""
    entry = ledger.record("trained", {"candidate": "c1", "auc": 0.5, "trials": [1, None]}, ada, 3)

    assert ledger.entries("trained") == repeated(ledger).verified_entries("trained") == [entry]
    assert (entry.number, entry.actor, entry.at) == (3, "ada", 3)
    assert entry.facts == {"candidate": "c1", "auc": 0.5, "trials": [1, None]}
    assert [e.previous for e in ledger.entries()] == [GENESIS, *(e.hash for e in ledger.entries()[:-1])]


@given(every=st.lists(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=4), max_size=5))
def test_any_json_reads_back(every: list[dict[str, Any]]) -> None:
    """Whatever plain JSON is recorded reads back equal, and proves itself."""
    with TemporaryDirectory() as name:
        ada = Keys(Path(name) / "keys").create("ada")
        chain, sealed = Chain(), []
        enrolment = {"name": "ada", "public_key": ada.public_pem, "roles": []}
        for facts in [enrolment, *every]:
            kind = "noted" if chain.number else "actor_enrolled"
            sealed.append(seal(Record(chain.number + 1, kind, "ada", 0, facts, chain.hash), ada))
            chain, entry = chain.after(sealed[-1], Path(name))

            assert entry.facts == facts
        assert [one.number for one in sealed] == list(range(1, len(every) + 2))


@pytest.mark.parametrize("facts", [{"n": 2**53}, {"x": float("nan")}, {1: "key"}, {"s": "\ud800"}, {"o": object()}])
def test_refuses_facts_without_canonical_json(ledger: Ledger, ada: Signer, facts: dict[str, Any]) -> None:
    """Facts that other readers would read differently are refused, and nothing is written."""
    with pytest.raises(FactsRefused):
        ledger.record("noted", facts, ada, 3)

    assert ledger.verify().n_entries == 2


def test_only_enrolled_actors_sign(ledger: Ledger, keys: Keys) -> None:
    """A key that nobody enrolled records nothing."""
    with pytest.raises(ActorUnknown, match="Enrolled: ada, val"):
        ledger.record("trained", {}, keys.create("eve"), 3)

    assert ledger.verify().n_entries == 2


def test_only_the_enrolled_key_signs(ledger: Ledger, tmp_path: Path) -> None:
    """Another key under an enrolled name records nothing and signs no checkpoint."""
    impostor = Keys(tmp_path / "elsewhere").create("val")

    with pytest.raises(SignerRefused):
        ledger.record("approved", {}, impostor, 3)
    with pytest.raises(SignerRefused):
        ledger.checkpoint(impostor, 3)

    assert ledger.verify() == repeated(ledger).verify()
    assert ledger.verify().n_checkpoints == 0


def test_actors_are_entries(ledger: Ledger, ada: Signer) -> None:
    """Who may sign, with which key and roles, is read from the ledger itself."""
    actors = Actors.from_ledger(ledger)

    assert actors.of("ada").roles == {"builder"}
    assert (actors.of("val").enrolled_by, actors.of("val").number) == ("ada", 2)
    assert actors.check(ada).public_pem == ada.public_pem
    with pytest.raises(ActorUnknown, match="Did you mean 'ada'"):
        actors.of("adaa")


def test_the_first_actor_enrols_itself(empty: Ledger, ada: Signer, val: Signer) -> None:
    """In an empty ledger nothing is recorded before an actor has enrolled itself."""
    with pytest.raises(ActorUnknown, match="nobody yet"):
        empty.record("trained", {}, ada, 1)
    with pytest.raises(EnrolmentRefused, match="enrols itself"):
        enrol(empty, "val", [], public_pem=val.public_pem, by=ada, at=1)
    with pytest.raises(SignerRefused):
        enrol(empty, "ada", [], public_pem=val.public_pem, by=ada, at=1)

    assert empty.verify().n_entries == 0


def test_a_name_and_a_key_belong_to_one_actor(ledger: Ledger, ada: Signer, keys: Keys) -> None:
    """Nobody is enrolled twice, and no key under two names: one person cannot be builder and validator by trick."""
    with pytest.raises(EnrolmentRefused, match="already"):
        enrol(ledger, "val", [], public_pem=keys.create("new").public_pem, by=ada, at=3)
    with pytest.raises(EnrolmentRefused, match="the key of 'ada'"):
        enrol(ledger, "ada2", ["validator"], public_pem=ada.public_pem.replace("\n", "\r\n"), by=ada, at=3)
    with pytest.raises(EnrolmentRefused, match="unreadable"):
        enrol(ledger, "bob", [], public_pem="none", by=ada, at=3)
    with pytest.raises(EnrolmentRefused, match="letters"):
        enrol(ledger, "../bob", [], public_pem=keys.load("new").public_pem, by=ada, at=3)

    assert ledger.verify().n_entries == 2


@pytest.mark.parametrize("facts", [{}, {"name": "bob"}, {"name": "bob", "public_key": "x", "roles": []}])
def test_an_enrolment_says_all_it_must(ledger: Ledger, ada: Signer, facts: dict[str, Any]) -> None:
    """An enrolment recorded by hand without name, key and roles is refused."""
    with pytest.raises(EnrolmentRefused):
        ledger.record("actor_enrolled", facts, ada, 3)

    assert ledger.verify().n_entries == 2


def test_a_checkpoint_says_how_far_the_ledger_had_come(ledger: Ledger, val: Signer) -> None:
    """A checkpoint is a signed line with the last entry's number and hash; later entries follow it."""
    checkpoint = ledger.checkpoint(val, 9)
    ledger.record("noted", {}, val, 10)

    assert (checkpoint.number, checkpoint.hash) == (2, ledger.entries()[1].hash)
    assert ledger.checkpoints.path.read_bytes() == checkpoint.line
    assert (ledger.verify().n_entries, ledger.verify().n_checkpoints) == (3, 1)


def test_nothing_is_not_signed(empty: Ledger, ada: Signer) -> None:
    """An empty ledger gets no checkpoint."""
    with pytest.raises(LedgerUnavailable, match="nothing to sign"):
        empty.checkpoint(ada, 1)


def test_two_writers_make_one_chain(ledger: Ledger, ada: Signer, val: Signer) -> None:
    """Writers with their own handles take turns: every entry is there, and the chain is one."""

    def write(signer: Signer) -> None:
        mine = repeated(ledger)
        for number in range(10):
            mine.record("noted", {"n": number}, signer, number)
            mine.checkpoint(signer, number)

    threads = [threading.Thread(target=write, args=(signer,)) for signer in (ada, val)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert repeated(ledger).verify().n_entries == 22
    assert repeated(ledger).verify().n_checkpoints == 20


def test_damage_is_not_written_over(ledger: Ledger, ada: Signer) -> None:
    """A ledger that was changed takes no entry and no checkpoint, from old handles or new ones."""
    with closing(sqlite3.connect(ledger.path)) as prompt, prompt:
        prompt.execute("DROP TRIGGER entries_are_written_once")
        prompt.execute("UPDATE entries SET hash = zeroblob(32) WHERE number = 2")

    for handle in (ledger, repeated(ledger)):
        with pytest.raises(LedgerDamaged):
            handle.record("noted", {}, ada, 3)
        with pytest.raises(LedgerDamaged):
            handle.checkpoint(ada, 3)


def test_an_sqlite_prompt_cannot_change_entries_by_accident(ledger: Ledger) -> None:
    """An UPDATE or DELETE at a prompt is refused by the file itself."""
    with closing(sqlite3.connect(ledger.path)) as prompt:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            prompt.execute("UPDATE entries SET record = ''")
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            prompt.execute("DELETE FROM entries")


def test_is_verified_on_a_read_only_medium(ledger: Ledger) -> None:
    """An auditor proves a ledger in a folder where nothing can be written."""
    ledger.path.parent.chmod(0o500)

    try:
        assert repeated(ledger).verify().n_entries == 2
    finally:
        ledger.path.parent.chmod(0o700)


def test_files_that_are_no_ledger_are_sentences(tmp_path: Path, ledger: Ledger) -> None:
    """A missing file, another file and another format are typed errors."""
    other = tmp_path / "other.sqlite"
    with pytest.raises(LedgerUnavailable, match="no such file"):
        Ledger.open(other, tmp_path / "c")
    other.write_bytes(b"no database" * 100)
    with pytest.raises(LedgerDamaged):
        Ledger.create_or_open(other, tmp_path / "c")
    with closing(sqlite3.connect(ledger.path)) as prompt:
        prompt.execute("PRAGMA user_version = 2")
    with pytest.raises(LedgerFormatUnknown, match="has format 2"):
        ledger.verify()


def alter(ledger: Ledger, statement: str) -> None:
    """Change what is stored, past the triggers that only stop accidents."""
    with closing(sqlite3.connect(ledger.path)) as prompt, prompt:
        for trigger in ("entries_stay", "entries_are_written_once"):
            prompt.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        prompt.execute(statement)


def test_a_tail_is_proven_by_whoever_has_proven_the_rest(ledger: Ledger, ada: Signer) -> None:
    """What others append is proven before it is believed: a forged entry in it is found, and nothing is written."""
    proven = ledger.verified_entries()
    others = [repeated(ledger).record("noted", {"n": n}, ada, 3 + n) for n in range(3)]

    assert ledger.verified_entries() == [*proven, *others]

    repeated(ledger).record("noted", {"n": 3}, ada, 6)
    alter(ledger, "UPDATE entries SET signature = zeroblob(64) WHERE number = 6")
    for use in (ledger.verified_entries, lambda: ledger.record("noted", {}, ada, 7), lambda: ledger.checkpoint(ada, 7)):
        with pytest.raises(LedgerDamaged) as caught:
            use()
        assert (caught.value.number, caught.value.problem) == (6, "signature")


def test_a_cut_below_what_was_proven_is_found(ledger: Ledger, ada: Signer) -> None:
    """Entries that this object has proven are not cut off unseen, nor replaced by others."""
    ledger.record("noted", {}, ada, 3)
    ledger.verified_entries()
    alter(ledger, "DELETE FROM entries WHERE number = 3")

    with pytest.raises(LedgerDamaged, match="no longer the entry"):
        ledger.verified_entries()
    repeated(ledger).record("noted", {"other": True}, ada, 3)
    with pytest.raises(LedgerDamaged, match="no longer the entry"):
        ledger.verified_entries()


def test_what_was_proven_is_proven_anew_by_verify(ledger: Ledger, ada: Signer) -> None:
    """An entry altered after it was proven is found by `verify` and by every new object, and is believed no more."""
    ledger.record("noted", {}, ada, 3)
    ledger.verified_entries()
    alter(ledger, "UPDATE entries SET hash = zeroblob(32) WHERE number = 2")

    for use in (ledger.verify, repeated(ledger).verified_entries, ledger.verified_entries):
        with pytest.raises(LedgerDamaged) as caught:
            use()
        assert (caught.value.number, caught.value.problem) == (2, "hash")


def test_checkpoints_are_proven_from_the_last_one_on(ledger: Ledger, ada: Signer) -> None:
    """Lines that others add are proven, and a file that was cut or written anew below the last line is found."""
    ledger.checkpoint(ada, 3)
    ledger.verified_entries()
    repeated(ledger).checkpoint(ada, 4)
    ledger.checkpoint(ada, 5)
    lines = ledger.checkpoints.path.read_bytes().splitlines(keepends=True)

    assert ledger.verify().n_checkpoints == 3

    for damaged in (b"", lines[0], b"".join([*lines[:2], lines[1]]), b"".join(lines)[:-5]):
        ledger.checkpoints.path.write_bytes(damaged)
        with pytest.raises(LedgerDamaged) as caught:
            ledger.verified_entries()
        assert caught.value.line == 3
    ledger.checkpoints.path.write_bytes(b"".join([*lines, lines[0]]))
    with pytest.raises(LedgerDamaged) as caught:
        ledger.verified_entries()
    assert caught.value.line == 4
