"""Every error raised on purpose, drawn as a tree, each with what its reader should do.

* TallystickError
  - DefinitionError      the project file is wrong     write what the sentence says
    · FieldUnknown       a stream has no such field
    · LeakRefused        a label is used before it is known
  - LogError             the log cannot be used         do what the sentence says
    · LogDamaged         bytes were changed, lost or put in
    · LogHeld            another process writes it
    · LogUnavailable     no file, no right, no space
    · LogFormatUnknown   another version wrote it
    · AlreadyLogged      kind, stream and id exist
    · EntryRefused       a draft that no log can hold
    · SegmentRefused     history that does not fit
  - LedgerError          the ledger cannot be used      do what the sentence says
    · LedgerDamaged      bytes were changed, lost or put in
    · LedgerUnavailable  no file, no right, no space
    · LedgerFormatUnknown  another version wrote it
    · FactsRefused       facts without canonical JSON
    · ActorUnknown       nobody enrolled this name
    · EnrolmentRefused   a name, key or role that may not be
    · SignerRefused      the key is not the actor's
    · KeyMissing         no key file for this actor
    · KeyExists          a key is never overwritten
    · KeyUnsafe          others could read or replace it
    · KeyUnreadable      the file holds no such key
  - ApprovalError        nobody may do this now         ask a person with the right
    · BuilderRefused     who builds does not approve
    · RoleMissing        the actor lacks the role
    · BundleUnknown      the ledger has no such release
    · EvidenceFailed     a check or limit failed
    · EvidenceRefused    evidence that says too little, or is another's
    · AlreadyApproved    an approval stands
    · ReasonMissing      a refusal without its reason
  - ConfigError          tally.toml or the command line is wrong
    · SettingOutOfRange  a setting has a value that has no meaning
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class TallystickError(Exception):
    """Base of every error raised on purpose: a sentence for a person, never a stack trace."""


class DefinitionError(TallystickError):
    """A project file says something that has no meaning. The sentence starts with its file and line."""

    def __init__(self, sentence: str, *, where: str | None = None) -> None:
        self.where = where
        super().__init__(f"{where}: {sentence}" if where else sentence)


class FieldUnknown(DefinitionError, AttributeError):
    """A stream is asked for a field that it does not declare."""

    def __init__(self, field: str, *, stream: str, found: Iterable[str], where: str | None = None) -> None:
        self.field, self.stream, self.found = field, stream, sorted(found)
        super().__init__(
            f"{stream!r} has no field {field!r}. Declared: {', '.join(self.found)}. "
            f"{did_you_mean(field, self.found) or 'Declare it in fields={...}.'}",
            where=where,
        )


class LeakRefused(DefinitionError):
    """A value that becomes known later is used without saying when it becomes known."""

    def __init__(self, value: str, *, where: str | None = None) -> None:
        self.value = value
        super().__init__(
            f"{value} becomes known after the event and nothing says when, so a feature made of it would see "
            "the future. Write known_after='7d' (with the delay that is true in your house), or give a stream of "
            "reports whose time is when each became known.",
            where=where,
        )


class LogError(TallystickError):
    """The log cannot be opened, read or written."""


class LogDamaged(LogError):
    """The log's bytes are not those that were written.

    `problem` is one of: file, header, hash, gap, order, cut.
    """

    def __init__(self, path: Path, *, problem: str, detail: str, position: int | None = None) -> None:
        self.path, self.problem, self.detail, self.position = path, problem, detail, position
        place = "" if position is None else f" at position {position}"
        super().__init__(
            f"The log {path} is damaged{place} ({problem}): {detail}. "
            "Keep the file as evidence, and go on from a copy whose head the ledger knows."
        )


class LogHeld(LogError):
    """A second writer opens the log."""

    def __init__(self, path: Path, *, holder: int | None = None) -> None:
        self.path, self.holder = path, holder
        who = "another process" if holder is None else f"process {holder}"
        super().__init__(
            f"The log {path} is being written by {who}, and has one writer at a time. "
            "Stop that process first, or open the log for reading only."
        )


class LogUnavailable(LogError):
    """The log's file cannot be opened, read or written."""

    def __init__(self, path: Path, *, because: str) -> None:
        self.path, self.because = path, because
        super().__init__(
            f"The log {path} cannot be used: {because}. "
            "Check that it exists, that this user may use its folder, and that the disk has space."
        )


class LogFormatUnknown(LogError):
    """The log was written by a version with another layout."""

    def __init__(self, path: Path, *, found: int, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"The log {path} has format {found}, and this version of Tallystick knows format {known}. "
            "Open it with the version that wrote it."
        )


class AlreadyLogged(LogError):
    """An entry of this kind, stream and id exists; `position` is None where it is in the same group."""

    def __init__(self, kind: str, stream: str, name: str, *, position: int | None) -> None:
        self.kind, self.stream, self.name, self.position = kind, stream, name, position
        where = "twice in this group" if position is None else f"in the log already, at position {position}"
        super().__init__(
            f"The {kind} {name!r} of {stream!r} is {where}. "
            "An entry is written once: read the one that is there, or give the new one its own id."
        )


class EntryRefused(LogError):
    """A draft that the log cannot hold."""

    def __init__(self, kind: str, stream: str, name: str, *, because: str) -> None:
        self.kind, self.stream, self.name, self.because = kind, stream, name, because
        super().__init__(
            f"The {kind} {name!r} of {stream!r} cannot be logged: {because}. Correct the draft; nothing was written."
        )


class SegmentRefused(LogError):
    """A segment of history does not fit this log."""

    def __init__(self, digest: str, *, because: str) -> None:
        self.digest, self.because = digest, because
        super().__init__(
            f"The segment {digest[:12]} cannot be attached: {because}. "
            "Attach history once, in order and without holes, to a log that has no entries."
        )


class LedgerError(TallystickError):
    """The ledger cannot be opened, read or written."""


class LedgerDamaged(LedgerError):
    """The ledger's bytes are not those that were signed.

    `problem` is one of: file, header, hash, gap, order, signature, actor, checkpoint, cut.
    `number` is the first bad entry, `line` the first bad line of the checkpoints.
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
    """The ledger's file cannot be opened, read or written."""

    def __init__(self, path: Path, *, because: str) -> None:
        self.path, self.because = path, because
        super().__init__(
            f"The ledger {path} cannot be used: {because}. Check that it exists, that this user may use its "
            "folder, that the disk has space, and that no other program holds it."
        )


class LedgerFormatUnknown(LedgerError):
    """The ledger was written by a version with another layout."""

    def __init__(self, path: Path, *, found: int, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"The ledger {path} has format {found}, and this version of Tallystick knows format {known}. "
            "Open it with the version that wrote it."
        )


class FactsRefused(LedgerError):
    """Facts that have no canonical JSON."""

    def __init__(self, kind: str, *, because: str) -> None:
        self.kind, self.because = kind, because
        super().__init__(
            f"The facts of {kind!r} have no canonical JSON: {because}. Use texts, booleans, None, lists, dicts "
            "with text keys, finite numbers, and integers below 2**53 (write larger ones as texts)."
        )


class ActorUnknown(LedgerError):
    """A name that no entry enrolled."""

    def __init__(self, actor: str, *, known: Iterable[str]) -> None:
        self.actor, self.known = actor, sorted(known)
        names = ", ".join(self.known) or "nobody yet"
        super().__init__(
            f"The ledger knows no actor {actor!r}. Enrolled: {names}. "
            f"{did_you_mean(actor, self.known) or 'Have an enrolled actor enrol this one first.'}"
        )


class EnrolmentRefused(LedgerError):
    """An actor cannot be enrolled like this."""

    def __init__(self, actor: str, *, because: str) -> None:
        self.actor, self.because = actor, because
        super().__init__(f"{actor!r} cannot be enrolled: {because}.")


class SignerRefused(LedgerError):
    """A key signs for an actor whose enrolled key is another."""

    def __init__(self, actor: str) -> None:
        self.actor = actor
        super().__init__(
            f"This key is not the one that {actor!r} was enrolled with. "
            "Sign with the enrolled key, or enrol this key under a name of its own."
        )


class KeyMissing(LedgerError):
    """An actor has no key file in this folder."""

    def __init__(self, path: Path, *, actor: str) -> None:
        self.path, self.actor = path, actor
        super().__init__(f"There is no key of {actor!r} at {path}. Create it once, or point to the folder that has it.")


class KeyExists(LedgerError):
    """A key would be overwritten."""

    def __init__(self, path: Path, *, actor: str) -> None:
        self.path, self.actor = path, actor
        super().__init__(
            f"{actor!r} has a key at {path} already, and a key is never overwritten: what it signed could not "
            "be continued. Load it, or choose another name."
        )


class KeyUnsafe(LedgerError):
    """A private key that others than its owner can reach."""

    def __init__(self, path: Path, *, mode: int, wanted: int) -> None:
        self.path, self.mode, self.wanted = path, mode, wanted
        super().__init__(
            f"{path} has mode {mode:04o}, so others could use or replace the private key. "
            f"Run `chmod {wanted:o} {path}`; if others could reach it for long, make a new key."
        )


class KeyUnreadable(LedgerError):
    """A key file that holds no key we use."""

    def __init__(self, path: Path, *, because: str) -> None:
        self.path, self.because = path, because
        super().__init__(
            f"{path} holds no key that can be used: {because}. Expected an unencrypted EC P-256 key as PEM (PKCS8)."
        )


class ApprovalError(TallystickError):
    """What was asked needs a right, or a proof, that is not there."""


class BuilderRefused(ApprovalError):
    """The builder of a bundle wants to approve it."""

    def __init__(self, actor: str, *, bundle: str) -> None:
        self.actor, self.bundle = actor, bundle
        super().__init__(
            f"{actor!r} built bundle {bundle[:12]}, and who builds does not approve. "
            "Ask another validator to approve it."
        )


class RoleMissing(ApprovalError):
    """An actor lacks the role that an act needs."""

    def __init__(self, actor: str, *, role: str, roles: Iterable[str], act: str) -> None:
        self.actor, self.role, self.roles, self.act = actor, role, sorted(roles), act
        super().__init__(
            f"{actor!r} may not {act}: that needs the role {role!r}, and the ledger gives {actor!r} "
            f"{', '.join(self.roles) or 'no role'}. Ask an actor who is {role}."
        )


class BundleUnknown(ApprovalError):
    """A bundle that no entry of the ledger released."""

    def __init__(self, bundle: str, *, released: Iterable[str]) -> None:
        self.bundle, self.released = bundle, list(released)
        known = ", ".join(digest[:12] for digest in self.released[-5:]) or "none"
        super().__init__(
            f"The ledger has no release of bundle {bundle[:12]}. Released: {known}. "
            "Release it first, or correct the digest."
        )


class EvidenceFailed(ApprovalError):
    """Evidence with at least one failed check or limit."""

    def __init__(self, bundle: str, *, failed: Iterable[tuple[str, str]]) -> None:
        self.bundle, self.failed = bundle, list(failed)
        told = "; ".join(f"{code}: {because}" for code, because in self.failed)
        super().__init__(
            f"Bundle {bundle[:12]} cannot be approved, because its evidence has {len(self.failed)} failed "
            f"finding{'s' if len(self.failed) > 1 else ''} ({told}). Train and release a better candidate."
        )


class EvidenceRefused(ApprovalError):
    """Evidence that cannot carry an approval."""

    def __init__(self, bundle: str, *, because: str) -> None:
        self.bundle, self.because = bundle, because
        super().__init__(
            f"The evidence of bundle {bundle[:12]} cannot carry an approval: {because}. "
            "Hand in the evidence that the bundle was released with."
        )


class AlreadyApproved(ApprovalError):
    """A bundle whose approval stands."""

    def __init__(self, bundle: str, *, actor: str, number: int) -> None:
        self.bundle, self.actor, self.number = bundle, actor, number
        super().__init__(
            f"Bundle {bundle[:12]} was approved by {actor!r} in entry {number}, and that approval stands. "
            "Nothing is left to do; refuse the bundle to withdraw it."
        )


class ReasonMissing(ApprovalError):
    """A refusal that does not say why."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        super().__init__(f"The refusal of bundle {bundle[:12]} gives no reason. Say in a sentence why it is refused.")


class ModelError(TallystickError):
    """A model file cannot be used. Export it again, or take the one that was released."""


class ModelUnreadable(ModelError):
    """Bytes that should be a model are none."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"The model file cannot be read: {found}. Export the model again.")


class ModelUnknown(ModelError):
    """A model file asks for something that no model of ours asks for."""

    def __init__(self, found: str, *, allowed: str) -> None:
        self.found, self.allowed = found, allowed
        super().__init__(
            f"The model file holds {found}. Allowed: {allowed}. Only files written by tallystick's own export "
            "are run; train the model here, or export it again."
        )


class ModelDamaged(ModelError):
    """A model file has the right form and impossible content."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"The model file is damaged: {what}. Take it from the bundle that was signed.")


class VectorWrong(ModelError):
    """Feature values that do not fit the model."""

    def __init__(self, shape: tuple[int, ...], *, names: tuple[str, ...]) -> None:
        self.shape, self.names = shape, names
        super().__init__(
            f"The model needs {len(names)} features and was given values of shape {shape}. "
            f"Give, in this order: {', '.join(names)}."
        )


class ExportRefused(ModelError):
    """A fitted model holds something that a model file cannot say."""

    def __init__(self, what: str, *, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"The model cannot be written as data: {what}. {remedy}")


class ConfigError(TallystickError):
    """tally.toml or the command line asks for something that does not exist. Correct it, run again."""


class SettingOutOfRange(ConfigError):
    """A setting has a value that has no meaning. Write one of the allowed values."""

    def __init__(self, setting: str, value: object, *, allowed: str) -> None:
        self.setting, self.value, self.allowed = setting, value, allowed
        super().__init__(f"{setting} is {value!r}, and must be {allowed}. Write a value that is.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the sentence that names the nearest known word, or nothing.

    >>> did_you_mean("amout", ["amount", "paid_at"])
    "Did you mean 'amount'?"
    """
    close = get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
