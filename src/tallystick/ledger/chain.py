"""Proving the ledger: one state, moved on by each stored entry, that accepts only what was rightly signed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tallystick.errors import EnrolmentRefused, LedgerDamaged
from tallystick.ledger.actors import Actors
from tallystick.ledger.entry import GENESIS, LedgerEntry, Sealed, record_hash, signed_message, unsealed
from tallystick.ledger.keys import verifies


@dataclass(frozen=True, slots=True)
class Chain:
    """What has been proven so far: a state that each entry moves on.

    Attributes
    ----------
    number, hash : int, str
        The last entry's number, and its hash in lower-case hex.
    actors : Actors
        Everybody enrolled by then.
    """

    number: int = 0
    hash: str = GENESIS
    actors: Actors = field(default_factory=Actors)

    def after(self, sealed: Sealed, path: Path) -> tuple["Chain", LedgerEntry]:
        """Prove the next entry and return the state after it.

        Parameters
        ----------
        sealed : Sealed
            The next row, as it is stored.
        path : Path
            The ledger, for the sentence.

        Raises
        ------
        LedgerDamaged
            Naming the entry, and what is wrong: header, gap, order, hash, actor or signature.
        """
        damage = _Damage(path, self.number + 1)
        self._check_place(sealed, damage)
        entry = _read(sealed, damage)
        # The cheap proofs come first: checking a signature takes far longer than hashing.
        if record_hash(sealed.record.encode()) != sealed.hash:
            raise damage.of("hash", "its text is not what its hash was made from")
        if entry.previous != self.hash or entry.number != sealed.number:
            raise damage.of("order", "it was written after another entry than the one before it")
        return Chain(sealed.number, entry.hash, self._signed(entry, sealed, damage)), entry

    def _check_place(self, sealed: Sealed, damage: "_Damage") -> None:
        if sealed.number < damage.number:
            raise damage.of("order", f"an entry has number {sealed.number}, and they begin at 1")
        if sealed.number > damage.number:
            raise damage.of("gap", f"the next one is number {sealed.number}: {sealed.number - damage.number} missing")

    def _signed(self, entry: LedgerEntry, sealed: Sealed, damage: "_Damage") -> Actors:
        """Return the actors after an entry whose signature is by a key enrolled before it (or, first, by itself)."""
        try:
            after = self.actors.after(entry)
        except EnrolmentRefused as error:
            raise damage.of("actor", str(error).rstrip(".")) from error
        # Only the first entry may be signed by the actor that it enrols itself: nobody was there before.
        signers = after if entry.number == 1 else self.actors
        actor = signers.by_name.get(entry.actor)
        if actor is None:
            raise damage.of("actor", f"no earlier entry enrolled its actor {entry.actor!r}")
        if not verifies(actor.public_pem, sealed.signature, signed_message(sealed.hash)):
            raise damage.of("signature", f"its signature is not by the key that {entry.actor!r} was enrolled with")
        return after


@dataclass(frozen=True, slots=True)
class _Damage:
    path: Path
    number: int

    def of(self, problem: str, detail: str) -> LedgerDamaged:
        return LedgerDamaged(self.path, problem=problem, detail=detail, number=self.number)


def _read(sealed: Sealed, damage: _Damage) -> LedgerEntry:
    columns: tuple[tuple[Any, type], ...] = (
        (sealed.record, str),
        (sealed.hash, bytes),
        (sealed.signature, bytes),
    )
    if not all(isinstance(value, wanted) for value, wanted in columns):
        raise damage.of("header", "a column has another type than the ledger writes")
    try:
        return unsealed(sealed)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise damage.of("header", f"its text is no entry ({error})") from error
