"""One group commit in the making: each task becomes log entries and an answer, inside one transaction of the state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tallystick.data.contract import parse
from tallystick.data.records import Record, is_same
from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.streams import Source
from tallystick.errors import EntityTooLong, FeatureOverflow, LogHeld, RowRefused, StateLost, StateUnavailable
from tallystick.features.online.executor import Transaction
from tallystick.log.entry import Draft, Entry, Kind
from tallystick.log.protocol import Log
from tallystick.serving.catch_up import reread
from tallystick.serving.decision_engine import DecisionEngine
from tallystick.serving.history import History
from tallystick.serving.record import Decision, Fault, decode, encode
from tallystick.serving.requests import Answer, Decided, Recorded, Refused, Request, Task

_END_OF_TIME = 2**62


@dataclass(frozen=True, slots=True)
class Known:
    """A record that has its place: in the history, in the log, or in this group.

    Parameters
    ----------
    position : its sequence
    raw : as it was received; None in the history, which keeps records and not requests
    record : as it was screened
    """

    position: int
    raw: bytes | None
    record: Record


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a group works with."""

    sources: Mapping[str, Source]
    kinds: Mapping[str, Kind]
    log: Log
    history: History
    engine: DecisionEngine


@dataclass(slots=True)
class Group:
    """Tasks taken one after another; the later ones see what the earlier ones wrote.

    Parameters
    ----------
    context : what it works with
    state : the open transaction of the online features
    now : the server's clock, once for the group
    last : position of the log's head
    away : why the state cannot be asked, if it cannot: then decisions are referred, and records wait in the log
    n_fallbacks : how many of its decisions are fallbacks
    """

    context: BatchContext
    state: Transaction
    now: int
    last: int
    away: Fault | None = None
    n_fallbacks: int = 0
    drafts: list[Draft] = field(default_factory=list)
    _records: dict[tuple[str, str], Known] = field(default_factory=dict)
    _decisions: dict[str, tuple[Decision, int]] = field(default_factory=dict)

    @property
    def next(self) -> int:
        """The position that the next draft will have."""
        return self.last + len(self.drafts) + 1

    def take(self, task: Task) -> Answer:
        """Turn one task into drafts and the answer that holds once they are durable."""
        return self._decide(task) if task.is_decision else self._record(task)

    def check(self, entries: Sequence[Entry]) -> None:
        """Hold the positions that the drafts speak of against those the log gave them.

        Raises
        ------
        LogHeld
            If somebody else wrote to the log in between.
        """
        if entries[0].position != self.last + 1:
            raise LogHeld(self.context.log.name)

    def _record(self, task: Task) -> Answer:
        read = self._read(task)
        if isinstance(read, Refused):
            return read
        record, refused = read
        known = self._known(record, task.request.raw)
        if isinstance(known, Known):
            return Recorded(record.stream, record.id, known.position, is_repeated=True)
        if (reason := refused or known) is not None:
            return reason
        position = self.next
        if (fault := self._append(record, task.request.raw)) is not None:
            return Refused("invalid", f"The record cannot be counted: {fault.detail}")
        return Recorded(record.stream, record.id, position)

    def _decide(self, task: Task) -> Answer:
        request = task.request
        if request.key is not None and (decided := self._decided(task.stream, request.key)):
            return _repeated(decided, request)
        read = self._read(task)
        if isinstance(read, Refused):
            return read
        record, refused = read
        key = record.id if request.key is None else request.key
        if request.key is None and (decided := self._decided(task.stream, key)):
            return _repeated(decided, request)
        known = self._known(record, request.raw)
        if isinstance(known, Known):
            return self._to_come(task) or self._judged(key, known.record, request, known)
        return refused or known or self._judged(key, record, request, None)

    def _read(self, task: Task) -> tuple[Record, Refused | None] | Refused:
        """Read a request, and say why its record is refused unless it is known.

        Whether a record happened in the future, or too long ago, was asked when it came: a retry gets the first
        answer, wherever the clock stands now.
        """
        source, raw = self.context.sources[task.stream], task.request.raw
        record = parsed(source, raw, self.now)
        if not isinstance(record, Refused):
            return record, None
        repeated = parsed(source, raw, _END_OF_TIME, is_known=True)
        return record if isinstance(repeated, Refused) else (repeated, record)

    def _to_come(self, task: Task) -> Refused | None:
        """Say where a known record has not happened yet. How late it is now does not matter: it came in time."""
        found = parsed(self.context.sources[task.stream], task.request.raw, self.now, is_known=True)
        return found if isinstance(found, Refused) else None

    def _judged(self, key: str, record: Record, request: Request, known: Known | None) -> Decided:
        """Decide about a record, new or known, and write the decision down."""
        event: int | None = known.position if known else self.next
        fault = None if known else self._append(record, request.raw)
        event = event if fault is None else None
        is_kept = event is not None and (known is None or known.raw == request.raw)
        requested = Decision(
            key=key, stream=record.stream, record_id=record.id, raw_sha256=digest_bytes(request.raw),
            raw=None if is_kept else request.raw, event=event, as_of=self.next - 1, at=self.now,
            **self.context.engine.undecided(),
        )  # fmt: skip
        decision, fault = self.context.engine.decide(requested, record, self.state, fault or self.away)
        self.n_fallbacks += decision.fallback
        position = self.next
        self._draft("decision", record.stream, key, encode(decision))
        if fault is not None:
            self._draft("fault", record.stream, key, encode(fault))
        self._decisions[key] = (decision, position)
        return Decided(decision, position)

    def _append(self, record: Record, raw: bytes) -> Fault | None:
        """Give a new record its place in log and state, or say why the state cannot hold it."""
        position = self.next
        try:
            if self.away is None:
                self.state.append(record, position)
        except (StateUnavailable, StateLost) as error:
            # The log has the record, and the state follows the log when it is back.
            self.away = fault_of(error)
        except (FeatureOverflow, EntityTooLong) as error:
            # Written as an event it would stop every later fold; the decision's own entry keeps its bytes.
            return fault_of(error)
        self._draft(self.context.kinds[record.stream], record.stream, record.id, raw)
        self._records[record.stream, record.id] = Known(position, raw, record)
        return None

    def _draft(self, kind: Kind, stream: str, name: str, body: bytes) -> None:
        self.drafts.append(Draft(kind, stream, name, self.now, body))

    def _known(self, record: Record, raw: bytes) -> Known | Refused | None:
        """Find the record where it is known already; another record under its id is a conflict."""
        known = self._records.get((record.stream, record.id)) or self._logged(record) or self._past(record)
        source = self.context.sources[record.stream]
        if known is None or known.raw == raw or is_same(known.record, record, source):
            return known
        return Refused("conflict", f"{record.id!r} of {record.stream!r} is known with another content.")

    def _logged(self, record: Record) -> Known | None:
        entry = self.context.log.record(record.stream, record.id)
        if entry is None:
            return None
        return Known(entry.position, entry.body, reread(self.context.sources[record.stream], entry))

    def _past(self, record: Record) -> Known | None:
        found = self.context.history.find(record.stream, record.id)
        return None if found is None else Known(found[0], None, found[1])

    def _decided(self, stream: str, key: str) -> tuple[Decision, int] | None:
        if key in self._decisions:
            return self._decisions[key]
        entry = self.context.log.find("decision", stream, key)
        return None if entry is None else (decode(entry.body), entry.position)


def fault_of(error: Exception) -> Fault:
    """Return why the state could not take or tell something, as the log keeps it."""
    return Fault("state", type(error).__name__, str(error))


def parsed(source: Source, raw: bytes, now: int, *, is_known: bool = False) -> Record | Refused:
    """Read a request as a record of a stream, or name everything that is wrong with it."""
    try:
        return parse(source, raw, now=now, is_known=is_known)
    except RowRefused as error:
        fields = {reason.field: reason.sentence for reason in error.reasons if reason.field}
        if not fields:
            return Refused("malformed", str(error))
        return Refused("invalid", f"{len(fields)} of the record's fields cannot be accepted.", fields)


def _repeated(decided: tuple[Decision, int], request: Request) -> Answer:
    decision, position = decided
    if decision.raw_sha256 != digest_bytes(request.raw):
        return Refused("conflict", f"The idempotency key {decision.key!r} was used for another body.")
    return Decided(decision, position, is_repeated=True)
