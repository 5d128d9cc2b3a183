"""Features that cannot be computed, and state that cannot be used.

FeatureError
· FeatureOverflow      a running total left its range
· EntityTooLong        a key longer than the state holds
· StateFull            the state's file cannot grow
· StateUnwritable      the machine refuses to write it
· StateHeld            another process has it open
· StateDoubtful        the machine went down while it was open
· StateOfOtherPlan     it was made for other features
· StateOccupied        a bulk load into a state that is not empty
· StateUnavailable     its Redis does not answer
· StateLost            its Redis holds less than it did
· StateConflict        another process wrote to it meanwhile
· PositionRefused      a record out of the order of arrival
· DialectUnknown       features are not written in this SQL
· EngineUnknown        no executor has this name
· EngineMissing        its extra is not installed
· EngineUnfit          it cannot reach the records
· JavaMissing          Spark needs Java
· SparkAway            no Spark master or worker answers
· SpillFull            the disk has no space for what does not fit into memory
· EngineFailed         a database could not run them
"""

from collections.abc import Sequence
from pathlib import Path

from tallystick.errors.base import TallystickError


class FeatureError(TallystickError):
    """Features of some records cannot be computed, or their state cannot be kept."""


class FeatureOverflow(FeatureError):
    """An entity's running total of a column leaves the range in which every window is exact.

    Parameters
    ----------
    column : the column that is added up
    entity : whose total it is, in words
    value : the number that was too much, in units of its last digit
    """

    def __init__(self, column: str, *, entity: str, value: int) -> None:
        self.column, self.entity, self.value = column, entity, value
        super().__init__(
            f"The running total of {column!r} for {entity} grows beyond 2**62 with a record of {value} (in units of "
            "its last digit; std() sums squares). Look for a wrong value, or declare fewer decimals."
        )


class EntityTooLong(FeatureError):
    """A key or id is longer than the state can hold.

    Parameters
    ----------
    text : the key or id
    n_bytes : its length in UTF-8
    allowed : the longest that fits, in bytes
    of : what it is: "key" or "id"
    """

    def __init__(self, text: str, *, n_bytes: int, allowed: int, of: str = "key") -> None:
        self.text, self.n_bytes, self.allowed, self.of = text, n_bytes, allowed, of
        super().__init__(
            f"The {of} {text[:40]!r}... has {n_bytes} bytes, and the state holds keys of at most {allowed}. "
            "Use a shorter identifier, such as a digest of it, in every stream that names it."
        )


class StateFull(FeatureError):
    """The state's file has reached the size it may grow to, or the disk has no space.

    Parameters
    ----------
    path : the state's folder or file
    size : how large it is, bytes
    """

    def __init__(self, path: Path, *, size: int) -> None:
        self.path, self.size = path, size
        super().__init__(
            f"The state {path} is full at {size / 2**20:.0f} MiB. Free space on its disk, open it with a larger "
            "map_size, or write fewer records in one transaction; nothing of this one was kept."
        )


class StateUnwritable(FeatureError):
    """The machine refuses to write the state: no space, no right, or a failing disk.

    Parameters
    ----------
    path : the state's folder or file
    reason : what went wrong, as the machine or library says it
    """

    def __init__(self, path: Path, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"The state {path} cannot be written: {reason}. Check its disk's space and its folder's rights; nothing "
            "is lost, since the log has everything that the state holds."
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
    """The state holds totals of other features.

    Parameters
    ----------
    found : the digest of the plan that the state was made for
    wanted : the digest of the plan at hand
    """

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


class StateUnavailable(FeatureError):
    """The Redis that keeps the state does not answer, or refuses.

    Parameters
    ----------
    address : the Redis' address, without name and password
    reason : what went wrong, as the machine or library says it
    """

    def __init__(self, address: str, *, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(
            f"The state's Redis at {address} cannot be used: {reason.rstrip('.')}. Start it, or correct the address "
            "and its rights. Nothing is lost, since the log has everything that the state holds; whether the last step "
            "was kept is not known."
        )


class StateLost(FeatureError):
    """The Redis that keeps the state holds less of it than it did."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(
            f"The Redis at {address} has lost some of this state, or all of it: it was restarted without its data, "
            "went back to an older copy, or removed keys to save memory. Delete what is left, and rebuild the state "
            "from the log."
        )


class StateConflict(FeatureError):
    """Another writer changed the state while a transaction was open."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(
            f"Another process wrote to this state in the Redis at {address} meanwhile, and nothing of this transaction "
            "was kept. A state has one writer: end the other one, or give it a database number of its own; then open "
            "the state again."
        )


class PositionRefused(FeatureError):
    """A record or a question does not fit the order of arrival the state has reached.

    Parameters
    ----------
    position : the place of the record, or the as-of that was requested
    current_position : the last position that the state has seen
    allowed : how the position has to lie to that one, in words
    """

    def __init__(self, position: int, *, current_position: int, allowed: str) -> None:
        self.position, self.current_position, self.allowed = position, current_position, allowed
        super().__init__(
            f"The state has reached {current_position} in the order of arrival, and {position} is not {allowed}. "
            "Append every record once, in order; ask about the past in batch."
        )


class DialectUnknown(FeatureError):
    """Features are written in the SQL of few databases.

    Parameters
    ----------
    dialect : the name that was given
    known : those there are
    """

    def __init__(self, dialect: str, *, known: Sequence[str]) -> None:
        self.dialect, self.known = dialect, tuple(known)
        super().__init__(f"There is no SQL dialect {dialect!r} here; there is {', '.join(known)}. Ask for one of them.")


class EngineUnknown(FeatureError):
    """No executor of this name makes a whole matrix.

    Parameters
    ----------
    engine : the name that was given
    known : those there are
    """

    def __init__(self, engine: str, *, known: Sequence[str]) -> None:
        self.engine, self.known = engine, tuple(known)
        super().__init__(f"There is no engine {engine!r}; there is {' and '.join(known)}. Ask for one of them.")


class EngineMissing(FeatureError):
    """An engine's library, of an extra, is not installed.

    Parameters
    ----------
    library : the library's name, as it is imported
    extra : the extra of tallystick that brings it
    """

    def __init__(self, library: str, *, extra: str = "sql") -> None:
        self.library, self.extra = library, extra
        super().__init__(
            f"{library!r} is needed for this engine, and it is not installed. Run: pip install 'tallystick[{extra}]', "
            "or take the engine 'batch'."
        )


class JavaMissing(FeatureError):
    """Spark runs on Java, and this machine has none."""

    def __init__(self) -> None:
        super().__init__(
            "The engine 'spark' needs Java 17 or newer, and this machine has none. Install one (such as the package "
            "openjdk-17-jre-headless), or set JAVA_HOME to where one lies, or take the engine 'batch'."
        )


class SparkAway(FeatureError):
    """No Spark master or worker answers.

    Parameters
    ----------
    master : its address, such as "spark://host:7077"
    reason : what went wrong, as the machine or library says it
    """

    def __init__(self, master: str, *, reason: str) -> None:
        self.master, self.reason = master, reason
        super().__init__(
            f"Spark does not answer at {master!r} ({reason.rstrip('.')}). Start its master and workers, correct "
            "--master, or take --master 'local[2]', which needs neither."
        )


class EngineUnfit(FeatureError):
    """An engine that reads files cannot reach what the project knows.

    Parameters
    ----------
    engine : its name
    reason : why, without a full stop
    """

    def __init__(self, engine: str, *, reason: str) -> None:
        self.engine, self.reason = engine, reason
        super().__init__(f"The engine {engine!r} cannot be used here: {reason}. Take the engine 'batch'.")


class SpillFull(FeatureError):
    """The disk has no space for what does not fit into memory.

    Parameters
    ----------
    path : the folder that is written to
    needed : how many bytes of records lay there
    free : how many are free
    """

    def __init__(self, path: Path, *, needed: int, free: int) -> None:
        self.path, self.needed, self.free = path, needed, free
        super().__init__(
            f"The disk of {path} is full: {needed / 2**20:,.0f} MiB of records lay there, {free / 2**20:,.0f} MiB were "
            "free beside them, and it was not enough. All of it is removed again. Free some space, or put the "
            "project's folder on a larger disk."
        )


class EngineFailed(FeatureError):
    """A database or Spark could not compute the features.

    Parameters
    ----------
    engine : its name
    reason : what went wrong, as the machine or library says it
    """

    def __init__(self, engine: str, *, reason: str) -> None:
        self.engine, self.reason = engine, reason
        super().__init__(
            f"{engine} could not compute the features: {reason.rstrip('.')}. Take the engine 'batch', which needs "
            "less, or report this with the project file."
        )
