"""Who may sign: actors, their keys and roles, as the ledger's own entries enrolled them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from tallystick.errors import ActorUnknown, EnrolmentRefused, SignerRefused
from tallystick.ledger.entry import LedgerEntry
from tallystick.ledger.keys import Signer, canonical_pem, check_actor_name

ENROLLED = "actor_enrolled"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may sign.

    Attributes
    ----------
    name : str
        As entries and approvals show it.
    public_pem : str
        The key it signs with.
    roles : frozenset of str
        What it may do: `builder`, `validator`, `operator`.
    enrolled_by : str
        Who enrolled it.
    number : int
        The entry that says so: what it signs counts from the next one on.
    """

    name: str
    public_pem: str
    roles: frozenset[str]
    enrolled_by: str
    number: int


class Records(Protocol):
    """The part of a ledger that actors need."""

    def entries(self, kind: str | None = None) -> list[LedgerEntry]:
        """Return entries in order."""
        ...

    def record(self, kind: str, facts: Mapping[str, Any], signer: Signer, at: int) -> LedgerEntry:
        """Append an entry; see `Ledger.record`.

        Parameters
        ----------
        kind : what happened, as one word
        facts : plain JSON
        signer : who says so
        at : the current instant, in microseconds since 1970 UTC
        """
        ...


@dataclass(frozen=True, slots=True)
class Actors:
    """Everybody enrolled up to some entry: a small state machine over the ledger.

    The first actor enrols itself in the ledger's first entry; an enrolled actor enrols every later one. A name
    and a key belong to one actor.
    """

    by_name: Mapping[str, Actor] = field(default_factory=dict)

    @classmethod
    def from_ledger(cls, ledger: Records) -> Self:
        """Return everybody the ledger enrolled."""
        return cls().after_all(ledger.entries(ENROLLED))

    def after_all(self, entries: Iterable[LedgerEntry]) -> Self:
        """Return the actors after some entries."""
        actors = self
        for entry in entries:
            actors = actors.after(entry)
        return actors

    def after(self, entry: LedgerEntry) -> Self:
        """Return the actors after one entry.

        Raises
        ------
        EnrolmentRefused
            When the entry enrols an actor against the rules.
        """
        if entry.kind != ENROLLED:
            return self
        actor = _read_actor(entry)
        self._check(actor, entry)
        return type(self)({**self.by_name, actor.name: actor})

    def of(self, name: str) -> Actor:
        """Return an actor.

        Raises
        ------
        ActorUnknown
            When no entry enrolled this name.
        """
        if name not in self.by_name:
            raise ActorUnknown(name, known=self.by_name)
        return self.by_name[name]

    def check(self, signer: Signer) -> Actor:
        """Return the actor of a signer whose key is the enrolled one.

        Raises
        ------
        SignerRefused
            When the actor was enrolled with another key.
        """
        actor = self.of(signer.actor)
        if actor.public_pem != signer.public_pem:
            raise SignerRefused(signer.actor)
        return actor

    def _check(self, actor: Actor, entry: LedgerEntry) -> None:
        reason = None
        owner = next((a.name for a in self.by_name.values() if a.public_pem == actor.public_pem), None)
        if actor.name in self.by_name:
            reason = f"entry {self.by_name[actor.name].number} enrolled this name already"
        elif owner:
            reason = f"its key is the key of {owner!r}, and a key belongs to one actor"
        elif not self.by_name and (entry.number != 1 or entry.actor != actor.name):
            reason = "the first actor enrols itself, in the first entry"
        if reason:
            raise EnrolmentRefused(actor.name, reason=reason)


def enrol(ledger: Records, name: str, roles: Sequence[str], *, public_pem: str, by: Signer, at: int) -> LedgerEntry:
    """Enrol an actor: from the next entry on, what this key signs under this name is good.

    Parameters
    ----------
    ledger : Records
        The ledger.
    name : str
        The new actor.
    roles : sequence of str
        What the actor may do: `builder`, `validator`, `operator`.
    public_pem : str
        The new actor's public key.
    by : Signer
        Who enrols: the new actor itself in an empty ledger, an enrolled actor afterwards.
    at : int
        When.

    Raises
    ------
    EnrolmentRefused
        When the name, the key or the roles cannot be used.
    """
    try:
        pem = canonical_pem(public_pem)
    except ValueError as error:
        raise EnrolmentRefused(name, reason=f"its public key is unreadable ({error})") from error
    facts = {"name": name, "public_key": pem, "roles": sorted(set(roles))}
    return ledger.record(ENROLLED, facts, by, at)


def _read_actor(entry: LedgerEntry) -> Actor:
    name, pem, roles = (entry.facts.get(key) for key in ("name", "public_key", "roles"))
    if not isinstance(name, str) or not isinstance(pem, str) or not isinstance(roles, list):
        raise EnrolmentRefused(str(name), reason="an enrolment states name, public_key and roles")
    check_actor_name(name)
    try:
        is_canonical = canonical_pem(pem) == pem
    except ValueError:
        is_canonical = False
    if not is_canonical or not all(isinstance(role, str) for role in roles):
        raise EnrolmentRefused(name, reason="its key is no EC P-256 key as PEM, or a role is no text")
    return Actor(name, pem, frozenset(roles), entry.actor, entry.number)
