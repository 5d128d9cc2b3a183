"""Checkpoints: signed lines in a second file that say how far the ledger had come, and by which hash."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tallystick.definitions.digest import canonical
from tallystick.errors import LedgerDamaged, LedgerUnavailable
from tallystick.ledger.actors import Actors
from tallystick.ledger.chain import Chain
from tallystick.ledger.entry import LedgerEntry
from tallystick.ledger.keys import Signer, verifies

_DOMAIN = b"tallystick ledger checkpoint 1\n"
_FIRST = hashlib.sha256(_DOMAIN).hexdigest()


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the ledger had come.

    Keep one elsewhere (a colleague's repository, write-once storage): against it, even a cut of both files shows.

    Attributes
    ----------
    number, hash : int, str
        The last entry's number, and its hash in lower-case hex.
    at : int
        When, in microseconds since 1970 UTC.
    actor : str
        Who says so.
    previous : str
        SHA-256 of the line before, so that no line is taken out unseen.
    signature : str
        The actor's signature over all of the above, in lower-case hex.
    """

    number: int
    hash: str
    at: int
    actor: str
    previous: str
    signature: str

    @property
    def line(self) -> bytes:
        """The line that stands in the file, with its end."""
        return canonical(msgspec.structs.asdict(self)) + b"\n"


@dataclass(frozen=True, slots=True)
class Place:
    """How far the file of checkpoints was read, and what the next line is chained to.

    Attributes
    ----------
    n_lines : int
        How many lines stand before it.
    end, length : int
        Where the last of them ends, and how long it is, in bytes.
    digest : str
        SHA-256 of the last line; of the domain, where there is none.
    number : int
        The entry that the last line speaks of: no later line speaks of an earlier one.
    """

    n_lines: int = 0
    end: int = 0
    length: int = 0
    digest: str = _FIRST
    number: int = 1

    def after(self, checkpoints: Iterable[Checkpoint]) -> "Place":
        """Return the place after some more lines."""
        place = self
        for checkpoint in checkpoints:
            line = checkpoint.line
            digest = hashlib.sha256(line).hexdigest()
            place = Place(place.n_lines + 1, place.end + len(line), len(line), digest, checkpoint.number)
        return place


START = Place()


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The file of checkpoints, one canonical JSON line each.

    Attributes
    ----------
    path : Path
        The file; it need not exist yet.
    """

    path: Path

    @contextmanager
    def appending(self) -> Iterator["Appender"]:
        """Hold the file alone for the length of a block, to read its end and write after it.

        Raises
        ------
        LedgerUnavailable
            When the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise LedgerUnavailable(self.path, reason=str(error.strerror)) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Appender(self, handle)
        finally:
            os.close(handle)

    def read(self, after: Place = START) -> list[Checkpoint]:
        """Return the checkpoints after a place, without proving them; none where there is no file.

        Parameters
        ----------
        after : Place
            Where an earlier reading ended; default, the beginning of the file.

        Raises
        ------
        LedgerDamaged
            Naming the first line that is none, or is not the one after the line before it.
        LedgerUnavailable
            When the file cannot be read.
        """
        content = self._content(after.end - after.length)
        # The line before is read once more: a file that was cut or written anew below the place has another there.
        if after.n_lines and hashlib.sha256(content[: after.length]).hexdigest() != after.digest:
            raise self._damage("checkpoint", "it is no longer the line that was proven before", after.n_lines)
        known, previous = [], after.digest
        for number, line in enumerate(content[after.length :].splitlines(keepends=True), start=after.n_lines + 1):
            known.append(self._read_line(line, number, previous))
            previous = hashlib.sha256(line).hexdigest()
        return known

    def prove(
        self, checkpoints: Sequence[Checkpoint], entries: Sequence[LedgerEntry], actors: Actors, after: Place = START
    ) -> None:
        """Hold checkpoints against the ledger.

        Parameters
        ----------
        checkpoints : sequence of Checkpoint
            As `read` returned them.
        entries : sequence of LedgerEntry
            Every entry of the ledger, proven, from number 1.
        actors : Actors
            Everybody the ledger enrolled.
        after : Place
            The place they were read after.

        Raises
        ------
        LedgerDamaged
            Naming the first line that does not fit: actor, signature, checkpoint, or cut.
        """
        earlier = after.number
        for line, checkpoint in enumerate(checkpoints, start=after.n_lines + 1):
            if checkpoint.number < earlier:
                raise self._damage("checkpoint", f"it goes back from entry {earlier} to {checkpoint.number}", line)
            self.prove_one(checkpoint, entries, actors, line)
            earlier = checkpoint.number

    def prove_one(
        self, checkpoint: Checkpoint, entries: Sequence[LedgerEntry], actors: Actors, line: int | None = None
    ) -> None:
        """Hold one checkpoint, from the file or kept elsewhere, against the ledger.

        Parameters
        ----------
        checkpoint : Checkpoint
            What somebody signed.
        entries : sequence of LedgerEntry
            Every entry of the ledger, proven, from number 1.
        actors : Actors
            Everybody the ledger enrolled.
        line : int, optional
            Its line in the file; None where it was kept elsewhere.

        Raises
        ------
        LedgerDamaged
            If the ledger ends before it, has another hash there, or its signature is not its actor's.
        """
        n = len(entries)
        if checkpoint.number > n:
            detail = f"a checkpoint stands at entry {checkpoint.number}, and the ledger ends at {n}"
            raise LedgerDamaged(self.path, problem="cut", detail=detail, number=n + 1, line=line)
        if checkpoint.number < 1 or checkpoint.hash != entries[checkpoint.number - 1].hash:
            detail = f"entry {checkpoint.number} has another hash than the checkpoint: the ledger was rewritten"
            raise self._damage("checkpoint", detail, line)
        self._check_signature(checkpoint, actors, line)

    def _content(self, start: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise LedgerUnavailable(self.path, reason=str(error.strerror)) from error

    def _read_line(self, line: bytes, place: int, previous: str) -> Checkpoint:
        try:
            checkpoint = msgspec.json.decode(line, type=Checkpoint)
            is_exact = checkpoint.line == line and bytes.fromhex(checkpoint.signature).hex() == checkpoint.signature
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if not line.endswith(b"\n"):
                detail = "it was never finished; if a crash interrupted its writing, remove this line and nothing else"
                raise self._damage("checkpoint", detail, place) from error
            raise self._damage("checkpoint", f"it is no checkpoint ({error})", place) from error
        if not is_exact:
            raise self._damage("checkpoint", "it is not written as a checkpoint is written", place)
        if checkpoint.previous != previous:
            raise self._damage("checkpoint", "it was written after another line than the one before it", place)
        return checkpoint

    def _check_signature(self, checkpoint: Checkpoint, actors: Actors, line: int | None) -> None:
        actor = actors.by_name.get(checkpoint.actor)
        if actor is None or actor.number > checkpoint.number:
            raise self._damage("actor", f"no entry up to it enrolled its actor {checkpoint.actor!r}", line)
        if not verifies(actor.public_pem, bytes.fromhex(checkpoint.signature), _signed_part(checkpoint)):
            detail = f"its signature is not by the key that {checkpoint.actor!r} was enrolled with"
            raise self._damage("signature", detail, line)

    def _damage(self, problem: str, detail: str, line: int | None) -> LedgerDamaged:
        return LedgerDamaged(self.path, problem=problem, detail=detail, line=line)


@dataclass(frozen=True, slots=True)
class Appender:
    """The end of the file, held alone.

    Attributes
    ----------
    checkpoints : Checkpoints
        The file.
    handle : int
        Its open and locked descriptor.
    """

    checkpoints: Checkpoints
    handle: int

    def write(self, chain: Chain, place: Place, signer: Signer, at: int) -> Checkpoint:
        """Sign where a proven chain stands, and write the line; synced to the disk when this returns.

        Parameters
        ----------
        chain : Chain
            The proven ledger.
        place : Place
            The end of the file, read while it was held.
        signer : Signer
            Who says so.
        at : int
            When, in microseconds since 1970 UTC.
        """
        blank = Checkpoint(chain.number, chain.hash, at, signer.actor, place.digest, "")
        checkpoint = msgspec.structs.replace(blank, signature=signer.sign(_signed_part(blank)).hex())
        os.write(self.handle, checkpoint.line)
        os.fsync(self.handle)
        return checkpoint


def _sync_folder(folder: Path) -> None:
    # A new file is there after a loss of power only when its folder was synced too.
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _signed_part(checkpoint: Checkpoint) -> bytes:
    facts = msgspec.structs.asdict(checkpoint)
    del facts["signature"]
    return _DOMAIN + canonical(facts)
