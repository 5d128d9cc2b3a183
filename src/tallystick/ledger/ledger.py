"""The ledger: who did what, in an SQLite file and a file of checkpoints, with the proof that nobody changed it."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import msgspec

from tallystick.errors import LedgerDamaged, LedgerFormatUnknown, LedgerUnavailable
from tallystick.ledger.actors import ENROLLED, Actors
from tallystick.ledger.chain import Chain
from tallystick.ledger.checkpoints import START, Checkpoint, Checkpoints, Place
from tallystick.ledger.entry import LedgerEntry, Record, Sealed, seal, unsealed
from tallystick.ledger.keys import Signer
from tallystick.log.database import StoreFile

_SCHEMA = """
CREATE TABLE entries (
  number INTEGER PRIMARY KEY, record TEXT NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL)

CREATE TRIGGER entries_stay BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry is never deleted'); END

CREATE TRIGGER entries_are_written_once BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry is never changed'); END
"""

LEDGER_FILE = StoreFile(
    application_id=0x74_61_6C_65,  # "tale"
    formats=(1,),
    schema=tuple(statement.strip() for statement in _SCHEMA.split("\n\n")),
    damaged=lambda path, detail: LedgerDamaged(path, problem="file", detail=detail),
    busy=lambda path, reason: LedgerUnavailable(path, reason=reason),
    unavailable=lambda path, reason: LedgerUnavailable(path, reason=reason),
    unknown=lambda path, found: LedgerFormatUnknown(path, found=found, known=1),
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was proven.

    Attributes
    ----------
    n_entries, n_checkpoints : int
        How many of each.
    hash : str
        The hash of the last entry, which commits to all of them.
    """

    n_entries: int
    n_checkpoints: int
    hash: str


@dataclass(frozen=True, slots=True)
class _Proven:
    """What this object has proven so far: it begins there when it is asked the next time."""

    chain: Chain = field(default_factory=Chain)
    entries: tuple[LedgerEntry, ...] = ()
    place: Place = START


class Ledger:
    """Who did what, in order, each entry signed by its actor. Several processes may write it.

    An object proves the ledger once, from its first byte, and after that only what was added since, wherever it
    needs proof: before it writes, before it signs, before it answers `verified_entries`. Each time the last entry and
    the last checkpoint that it proved must still be there, so that a cut and a ledger written anew are found. What
    somebody alters before them meanwhile is found by the next process, and by `verify`, which always begins at the
    first byte. Safe to share between threads.

    Kinds of the journey: actor_enrolled, dataset_read, trained, checked, released, approved, refused, deployed,
    log_head, retrained, monitored, alarm. Others are allowed.

    Parameters
    ----------
    path, checkpoints_path : Path
        The SQLite file, and the file of checkpoints.

    Examples
    --------
    >>> import tempfile
    >>> from tallystick.ledger.actors import enrol
    >>> from tallystick.ledger.keys import Keys
    >>> folder = Path(tempfile.mkdtemp())
    >>> ada = Keys(folder / "keys").create("ada")
    >>> ledger = Ledger.create_or_open(folder / "ledger.sqlite", folder / "checkpoints.jsonl")
    >>> enrol(ledger, "ada", ["builder"], public_pem=ada.public_pem, by=ada, at=0).number
    1
    >>> ledger.record("trained", {"candidate": "0f3a"}, ada, 1).actor
    'ada'
    >>> ledger.checkpoint(ada, 2).number
    2
    >>> ledger.verify().n_entries
    2
    """

    def __init__(self, path: Path, checkpoints_path: Path) -> None:
        self.path = path
        self.checkpoints = Checkpoints(checkpoints_path)
        # Replaced whole, never changed: threads that prove at the same time do the same work twice, and agree.
        self._proven = _Proven()

    @classmethod
    def create_or_open(cls, path: Path | str, checkpoints_path: Path | str) -> Self:
        """Open a ledger, creating it where there is none.

        Parameters
        ----------
        path, checkpoints_path : Path or str
            The SQLite file, and the file of checkpoints.
        """
        LEDGER_FILE.connect_for_writing(Path(path)).close()
        return cls(Path(path), Path(checkpoints_path))

    @classmethod
    def open(cls, path: Path | str, checkpoints_path: Path | str) -> Self:
        """Open a ledger that exists, also where it can only be read.

        Parameters
        ----------
        path, checkpoints_path : Path or str
            The SQLite file, and the file of checkpoints.
        """
        LEDGER_FILE.connect_for_reading(Path(path)).close()
        return cls(Path(path), Path(checkpoints_path))

    def record(self, kind: str, facts: Mapping[str, Any], signer: Signer, at: int) -> LedgerEntry:
        """Append what an actor did; durable when this returns.

        What other processes appended meanwhile is proven first, and the entry must be one that `verify` accepts.

        Parameters
        ----------
        kind : str
            What was done.
        facts : mapping
            What is to be known about it, as plain JSON.
        signer : Signer
            Who did it.
        at : int
            When, in microseconds since 1970 UTC.
        """
        with self._writing() as connection:
            proven = self._caught_up(connection, self._proven)
            chain = proven.chain
            if kind != ENROLLED or chain.number:
                chain.actors.check(signer)
            sealed = seal(Record(chain.number + 1, kind, signer.actor, at, dict(facts), chain.hash), signer)
            _check_enrolment(chain.actors, sealed, signer)
            chain, entry = chain.after(sealed, self.path)
            connection.execute(
                "INSERT INTO entries (number, record, hash, signature) VALUES (?, ?, ?, ?)",
                (sealed.number, sealed.record, sealed.hash, sealed.signature),
            )
        self._proven = replace(proven, chain=chain, entries=(*proven.entries, entry))
        return entry

    def entries(self, kind: str | None = None) -> list[LedgerEntry]:
        """Return the entries in order, all or of one kind, as they are stored; `verify` proves them.

        Raises
        ------
        LedgerDamaged
            When a text is no entry.
        """
        with self._reading() as connection:
            rows = _rows(connection, -(2**63))
        try:
            every = [unsealed(row) for row in rows]
        except (msgspec.DecodeError, AttributeError, TypeError) as error:
            raise LedgerDamaged(self.path, problem="header", detail=str(error)) from error
        return [entry for entry in every if kind in {None, entry.kind}]

    def verified_entries(self, kind: str | None = None) -> list[LedgerEntry]:
        """Return the entries in order, all or of one kind, proven: what was not proven before is proven first."""
        return [entry for entry in self._prove().entries if kind in {None, entry.kind}]

    def verify(self, trusted: Checkpoint | None = None) -> Verified:
        """Prove the ledger from its first byte: chain, signatures, actors, checkpoints.

        Parameters
        ----------
        trusted : Checkpoint, optional
            A checkpoint kept elsewhere. With it, a cut of ledger and checkpoints together is found too.

        Raises
        ------
        LedgerDamaged
            Naming the first bad entry or line, and what is wrong there.
        """
        # Forgotten first, so that after damage this object believes nothing either.
        self._proven = _Proven()
        proven = self._prove()
        if trusted is not None:
            self.checkpoints.prove_one(trusted, proven.entries, proven.chain.actors)
        return Verified(proven.chain.number, proven.place.n_lines, proven.chain.hash)

    def checkpoint(self, signer: Signer, at: int) -> Checkpoint:
        """Sign how far the ledger has come, as a line of the second file; durable when this returns.

        Parameters
        ----------
        signer : Signer
            Who says so.
        at : int
            When, in microseconds since 1970 UTC.

        Raises
        ------
        LedgerDamaged
            When the ledger is not what was signed: damage is never signed over.
        LedgerUnavailable
            When there is nothing to sign yet, or the file cannot be written.
        """
        with self.checkpoints.appending() as end:
            proven = self._prove()
            if not proven.chain.number:
                raise LedgerUnavailable(self.path, reason="it has no entries, so there is nothing to sign")
            proven.chain.actors.check(signer)
            return end.write(proven.chain, proven.place, signer, at)

    def _prove(self) -> _Proven:
        """Prove entries and checkpoints that were not proven before, and return all that is proven now."""
        known = self._proven
        # Checkpoints are read first: an entry and its checkpoint written meanwhile are no cut.
        checkpoints = self.checkpoints.read(known.place)
        with self._reading() as connection:
            proven = self._caught_up(connection, known)
        self.checkpoints.prove(checkpoints, proven.entries, proven.chain.actors, known.place)
        self._proven = replace(proven, place=known.place.after(checkpoints))
        return self._proven

    def _caught_up(self, connection: sqlite3.Connection, known: _Proven) -> _Proven:
        """Return what is proven after everything that is stored, proving only what was not proven before."""
        chain, entries = known.chain, list(known.entries)
        last = connection.execute("SELECT hash FROM entries WHERE number = ?", (chain.number,)).fetchone()
        if chain.number and (last is None or last[0] != bytes.fromhex(chain.hash)):
            detail = "it is no longer the entry that was proven before"
            raise LedgerDamaged(self.path, problem="hash", number=chain.number, detail=detail)
        # The first time, from below every legal number: a row hidden there is met as well.
        for row in _rows(connection, chain.number or -(2**63)):
            chain, entry = chain.after(row, self.path)
            entries.append(entry)
        return replace(known, chain=chain, entries=tuple(entries))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = LEDGER_FILE.connect_for_writing(self.path)
        try:
            with LEDGER_FILE.translated(self.path):
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        finally:
            # Closing rolls back what was not committed.
            connection.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        connection = LEDGER_FILE.connect_for_reading(self.path)
        try:
            with LEDGER_FILE.translated(self.path):
                yield connection
        finally:
            connection.close()


def _rows(connection: sqlite3.Connection, after: int) -> list[Sealed]:
    query = "SELECT number, record, hash, signature FROM entries WHERE number > ? ORDER BY number"
    return [Sealed(*row) for row in connection.execute(query, (after,))]


def _check_enrolment(actors: Actors, sealed: Sealed, signer: Signer) -> None:
    """Say what is wrong with an enrolment in its own words, before the chain would call it damage."""
    actors.after(unsealed(sealed)).check(signer)
