"""Every error raised on purpose, drawn as a tree, each with what its reader should do.

* TallystickError
  - DefinitionError      the project file is wrong     write what the sentence says
    · FieldUnknown       a stream has no such field
    · LeakRefused        a label is used before it is known
  - DataError            files or requests do not keep their contract   do what the sentence says
    · SourceMissing      no such file or folder
    · SourceUnreadable   the file is no Parquet we can read
    · ColumnMissing      a declared column is not there
    · ColumnUnusable     a column's type cannot become the declared kind
    · TooManyRefused     more rows were refused than the share allowed
    · RowRefused         one raw record breaks its contract
    · DataUnwritable     a quarantine or segment cannot be written
    · RecordsClash       two records claim one place in the order
    · SegmentDamaged     a segment's bytes are not those that were saved
    · SegmentUnfit       a segment lacks what the project declares
  - FeatureError         features cannot be computed    do what the sentence says
    · FeatureOverflow    a running total left its range
    · EntityTooLong      a key longer than the state holds
    · StateFull          the state's file cannot grow
    · StateHeld          another process has it open
    · StateDoubtful      the machine went down while it was open
    · StateOfOtherPlan   it was made for other features
    · StateOccupied      a bulk load into a state that is not empty
    · SequenceRefused    a record out of the order of arrival
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
    · ApprovalMissing    nobody approved, or it was refused since
  - BundleError          a bundle does not hold      take the one that was signed, or release again
    · BundleShapeWrong   the folder is no folder of plain files
    · BundleListingWrong it holds more or less than it lists
    · BundleFormatUnknown  another version wrote it
    · BundleUnsigned     no signature lies beside it
    · SignatureRefused   nobody trusted signed it
    · BundleAltered      a file is not the one listed
    · BundleUnreadable   a file has another form
    · BundleInconsistent its files contradict each other
    · SelfTestFailed     it gives other bits here
    · BundleUnapproved   nobody approved it
  - ServingError         the service cannot start, or cannot take more   do what the sentence says
    · NotApproved        no standing approval of this bundle
    · StateAhead         the state knows entries that the log lost
    · HistoryMissing     the log's first segment is not where it was
    · HistoryAltered     or it is not the one that was attached
    · QueueFull          more waits than may wait
    · ServiceStopped     it is going down
    · TokenRefused       a token that cannot be made like this
    · AddressUnusable    nothing can listen there
  - ReplayError          nothing can be replayed like this
    · DecisionUnknown    the log has no such decision
    · NothingDecided     no decision in this period
  - TrainingError        no candidate comes out of this  do what the sentence says
    · LibraryMissing     the train extra is not installed
    · PartOutside        a part of the split reaches beyond the data
    · PartEmpty          a part has no row with a label
    · PartOneClass       a part's labels are all equal
    · MetricUndefined    a metric needs both labels
    · FitFailed          a framework could not fit
    · SearchFailed       no trial could be fitted
    · CalibrationInverted  the raw score ranks upside down
    · ParityBroken       the model file scores otherwise than the framework
    · RowsMismatched     values and rows are not of one length
    · MatrixForeign      its columns are another feature set's
    · CandidateMissing   no candidate in this folder
    · CandidateDamaged   its bytes are not those that were recorded
  - ValidationError      a question cannot be asked      do what the sentence says
    · CheckUnknown       no check has this code
    · EvidenceDamaged    its bytes are not those of its digest
  - MonitoringError      decisions and outcomes that cannot be watched
    · ColumnsUneven      columns of different lengths
    · HistogramUnfit     counts that fit no edges
  - ConfigError          tally.toml or the command line is wrong
    · NameUnclear        a digest's beginning names nothing, or several things
    · NothingApproved    no bundle may decide
    · NothingServed      there is no log yet
    · NobodyActs         the user has no name
    · SettingOutOfRange  a setting has a value that has no meaning
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol


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


class Told(Protocol):
    """What is wrong with one field: its name, a code that never changes, and a sentence."""

    @property
    def field(self) -> str: ...  # noqa: D102
    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def sentence(self) -> str: ...  # noqa: D102


class DataError(TallystickError):
    """Files or raw records cannot be taken in."""


class SourceMissing(DataError):
    """A source's file or folder is not there, or holds no Parquet file."""

    def __init__(self, source: str, *, path: str, because: str) -> None:
        self.source, self.path, self.because = source, path, because
        super().__init__(
            f"{source!r} cannot be read from {path!r}: {because}. "
            "Put the Parquet file (or a folder of them) there, or correct source= in the project file."
        )


class SourceUnreadable(DataError):
    """A file of a source is not readable as Parquet."""

    def __init__(self, source: str, *, path: str, because: str) -> None:
        self.source, self.path, self.because = source, path, because
        super().__init__(
            f"{source!r} cannot be read from {path!r}: {because}. Write the file again as Parquet, or take it away."
        )


class ColumnMissing(DataError):
    """A declared column is not in a file."""

    def __init__(self, source: str, column: str, *, path: str, found: Iterable[str]) -> None:
        self.source, self.column, self.path, self.found = source, column, path, list(found)
        super().__init__(
            f"{source!r} needs a column {column!r}, and {path!r} has none. "
            f"Found: {', '.join(self.found) or 'no column'}. "
            f"{did_you_mean(column, self.found) or 'Add the column, or take the field out of the project file.'}"
        )


class ColumnUnusable(DataError):
    """A column's type cannot become what the field declares."""

    def __init__(self, source: str, column: str, *, found: str, kind: str, allowed: str) -> None:
        self.source, self.column, self.found, self.kind, self.allowed = source, column, found, kind, allowed
        super().__init__(
            f"The column {column!r} of {source!r} holds {found}, which cannot be read as {kind}. "
            f"Allowed: {allowed}. Convert the column, or declare another kind."
        )


class TooManyRefused(DataError):
    """More rows of a source broke their contract than the run may lose."""

    def __init__(
        self,
        source: str,
        *,
        n_refused: int,
        n_rows: int,
        max_share: float,
        reasons: Mapping[str, int],
        quarantine: Path | None,
    ) -> None:
        self.source, self.n_refused, self.n_rows, self.max_share = source, n_refused, n_rows, max_share
        self.reasons, self.quarantine = dict(reasons), quarantine
        top = sorted(self.reasons.items(), key=lambda pair: -pair[1])[:3]
        told = ", ".join(f"{reason} ({count:,} times)" for reason, count in top)
        where = f"Each refused row and its reasons are in {quarantine}. " if quarantine else ""
        super().__init__(
            f"{n_refused:,} of {n_rows:,} rows of {source!r} were refused ({n_refused / n_rows:.2%}), and at most "
            f"{max_share:.2%} may be. Most often: {told}. {where}Correct the rows or the declared fields, "
            "or allow a larger share."
        )


class RowRefused(DataError):
    """A raw record breaks its contract; every broken field is told at once."""

    def __init__(self, source: str, *, reasons: Sequence[Told]) -> None:
        self.source, self.reasons = source, tuple(reasons)
        super().__init__(f"This record of {source!r} is refused. " + " ".join(reason.sentence for reason in reasons))


class DataUnwritable(DataError):
    """A quarantine or a segment cannot be written."""

    def __init__(self, path: Path, *, because: str) -> None:
        self.path, self.because = path, because
        super().__init__(
            f"{path} cannot be written: {because}. Check that this user may write there and that the disk has space."
        )


class RecordsClash(DataError):
    """Records to be put together claim the same place in the order of arrival."""

    def __init__(self, source: str, *, seq: int) -> None:
        self.source, self.seq = source, seq
        super().__init__(
            f"Two records claim place {seq} in the order of arrival, one of them in {source!r}. "
            "Put every record in once: history first, then what the log added after it."
        )


class SegmentDamaged(DataError):
    """A file of a segment is not the one that was saved. `file` names it within the segment's folder."""

    def __init__(self, folder: Path, *, file: str, because: str) -> None:
        self.folder, self.file, self.because = folder, file, because
        super().__init__(
            f"The segment {folder} is damaged: {file} {because}. "
            "Keep it as evidence, and bring back the copy that was saved; a segment is never repaired."
        )


class SegmentUnfit(DataError):
    """A whole segment lacks a stream, table or field that is asked of it."""

    def __init__(self, folder: Path, *, because: str) -> None:
        self.folder, self.because = folder, because
        super().__init__(
            f"The segment {folder} does not fit the project: {because}. "
            "Open it with the definitions it was saved with, or start a new log from the files."
        )


class FeatureError(TallystickError):
    """Features of some records cannot be computed, or their state cannot be kept."""


class FeatureOverflow(FeatureError):
    """An entity's running total of a column leaves the range in which every window is exact."""

    def __init__(self, column: str, *, entity: str, value: int) -> None:
        self.column, self.entity, self.value = column, entity, value
        super().__init__(
            f"The running total of {column!r} for {entity} grows beyond 2**62 with a record of {value} (in units of "
            "its last digit). Look for a wrong value, or declare fewer decimals."
        )


class EntityTooLong(FeatureError):
    """A key or id is longer than the state can hold."""

    def __init__(self, text: str, *, n_bytes: int, allowed: int) -> None:
        self.text, self.n_bytes, self.allowed = text, n_bytes, allowed
        super().__init__(
            f"The key {text[:40]!r}... has {n_bytes} bytes, and the state holds keys of at most {allowed}. "
            "Use a shorter identifier, such as a digest of it, in every stream that names it."
        )


class StateFull(FeatureError):
    """The state's file has reached the size it may grow to, or the disk has no space."""

    def __init__(self, path: Path, *, size: int) -> None:
        self.path, self.size = path, size
        super().__init__(
            f"The state {path} is full at {size / 2**20:.0f} MiB. Free space on its disk, open it with a larger "
            "map_size, or write fewer records in one transaction; nothing of this one was kept."
        )


class StateHeld(FeatureError):
    """A second process opens the state."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"The state {path} is open in another process, and has one owner at a time. Stop that process first."
        )


class StateDoubtful(FeatureError):
    """The machine went down while the state was open, so its pages may not be those that were written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"The machine stopped while the state {path} was open, and what it holds cannot be trusted. "
            "Delete this folder and rebuild the state from the log: nothing is lost."
        )


class StateOfOtherPlan(FeatureError):
    """The state holds totals of other features."""

    def __init__(self, *, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(
            f"This state was made for features of state digest {found[:12]}, and these have {wanted[:12]}. "
            "Open the state that belongs to this plan, or rebuild one from the log."
        )


class StateOccupied(FeatureError):
    """A bulk load needs an empty state."""

    def __init__(self, *, position: int) -> None:
        self.position = position
        super().__init__(
            f"This state holds records up to {position} already. Rebuild into an empty folder, or append one by one."
        )


class SequenceRefused(FeatureError):
    """A record or a question does not fit the order of arrival the state has reached."""

    def __init__(self, seq: int, *, reached: int, allowed: str) -> None:
        self.seq, self.reached, self.allowed = seq, reached, allowed
        super().__init__(
            f"The state has reached {reached} in the order of arrival, and {seq} is not {allowed}. "
            "Append every record once, in order; ask about the past in batch."
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


class ApprovalMissing(ApprovalError):
    """A bundle without a standing approval."""

    def __init__(self, bundle: str, *, n_refusals: int) -> None:
        self.bundle, self.n_refusals = bundle, n_refusals
        why = f"it was refused {n_refusals} time(s), and not approved since" if n_refusals else "nobody approved it"
        super().__init__(
            f"Bundle {bundle[:12]} may not decide: {why}. Have a validator other than its builder approve it."
        )


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


class PolicyUnusable(ModelError):
    """A policy's cost is made of something that is not in the record to be decided."""

    def __init__(self, part: str, *, stream: str) -> None:
        self.part, self.stream = part, stream
        super().__init__(
            f"The policy's cost of a missed record uses {part}, which is no number every record of {stream!r} "
            "brings along. Use numbers, arithmetic and fields that are numeric and not optional."
        )


class BackgroundEmpty(ModelError):
    """No row is allowed, so that reasons have nothing to compare with."""

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows
        super().__init__(
            f"The policy allows none of {n_rows} rows, and reasons compare a record with allowed ones. "
            "Raise the threshold or the cost of a false alarm."
        )


class BundleError(TallystickError):
    """A bundle does not hold, and is not opened. Take the one that was signed, or release again."""


class BundleShapeWrong(BundleError):
    """A bundle's folder holds something that is no plain file of a bounded size."""

    def __init__(self, name: str, *, folder: Path, because: str) -> None:
        self.name, self.folder, self.because = name, folder, because
        super().__init__(
            f"{name} of the bundle in {folder} is refused: {because}. A bundle is one folder of plain files; "
            "copy it again from where it was released."
        )


class BundleListingWrong(BundleError):
    """A bundle holds files that it does not list, or lacks some."""

    def __init__(self, folder: Path, *, missing: Iterable[str], extra: Iterable[str]) -> None:
        self.folder, self.missing, self.extra = folder, sorted(missing), sorted(extra)
        super().__init__(
            f"The bundle in {folder} is not what its manifest.json lists. "
            f"Missing: {', '.join(self.missing) or 'nothing'}; "
            f"not listed: {', '.join(self.extra) or 'nothing'}. Copy it again from where it was released."
        )


class BundleFormatUnknown(BundleError):
    """A bundle was written by another version."""

    def __init__(self, folder: Path, *, found: int, known: int) -> None:
        self.folder, self.found, self.known = folder, found, known
        super().__init__(
            f"manifest.json of the bundle in {folder} has format {found}, and this version opens {known}. "
            "Open it with the version that wrote it, or release the model again."
        )


class BundleUnsigned(BundleError):
    """A bundle has no signature of its digest beside it."""

    def __init__(self, folder: Path, *, signature: Path) -> None:
        self.folder, self.signature = folder, signature
        super().__init__(
            f"The bundle in {folder} is not signed: {signature.name} does not lie beside it. Copy the signature too, "
            "or have the builder sign the bundle; a manifest.json that was changed needs another signature."
        )


class SignatureRefused(BundleError):
    """A signature was not made by a trusted key over these files."""

    def __init__(self, folder: Path, *, because: str) -> None:
        self.folder, self.because = folder, because
        super().__init__(
            f"The signature of the bundle in {folder} is refused: {because}. Trust the builder's key if it is known to "
            "you, or take the bundle from where it was released."
        )


class BundleAltered(BundleError):
    """A file of a bundle is not the one its manifest lists."""

    def __init__(self, name: str, *, folder: Path) -> None:
        self.name, self.folder = name, folder
        super().__init__(
            f"{name} of the bundle in {folder} is not the file that manifest.json lists. "
            "Copy it again from where it was released."
        )


class BundleUnreadable(BundleError):
    """A file of a bundle has another form than the format says."""

    def __init__(self, name: str, *, folder: Path, because: str) -> None:
        self.name, self.folder, self.because = name, folder, because
        super().__init__(
            f"{name} of the bundle in {folder} cannot be read: {because}. Release the model again with this version."
        )


class BundleInconsistent(BundleError):
    """A file of a bundle says what cannot be, or contradicts another."""

    def __init__(self, name: str, *, folder: Path, because: str) -> None:
        self.name, self.folder, self.because = name, folder, because
        super().__init__(
            f"{name} of the bundle in {folder} does not fit: {because.rstrip('.')}. "
            "Release the model again, and ask who signed this one."
        )


class SelfTestFailed(BundleError):
    """A bundle gives other bits here than where it was proven."""

    def __init__(self, part: str, *, folder: Path, vector: int, then: str, now: str) -> None:
        self.part, self.folder, self.vector, self.then, self.now = part, folder, vector, then, now
        remedy = (
            f"This is the runtime it was proven on, {then}, so its files were changed: release it again."
            if then == now
            else f"It was proven on {then}; this is {now}. Serve it where it was proven, or prove and release it here."
        )
        super().__init__(
            f"The bundle in {folder} gives another {part} here than selftest.json demands, first at vector {vector}. "
            f"{remedy}"
        )


class BundleUnapproved(BundleError):
    """Nobody has approved a bundle that is to decide."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(
            f"The bundle {digest[:12]} is not approved. Ask a validator who did not build it to run: "
            f"tally approve {digest[:12]}."
        )


class ServingError(TallystickError):
    """The service cannot start, or cannot take a request now."""


class NotApproved(ServingError):
    """A bundle without a standing approval would decide."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        super().__init__(
            f"Bundle {bundle[:12]} has no standing approval, and only an approved bundle decides. "
            f"Have a validator other than its builder run 'tally approve {bundle[:12]}'."
        )


class StateAhead(ServingError):
    """The state has seen entries that the log does not have."""

    def __init__(self, *, state: int, log: int) -> None:
        self.state, self.log = state, log
        super().__init__(
            f"The state stands at position {state} and the log ends at {log}: the log lost entries, or the state is "
            "another log's. Put the right log back; if it is right, move the state's folder away: it is made anew."
        )


class HistoryMissing(ServingError):
    """The files of the log's first segment are not where they were."""

    def __init__(self, path: Path, *, digest: str) -> None:
        self.path, self.digest = path, digest
        super().__init__(
            f"The log begins with history {digest[:12]}, and {path} does not hold it. "
            "Put the folder back; its files are part of the log."
        )


class HistoryAltered(ServingError):
    """The folder of the log's first segment holds other files than were attached."""

    def __init__(self, path: Path, *, attached: str, found: str) -> None:
        self.path, self.attached, self.found = path, attached, found
        super().__init__(
            f"The log begins with history {attached[:12]}, and {path} holds {found[:12]}. "
            "Put the files back that were attached; keep these as evidence."
        )


class QueueFull(ServingError):
    """More requests wait than may wait. Send it again after a moment."""

    def __init__(self, *, waiting: int, most: int) -> None:
        self.waiting, self.most = waiting, most
        super().__init__(f"{waiting} requests are waiting, and {most} may wait. Send it again in a second.")


class ServiceStopped(ServingError):
    """The service is going down and takes no more requests."""

    def __init__(self) -> None:
        super().__init__("The service is stopping and takes no more requests. Send it again when it is back.")


class TokenRefused(ServingError):
    """A token cannot be made, or taken back, like this."""

    def __init__(self, name: str, *, because: str) -> None:
        self.name, self.because = name, because
        super().__init__(f"The token {name!r} is refused: {because}.")


class AddressUnusable(ServingError):
    """The server cannot listen where it was told to."""

    def __init__(self, host: str, port: int, *, because: str) -> None:
        self.host, self.port, self.because = host, port, because
        super().__init__(
            f"Nothing can listen on {host}:{port}: {because}. Stop what uses it, or choose another address or port."
        )


class ReplayError(TallystickError):
    """Nothing can be replayed like this."""


class DecisionUnknown(ReplayError):
    """The log has no decision of this id."""

    def __init__(self, decision: str, *, stream: str) -> None:
        self.decision, self.stream = decision, stream
        super().__init__(
            f"The log has no decision {decision!r} about {stream!r}. A decision's id is the idempotency key it was "
            "asked with, or else the record's own id."
        )


class NothingDecided(ReplayError):
    """No decision lies in the period asked for."""

    def __init__(self, since: int | None, until: int | None) -> None:
        self.since, self.until = since, until
        super().__init__("The log has no decision in this period. Widen --since and --until.")


class TrainingError(TallystickError):
    """No candidate can be made, saved or opened."""


class LibraryMissing(TrainingError):
    """A library of the ``train`` extra is not installed."""

    def __init__(self, library: str) -> None:
        self.library = library
        super().__init__(
            f"{library!r} is needed to train and to check models, and it is not installed. "
            "Run: pip install 'tallystick[train]'."
        )


class PartOutside(TrainingError):
    """A part of the split reaches, by more than a tenth of its length, where there is no data."""

    def __init__(self, part: str, *, days: str, data: str) -> None:
        self.part, self.days, self.data = part, days, data
        super().__init__(
            f"The {part} part ({days}) reaches beyond the data ({data}). "
            "Shorten train, gap, validate or test in ts.TimeSplit(...), move test_from, or read more history."
        )


class PartEmpty(TrainingError):
    """A part of the split has no row with a label that counts."""

    def __init__(self, part: str, *, days: str, n_inside: int, matures_after: str) -> None:
        self.part, self.days, self.n_inside, self.matures_after = part, days, n_inside, matures_after
        super().__init__(
            f"The {part} part ({days}) has {n_inside} records and none with a label that counts; a tested label "
            f"counts {matures_after} after its event. Move test_from back, lower matures_after in ts.Label(...) if "
            "labels really are final sooner, or read more data."
        )


class PartOneClass(TrainingError):
    """The labels of a part are all equal, so nothing can be learnt from it or judged on it."""

    def __init__(self, part: str, *, days: str, n_rows: int, n_positives: int) -> None:
        self.part, self.days, self.n_rows, self.n_positives = part, days, n_rows, n_positives
        super().__init__(
            f"The {part} part ({days}) has {n_rows} rows, of which {n_positives} are flagged: both kinds are needed. "
            "Make the part longer in ts.TimeSplit(...), or check that the reports were read and join to their events."
        )


class MetricUndefined(TrainingError):
    """A metric is asked of labels that are all equal."""

    def __init__(self, metric: str, *, n_rows: int, n_positives: int) -> None:
        self.metric, self.n_rows, self.n_positives = metric, n_rows, n_positives
        super().__init__(
            f"{metric} has no value on {n_rows} rows of which {n_positives} are flagged: it needs both kinds. "
            "Take a longer stretch of time."
        )


class FitFailed(TrainingError):
    """A framework could not fit these rows with these settings."""

    def __init__(self, family: str, *, because: str) -> None:
        self.family, self.because = family, because
        super().__init__(f"{family} could not be fitted: {because}. Look at the features, or leave this family out.")


class SearchFailed(TrainingError):
    """Not one trial of a family could be fitted."""

    def __init__(self, family: str, *, n_trials: int, because: str) -> None:
        self.family, self.n_trials, self.because = family, n_trials, because
        super().__init__(
            f"All {n_trials} trials of {family} failed; the last one: {because} "
            "Leave this family out of candidates=[...]."
        )


class CalibrationInverted(TrainingError):
    """The raw score falls where the risk rises, so no probability can keep its order."""

    def __init__(self, slope: float, *, n_rows: int, n_positives: int) -> None:
        self.slope, self.n_rows, self.n_positives = slope, n_rows, n_positives
        super().__init__(
            f"The raw score does not rise with the risk on the held-out rows ({n_rows} rows, {n_positives} flagged; "
            f"slope {slope:.3g}), so it cannot become a probability. The features tell nothing about the label in the "
            "validate part: look at them, or make the parts longer."
        )


class ParityBroken(TrainingError):
    """A model file does not score as the framework that fitted it."""

    def __init__(self, family: str, *, largest: float, allowed: float, n_rows: int) -> None:
        self.family, self.largest, self.allowed, self.n_rows = family, largest, allowed, n_rows
        super().__init__(
            f"The exported {family} differs from its framework by {largest:.3g} in a raw score of {n_rows} rows; "
            f"allowed is {allowed:.0e}. The candidate is refused. Report this with the versions of the libraries; "
            "until then leave the family out."
        )


class RowsMismatched(TrainingError):
    """Values that belong to rows are not as many as the rows."""

    def __init__(self, values: str, *, found: int, wanted: int) -> None:
        self.values, self.found, self.wanted = values, found, wanted
        super().__init__(f"{values} has {found} rows and the matrix has {wanted}. Give one value for each row.")


class MatrixForeign(TrainingError):
    """A matrix whose columns are not those of the model's features."""

    def __init__(self, found: Iterable[str], *, wanted: Iterable[str]) -> None:
        self.found, self.wanted = list(found), list(wanted)
        super().__init__(
            f"The matrix has the columns {', '.join(self.found)}, and the model's features are "
            f"{', '.join(self.wanted)}. Compute the matrix with the model's own features."
        )


class CandidateMissing(TrainingError):
    """A folder that holds no candidate."""

    def __init__(self, folder: Path, *, lacking: Iterable[str]) -> None:
        self.folder, self.lacking = folder, sorted(lacking)
        super().__init__(
            f"{folder} is no candidate: {', '.join(self.lacking)} is not there. "
            "Give the folder that `tally train` wrote, named by its digest."
        )


class CandidateDamaged(TrainingError):
    """A candidate whose bytes are not those that were recorded."""

    def __init__(self, folder: Path, *, because: str) -> None:
        self.folder, self.because = folder, because
        super().__init__(f"The candidate {folder} is damaged: {because}. Train it again; nothing of it was used.")


class ValidationError(TallystickError):
    """A candidate cannot be questioned, or the answers cannot be read."""


class CheckUnknown(ValidationError):
    """A check is named that does not exist."""

    def __init__(self, code: str, *, known: Iterable[str]) -> None:
        self.code, self.known = code, sorted(known)
        super().__init__(
            f"There is no check {code!r}. Checks: {', '.join(self.known)}. {did_you_mean(code, self.known)}".rstrip()
        )


class EvidenceDamaged(ValidationError):
    """Evidence whose bytes are not those of its digest, or no evidence at all."""

    def __init__(self, because: str) -> None:
        self.because = because
        super().__init__(f"The evidence cannot be used: {because}. Validate the candidate again.")


class MonitoringError(TallystickError):
    """Decisions and outcomes cannot be watched as they were handed in. Correct them at their source."""


class ColumnsUneven(MonitoringError):
    """Columns that belong together differ in length. Hand in one value of each for every row."""

    def __init__(self, columns: str, lengths: Mapping[str, int]) -> None:
        self.columns, self.lengths = columns, dict(lengths)
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        super().__init__(f"{columns} needs columns of one length: {found}. Hand in one value of each per row.")


class HistogramUnfit(MonitoringError):
    """A histogram's edges and counts do not belong together. Make both from the same scores."""

    def __init__(self, edges: Sequence[float], counts: Sequence[int]) -> None:
        self.edges, self.counts = tuple(edges), tuple(counts)
        super().__init__(
            f"A histogram needs rising edges and one count more, none negative; found {len(self.edges)} edges "
            f"{self.edges} and {len(self.counts)} counts {self.counts}. Make both from the same scores."
        )


class ConfigError(TallystickError):
    """tally.toml or the command line asks for something that does not exist. Correct it, run again."""


class SettingOutOfRange(ConfigError):
    """A setting has a value that has no meaning. Write one of the allowed values."""

    def __init__(self, setting: str, value: object, *, allowed: str) -> None:
        self.setting, self.value, self.allowed = setting, value, allowed
        super().__init__(f"{setting} is {value!r}, and must be {allowed}. Write a value that is.")


class NameUnclear(ConfigError):
    """A digest's beginning names nothing, or more than one thing. Write more of it."""

    def __init__(self, what: str, prefix: str, *, found: Sequence[str], known: Sequence[str], remedy: str) -> None:
        self.what, self.prefix, self.found, self.known = what, prefix, tuple(found), tuple(known)
        if len(found) > 1:
            shown = ", ".join(name[:16] for name in found)
            super().__init__(f"{len(found)} {what}s begin with {prefix!r}: {shown}. Write more of the digest.")
            return
        shown = ", ".join(name[:12] for name in known[-5:])
        there = f"The latest are {shown}." if known else f"There is none yet: '{remedy}' makes one."
        super().__init__(f"No {what} begins with {prefix!r}. {there}" if prefix else f"No {what} was named. {there}")


class NothingApproved(ConfigError):
    """No bundle may decide. Release a candidate, and let somebody else approve it."""

    def __init__(self) -> None:
        super().__init__(
            "No bundle is approved, so nothing may decide. 'tally release' makes a bundle, and a validator who did not "
            "build it says 'tally --as NAME approve BUNDLE'."
        )


class NobodyActs(ConfigError):
    """The user of this machine has no name, so nobody would have acted."""

    def __init__(self) -> None:
        super().__init__("Nobody acts: the user of this machine has no name. Say who acts: tally --as NAME ...")


class NothingServed(ConfigError):
    """There is no log: nothing was ever decided here."""

    def __init__(self) -> None:
        super().__init__("There is no log here: nothing was ever decided. 'tally serve' decides, and writes one.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the sentence that names the nearest known word, or nothing.

    >>> did_you_mean("amout", ["amount", "paid_at"])
    "Did you mean 'amount'?"
    """
    close = get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
