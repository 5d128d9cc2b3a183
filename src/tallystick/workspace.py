"""What every stage works in: the project's folder, its settings, its ledger, and the people who act."""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tallystick.definitions.clock import Clock
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.project import Definitions
from tallystick.errors import NameUnclear, NobodyActs
from tallystick.features.plan import Plan, plan_of
from tallystick.ledger.actors import Actors, enrol
from tallystick.ledger.entry import LedgerEntry
from tallystick.ledger.keys import Keys, Signer
from tallystick.ledger.ledger import Ledger, Verified
from tallystick.settings import Places, Settings

FIRST_ROLES = ("builder", "operator")


@dataclass(frozen=True)
class Workspace:
    """A project's folder, and who acts in it.

    Parameters
    ----------
    root : the folder
    settings : what tally.toml says
    definitions : what the project file declares
    actor : who acts
    clock : tells the time
    """

    root: Path
    settings: Settings
    definitions: Definitions
    actor: str
    clock: Clock

    @property
    def places(self) -> Places:
        """Where the things of the project lie."""
        return Places(self.root)

    def plan(self, model: ModelDefinition) -> Plan:
        """Return the plan of a model's features, with the sources it and its label need."""
        return plan_of(model, self.definitions.sources)

    @property
    def flags(self) -> list[Flagged]:
        """Every flag of the project: they say when outcomes of tables became known."""
        models = self.definitions.models.values()
        sets = [*self.definitions.feature_sets.values(), *(model.features for model in models)]
        return [flag for s in sets for flag in s.flags] + [model.label.flagged for model in models]

    @cached_property
    def ledger(self) -> Ledger:
        """Who did what."""
        self.places.make()
        return Ledger.create_or_open(self.places.ledger, self.places.checkpoints)

    def signer(self) -> Signer:
        """Return who acts, with the key in hand; the first actor of an empty ledger enrols itself."""
        keys = Keys(self.places.keys)
        if not self.ledger.entries("actor_enrolled"):
            signer = keys.load_or_create(self.actor)
            enrol(
                self.ledger,
                self.actor,
                FIRST_ROLES,
                public_pem=signer.public_pem,
                by=signer,
                at=self.clock.now(),
            )
            return signer
        Actors.from_ledger(self.ledger).of(self.actor)
        return keys.load(self.actor)

    def enrol(self, name: str, *roles: str) -> LedgerEntry:
        """Make a key for another actor on this machine, and enrol it under the name of who acts.

        Parameters
        ----------
        name : of the new actor; letters, digits and ``-``, since its key file is called by it
        *roles : what it may do: "builder", "validator", "operator"
        """
        by = self.signer()
        key = Keys(self.places.keys).load_or_create(name)
        return enrol(self.ledger, name, roles, public_pem=key.public_pem, by=by, at=self.clock.now())

    def trusted_keys(self) -> tuple[str, ...]:
        """Return the public keys of everybody enrolled."""
        return tuple(actor.public_pem for actor in Actors.from_ledger(self.ledger).by_name.values())

    def verify(self) -> Verified:
        """Prove the ledger from its first byte."""
        return self.ledger.verify()


def user() -> str:
    """Return the name of the user at this machine.

    Raises
    ------
    NobodyActs
        If the user has none, as in some containers.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise NobodyActs from None


def named(what: str, prefix: str, names: Sequence[str], *, remedy: str) -> str:
    """Return the one name that begins so.

    Parameters
    ----------
    what : what it names, for the sentence
    prefix : how the name begins, as it was written
    names : all names there are, the latest last
    remedy : the command that makes one

    Raises
    ------
    NameUnclear
        If no name begins so, or several do.

    Examples
    --------
    >>> named("bundle", "3f", ["3fa1", "77b0"], remedy="tally release")
    '3fa1'
    """
    found = [name for name in names if name.startswith(prefix)]
    if len(found) != 1 or not prefix:
        raise NameUnclear(what, prefix, found=found, known=names, remedy=remedy)
    return found[0]
