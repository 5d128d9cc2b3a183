"""A ledger, an actor or a key that cannot be used.

LedgerError
· LedgerDamaged        bytes were changed, lost or put in
· LedgerUnavailable    no file, no right, no space
· LedgerFormatUnknown  another version wrote it
· FactsRefused         facts without canonical JSON
· ActorUnknown         nobody enrolled this name
· EnrolmentRefused     a name, key or role that may not be
· SignerRefused        the key is not the actor's
· KeyMissing           no key file for this actor
· KeyExists            a key is never overwritten
· KeyUnsafe            others could read or replace it
· KeyUnreadable        the file holds no such key
"""

from collections.abc import Iterable
from pathlib import Path

from tallystick.errors.base import TallystickError, did_you_mean


class LedgerError(TallystickError):
    """The ledger cannot be opened, read or written."""


class LedgerDamaged(LedgerError):
    """The ledger's bytes are not those that were signed.

    `problem` is one of: file, header, hash, gap, order, signature, actor, checkpoint, cut.
    `number` is the first bad entry, `line` the first bad line of the checkpoints.

    Parameters
    ----------
    path : the ledger's file
    problem : what kind of change it is, in a word or two
    detail : what was found, without a full stop
    number : the first entry that does not hold, where it is an entry
    line : the line of the file of checkpoints, where it is one
    """

    def __init__(
        self, path: Path, *, problem: str, detail: str, number: int | None = None, line: int | None = None
    ) -> None:
        self.path, self.problem, self.detail, self.number, self.line = path, problem, detail, number, line
        place = f" at line {line}" if line is not None else f" at entry {number}" if number is not None else ""
        super().__init__(
            f"The ledger {path} is damaged{place} ({problem}): {detail}. "
            "Keep the file as evidence, and compare it with a copy or a checkpoint kept elsewhere."
        )


class LedgerUnavailable(LedgerError):
    """The ledger's file cannot be opened, read or written.

    Parameters
    ----------
    path : the ledger's file
    reason : what is wrong, without a full stop
    """

    def __init__(self, path: Path, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"The ledger {path} cannot be used: {reason}. Check that it exists, that this user may use its "
            "folder, that the disk has space, and that no other program holds it."
        )


class LedgerFormatUnknown(LedgerError):
    """The ledger was written by a version with another layout.

    Parameters
    ----------
    path : the ledger's file
    found : the number in the file
    known : the number this version reads
    """

    def __init__(self, path: Path, *, found: int, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"The ledger {path} has format {found}, and this version of Tallystick knows format {known}. "
            "Open it with the version that wrote it."
        )


class FactsRefused(LedgerError):
    """Facts that have no canonical JSON.

    Parameters
    ----------
    kind : the entry's kind
    reason : what is wrong, without a full stop
    """

    def __init__(self, kind: str, *, reason: str) -> None:
        self.kind, self.reason = kind, reason
        super().__init__(
            f"The facts of {kind!r} have no canonical JSON: {reason}. Use texts, booleans, None, lists, dicts "
            "with text keys, finite numbers, and integers below 2**53 (write larger ones as texts)."
        )


class ActorUnknown(LedgerError):
    """A name that no entry enrolled.

    Parameters
    ----------
    actor : the actor's name
    known : the names that are enrolled
    """

    def __init__(self, actor: str, *, known: Iterable[str]) -> None:
        self.actor, self.known = actor, sorted(known)
        names = ", ".join(self.known) or "nobody yet"
        super().__init__(
            f"The ledger knows no actor {actor!r}. Enrolled: {names}. "
            f"{did_you_mean(actor, self.known) or 'Have an enrolled actor enrol this one first.'}"
        )


class EnrolmentRefused(LedgerError):
    """An actor cannot be enrolled like this.

    Parameters
    ----------
    actor : the actor's name
    reason : what is wrong, without a full stop
    """

    def __init__(self, actor: str, *, reason: str) -> None:
        self.actor, self.reason = actor, reason
        super().__init__(f"{actor!r} cannot be enrolled: {reason}.")


class SignerRefused(LedgerError):
    """A key signs for an actor whose enrolled key is another."""

    def __init__(self, actor: str) -> None:
        self.actor = actor
        super().__init__(
            f"This key is not the one that {actor!r} was enrolled with. "
            "Sign with the enrolled key, or enrol this key under a name of its own."
        )


class KeyMissing(LedgerError):
    """An actor has no key file in this folder.

    Parameters
    ----------
    path : where the key would lie
    actor : the actor's name
    """

    def __init__(self, path: Path, *, actor: str) -> None:
        self.path, self.actor = path, actor
        super().__init__(f"There is no key of {actor!r} at {path}. Create it once, or point to the folder that has it.")


class KeyExists(LedgerError):
    """A key would be overwritten.

    Parameters
    ----------
    path : where a key lies already
    actor : the actor's name
    """

    def __init__(self, path: Path, *, actor: str) -> None:
        self.path, self.actor = path, actor
        super().__init__(
            f"{actor!r} has a key at {path} already, and a key is never overwritten: what it signed could not "
            "be continued. Load it, or choose another name."
        )


class KeyUnsafe(LedgerError):
    """A private key that others than its owner can reach.

    Parameters
    ----------
    path : the key's file or folder
    mode : its permissions
    wanted : the permissions it must have
    """

    def __init__(self, path: Path, *, mode: int, wanted: int) -> None:
        self.path, self.mode, self.wanted = path, mode, wanted
        super().__init__(
            f"{path} has mode {mode:04o}, so others could use or replace the private key. "
            f"Run `chmod {wanted:o} {path}`; if others could reach it for long, make a new key."
        )


class KeyUnreadable(LedgerError):
    """A key file that holds no key we use.

    Parameters
    ----------
    path : the key's file
    reason : what is wrong, without a full stop
    """

    def __init__(self, path: Path, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} holds no key that can be used: {reason}. Expected an unencrypted EC P-256 key as PEM (PKCS8)."
        )
