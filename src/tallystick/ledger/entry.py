"""What the ledger holds: an entry is canonical JSON, the hash of it, and its actor's signature over the hash."""

import hashlib
from typing import Any

import msgspec
import rfc8785

from tallystick.definitions.digest import canonical
from tallystick.errors import FactsRefused
from tallystick.ledger.keys import Signer

GENESIS = hashlib.sha256(b"tallystick ledger genesis 1\n").hexdigest()
_HASH_DOMAIN = b"tallystick ledger entry 1\n"
_SIGNATURE_DOMAIN = b"tallystick ledger signature 1\n"


class LedgerEntry(msgspec.Struct, frozen=True):
    """Something an actor did.

    Attributes
    ----------
    number : int
        Its place, from 1.
    kind : str
        What was done: `trained`, `approved`, ...
    actor : str
        Who did it, and signed.
    at : int
        When, in microseconds since 1970 UTC, as the actor's clock says.
    facts : dict
        What is to be known about it, as plain JSON.
    previous, hash : str
        The hash of the entry before, and of this one, in lower-case hex.
    signature : bytes
        The actor's signature over the hash, 64 bytes.
    """

    number: int
    kind: str
    actor: str
    at: int
    facts: dict[str, Any]
    previous: str
    hash: str
    signature: bytes


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of an entry that its hash is made from; the attributes mean what those of `LedgerEntry` do."""

    number: int
    kind: str
    actor: str
    at: int
    facts: dict[str, Any]
    previous: str


class Sealed(msgspec.Struct, frozen=True):
    """An entry as it is stored.

    Attributes
    ----------
    number : int
        Its place, from 1.
    record : str
        The record's exact text, canonical JSON.
    hash, signature : bytes
        32 bytes made from the text, and 64 bytes over the hash.
    """

    number: int
    record: str
    hash: bytes
    signature: bytes


def seal(record: Record, signer: Signer) -> Sealed:
    """Write a record down canonically, hash it and sign the hash.

    Parameters
    ----------
    record : Record
        What is to stand in the ledger.
    signer : Signer
        Whose key signs; the record's actor.

    Raises
    ------
    FactsRefused
        When the facts have no canonical JSON.
    """
    try:
        text = canonical(msgspec.structs.asdict(record))
    except (rfc8785.CanonicalizationError, ValueError, RecursionError) as error:
        raise FactsRefused(record.kind, reason=str(error)) from error
    hashed = record_hash(text)
    return Sealed(record.number, text.decode(), hashed, signer.sign(signed_message(hashed)))


def record_hash(text: bytes) -> bytes:
    """Return the hash of a record's exact text."""
    return hashlib.sha256(_HASH_DOMAIN + text).digest()


def signed_message(hashed: bytes) -> bytes:
    """Return what an actor signs: never a bare hash, so that no other signature can pass for this one."""
    return _SIGNATURE_DOMAIN + hashed


def unsealed(sealed: Sealed) -> LedgerEntry:
    """Return the entry that a stored row holds, without proving it.

    Raises
    ------
    msgspec.DecodeError
        When its text is no record.
    """
    record = msgspec.json.decode(sealed.record, type=Record)
    return LedgerEntry(
        number=record.number,
        kind=record.kind,
        actor=record.actor,
        at=record.at,
        facts=record.facts,
        previous=record.previous,
        hash=sealed.hash.hex(),
        signature=sealed.signature,
    )
