"""Every error raised on purpose, drawn as a tree, each with what its reader should do.

* TallystickError
  - DefinitionError      the project file is wrong     write what the sentence says
    · FieldUnknown       a stream has no such field
    · LeakRefused        a label is used before it is known
  - DataError            files or requests do not keep their contract   do what the sentence says
    · SourceMissing      no such file, folder or table
    · SourceUnreadable   its content cannot be read
    · SourceAway         its store does not answer, or gives no right
    · ReaderMissing      the extra that reads it is not installed
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
    · StateUnwritable    the machine refuses to write it
    · StateHeld          another process has it open
    · StateDoubtful      the machine went down while it was open
    · StateOfOtherPlan   it was made for other features
    · StateOccupied      a bulk load into a state that is not empty
    · StateAway          its Redis does not answer
    · StateLost          its Redis holds less than it did
    · StateTaken         another process wrote to it meanwhile
    · SequenceRefused    a record out of the order of arrival
    · DialectUnknown     features are not written in this SQL
    · EngineUnknown      no executor has this name
    · EngineMissing      its extra is not installed
    · EngineUnfit        it cannot reach the records
    · JavaMissing        Spark needs Java
    · SparkAway          no Spark master or worker answers
    · SpillFull          the disk has no space for what does not fit into memory
    · EngineFailed       a database could not run them
  - LogError             the log cannot be used         do what the sentence says
    · LogDamaged         bytes were changed, lost or put in
    · LogHeld            another process writes it
    · LogUnavailable     no file, no right, no space
    · LogFormatUnknown   another version wrote it
    · AlreadyLogged      kind, namespace and id exist
    · GroupOpen          a group inside a group
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
    · StreamUnknown      the bundle reads no such stream
  - ReplayError          nothing can be replayed like this
    · DecisionUnknown    the log has no such decision
    · NothingDecided     no decision in this period
  - TrainingError        no candidate comes out of this  do what the sentence says
    · LibraryMissing     the train extra is not installed
    · PartOutside        a part of the split reaches beyond the data
    · PartEmpty          a part has no row with a label
    · PartOneClass       a part's labels are all equal
    · MetricUndefined    a metric needs both labels
    · FamilyUnknown      nothing here fits this family
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

from tallystick.errors.base import TallystickError, did_you_mean
from tallystick.errors.data import (
    ColumnMissing,
    ColumnUnusable,
    DataError,
    DataUnwritable,
    ReaderMissing,
    RecordsClash,
    RefusedRow,
    RowRefused,
    SegmentDamaged,
    SegmentUnfit,
    SourceAway,
    SourceMissing,
    SourceUnreadable,
    TooManyRefused,
)
from tallystick.errors.definitions import DefinitionError, FieldUnknown, LeakRefused
from tallystick.errors.features import (
    DialectUnknown,
    EngineFailed,
    EngineMissing,
    EngineUnfit,
    EngineUnknown,
    EntityTooLong,
    FeatureError,
    FeatureOverflow,
    JavaMissing,
    PositionRefused,
    SparkAway,
    SpillFull,
    StateConflict,
    StateDoubtful,
    StateFull,
    StateHeld,
    StateLost,
    StateOccupied,
    StateOfOtherPlan,
    StateUnavailable,
    StateUnwritable,
)
from tallystick.errors.governance import (
    AlreadyApproved,
    ApprovalError,
    ApprovalMissing,
    BuilderRefused,
    BundleUnknown,
    EvidenceFailed,
    EvidenceRefused,
    ReasonMissing,
    RoleMissing,
)
from tallystick.errors.ledger import (
    ActorUnknown,
    EnrolmentRefused,
    FactsRefused,
    KeyExists,
    KeyMissing,
    KeyUnreadable,
    KeyUnsafe,
    LedgerDamaged,
    LedgerError,
    LedgerFormatUnknown,
    LedgerUnavailable,
    SignerRefused,
)
from tallystick.errors.log import (
    AlreadyLogged,
    EntryRefused,
    GroupOpen,
    LogDamaged,
    LogError,
    LogFormatUnknown,
    LogHeld,
    LogUnavailable,
    SegmentRefused,
)
from tallystick.errors.monitoring import ColumnsUneven, HistogramUnfit, MonitoringError
from tallystick.errors.project import (
    ConfigError,
    NameUnclear,
    NobodyActs,
    NothingApproved,
    NothingServed,
    SettingOutOfRange,
)
from tallystick.errors.release import (
    BundleAltered,
    BundleError,
    BundleFormatUnknown,
    BundleInconsistent,
    BundleListingWrong,
    BundleShapeWrong,
    BundleUnapproved,
    BundleUnreadable,
    BundleUnsigned,
    SelfTestFailed,
    SignatureRefused,
)
from tallystick.errors.replay import DecisionUnknown, NothingDecided, ReplayError
from tallystick.errors.scoring import (
    BackgroundEmpty,
    ExportRefused,
    ModelDamaged,
    ModelError,
    ModelUnknown,
    ModelUnreadable,
    PolicyUnusable,
    VectorWrong,
)
from tallystick.errors.serving import (
    AddressUnusable,
    HistoryAltered,
    HistoryMissing,
    NotApproved,
    QueueFull,
    ServiceStopped,
    ServingError,
    StateAhead,
    StreamUnknown,
    TokenRefused,
)
from tallystick.errors.training import (
    CalibrationInverted,
    CandidateDamaged,
    CandidateMissing,
    FamilyUnknown,
    FitFailed,
    LibraryMissing,
    MatrixForeign,
    MetricUndefined,
    ParityBroken,
    PartEmpty,
    PartOneClass,
    PartOutside,
    RowsMismatched,
    SearchFailed,
    TrainingError,
)
from tallystick.errors.validation import CheckUnknown, EvidenceDamaged, ValidationError

__all__ = [
    "ActorUnknown",
    "AddressUnusable",
    "AlreadyApproved",
    "AlreadyLogged",
    "ApprovalError",
    "ApprovalMissing",
    "BackgroundEmpty",
    "BuilderRefused",
    "BundleAltered",
    "BundleError",
    "BundleFormatUnknown",
    "BundleInconsistent",
    "BundleListingWrong",
    "BundleShapeWrong",
    "BundleUnapproved",
    "BundleUnknown",
    "BundleUnreadable",
    "BundleUnsigned",
    "CalibrationInverted",
    "CandidateDamaged",
    "CandidateMissing",
    "CheckUnknown",
    "ColumnMissing",
    "ColumnUnusable",
    "ColumnsUneven",
    "ConfigError",
    "DataError",
    "DataUnwritable",
    "DecisionUnknown",
    "DefinitionError",
    "DialectUnknown",
    "EngineFailed",
    "EngineMissing",
    "EngineUnfit",
    "EngineUnknown",
    "EnrolmentRefused",
    "EntityTooLong",
    "EntryRefused",
    "EvidenceDamaged",
    "EvidenceFailed",
    "EvidenceRefused",
    "ExportRefused",
    "FactsRefused",
    "FamilyUnknown",
    "FeatureError",
    "FeatureOverflow",
    "FieldUnknown",
    "FitFailed",
    "GroupOpen",
    "HistogramUnfit",
    "HistoryAltered",
    "HistoryMissing",
    "JavaMissing",
    "KeyExists",
    "KeyMissing",
    "KeyUnreadable",
    "KeyUnsafe",
    "LeakRefused",
    "LedgerDamaged",
    "LedgerError",
    "LedgerFormatUnknown",
    "LedgerUnavailable",
    "LibraryMissing",
    "LogDamaged",
    "LogError",
    "LogFormatUnknown",
    "LogHeld",
    "LogUnavailable",
    "MatrixForeign",
    "MetricUndefined",
    "ModelDamaged",
    "ModelError",
    "ModelUnknown",
    "ModelUnreadable",
    "MonitoringError",
    "NameUnclear",
    "NobodyActs",
    "NotApproved",
    "NothingApproved",
    "NothingDecided",
    "NothingServed",
    "ParityBroken",
    "PartEmpty",
    "PartOneClass",
    "PartOutside",
    "PolicyUnusable",
    "PositionRefused",
    "QueueFull",
    "ReaderMissing",
    "ReasonMissing",
    "RecordsClash",
    "RefusedRow",
    "ReplayError",
    "RoleMissing",
    "RowRefused",
    "RowsMismatched",
    "SearchFailed",
    "SegmentDamaged",
    "SegmentRefused",
    "SegmentUnfit",
    "SelfTestFailed",
    "ServiceStopped",
    "ServingError",
    "SettingOutOfRange",
    "SignatureRefused",
    "SignerRefused",
    "SourceAway",
    "SourceMissing",
    "SourceUnreadable",
    "SparkAway",
    "SpillFull",
    "StateAhead",
    "StateConflict",
    "StateDoubtful",
    "StateFull",
    "StateHeld",
    "StateLost",
    "StateOccupied",
    "StateOfOtherPlan",
    "StateUnavailable",
    "StateUnwritable",
    "StreamUnknown",
    "TallystickError",
    "TokenRefused",
    "TooManyRefused",
    "TrainingError",
    "ValidationError",
    "VectorWrong",
    "did_you_mean",
]
