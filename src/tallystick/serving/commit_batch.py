"""One group commit in the making: each task becomes log entries and an answer, inside one transaction of each state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tallystick.data.contract import parse
from tallystick.data.records import Record, is_same
from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.streams import Source
from tallystick.errors import EntityTooLong, FeatureOverflow, LogHeld, RowRefused, StateLost, StateUnavailable
from tallystick.features.online.executor import Prepared, Transaction
from tallystick.journal.bodies import Fault, encode_body
from tallystick.journal.decision import LoggedDecision, encode, logged
from tallystick.journal.records import reread, reread_raw
from tallystick.log.entry import Draft, Entry, Kind
from tallystick.log.protocol import Log
from tallystick.serving.contracts import Contracts
from tallystick.serving.decider import Decider, fault_of
from tallystick.serving.followed_state import FollowedState
from tallystick.serving.requests import Answer, Decided, Recorded, Refused, Request, Task

# A clock by which nothing lies in the future.
_END_OF_TIME = 2**62


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record that has its place: in the history, in the log, or in this group.

    Parameters
    ----------
    position : its place in the order of arrival
    raw : as it was received; None in the history, which keeps records and not requests
    record : as it was screened
    """

    position: int
    raw: bytes | None
    record: Record


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a group works with.

    Parameters
    ----------
    deciders : by the name of the model
    states : by state digest; an event enters each that reads its stream
    sources : the streams and tables that may be posted to, by name
    kinds : what the records of each are in the log
    log : where the group goes
    contracts : every version of a source that some model reads, with the history that it reads
    """

    deciders: Mapping[str, Decider]
    states: Mapping[str, FollowedState]
    sources: Mapping[str, Source]
    kinds: Mapping[str, Kind]
    log: Log
    contracts: Contracts


@dataclass(slots=True)
class CommitBatch:
    """Tasks taken one after another; the later ones see what the earlier ones wrote.

    Parameters
    ----------
    context : what it works with
    transactions : the open transaction of each state, by its digest
    now : the server's clock, once for the group
    last : position of the log's head
    """

    context: BatchContext
    transactions: Mapping[str, Transaction]
    now: int
    last: int
    drafts: list[Draft] = field(default_factory=list)
    _records: dict[tuple[str, str], tuple[Source, KnownRecord]] = field(default_factory=dict)
    _decisions: dict[tuple[str, str], LoggedDecision] = field(default_factory=dict)

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
        # Answers, states and decisions name these positions already.
        if entries[0].position != self.last + 1:
            raise LogHeld(self.context.log.name)

    def _record(self, task: Task) -> Answer:
        source = self.context.sources[task.target]
        screened = self._screen(source, task.request.raw)
        if isinstance(screened, Refused):
            return screened
        record, refused = screened
        known = self._known(source, record, task.request.raw)
        if isinstance(known, KnownRecord):
            return Recorded(record.stream, record.id, known.position, is_repeated=True)
        if (refusal := refused or known) is not None:
            return refusal
        position = self.next
        if (fault := self._append(source, record, task.request.raw)) is not None:
            return Refused("invalid", f"The record cannot be counted: {fault.detail}")
        return Recorded(record.stream, record.id, position)

    def _decide(self, task: Task) -> Answer:
        request, decider = task.request, self.context.deciders[task.target]
        # Looked up before the record is read: a retry gets its first answer, whatever a contract says by now.
        if request.key is not None and (decided := self._decided(decider.model, request.key)):
            return _repeated(decided, request)
        source = decider.source
        screened = self._screen(source, request.raw)
        if isinstance(screened, Refused):
            return screened
        record, refused = screened
        # Without a key the record's id is the key, and only a record that can be read has one.
        if request.key is None and (decided := self._decided(decider.model, record.id)):
            return _repeated(decided, request)
        known = self._known(source, record, request.raw)
        if isinstance(known, KnownRecord):
            # Whether it has not happened yet is asked again; how late it is now does not matter: it came in time.
            to_come = screen(source, request.raw, self.now, is_known=True)
            return to_come if isinstance(to_come, Refused) else self._judge(decider, known.record, task, known)
        return refused or known or self._judge(decider, record, task, None)

    def _screen(self, source: Source, raw: bytes) -> tuple[Record, Refused | None] | Refused:
        """Read a request, and say why its record is refused unless it is known.

        Whether a record happened in the future, or too long ago, was asked when it came: a retry gets the first
        answer, wherever the clock stands now.
        """
        record = screen(source, raw, self.now)
        if not isinstance(record, Refused):
            return record, None
        repeated = screen(source, raw, _END_OF_TIME, is_known=True)
        return record if isinstance(repeated, Refused) else (repeated, record)

    def _judge(self, decider: Decider, record: Record, task: Task, known: KnownRecord | None) -> Decided:
        """Decide about a record, new or known, and write the decision down."""
        raw, source = task.request.raw, decider.source
        event: int | None = known.position if known else self.next
        fault = None if known else self._append(source, record, raw)
        event = event if fault is None else None
        is_kept = event is not None and (known is None or known.raw == raw)
        undecided = msgspec.structs.replace(
            decider.undecided(record, raw_sha256=digest_bytes(raw), as_of=self.next - 1, caller=task.caller),
            event=event,
            raw=None if is_kept else raw,
        )
        digest = decider.online.plan.state_digest
        away = self.context.states[digest].away
        decision, fault = decider.decide(undecided, record, self.transactions[digest], fault or away)
        key = record.id if task.request.key is None else task.request.key
        decided = LoggedDecision(decider.model, key, self.next, self.now, decision)
        self._draft("decision", decider.model, key, encode(decision))
        if fault is not None:
            self._draft("fault", decider.model, key, encode_body(fault))
        self._decisions[decider.model, key] = decided
        return Decided(decided)

    def _append(self, source: Source, record: Record, raw: bytes) -> Fault | None:
        """Give a new record its place in the log and in every state that reads it, or say which cannot hold it.

        All states are asked before the first is changed: a record enters all of them or none.
        """
        prepared = []
        try:
            for digest, state in self.context.states.items():
                # Each state reads the bytes by its own contract: two models may declare one stream differently.
                own = state.sources.get(record.stream)
                read = record if own is source else None if own is None else reread_raw(own, raw, self.now)
                if read is not None and (ready := self._prepare(digest, state, read)) is not None:
                    prepared.append((digest, state, ready))
        except (FeatureOverflow, EntityTooLong) as error:
            # Written as an event it would stop every later fold; the decision's own entry keeps its bytes.
            return fault_of("state", error)
        for digest, state, ready in prepared:
            self._enter(digest, state, ready)
        position = self.next
        self._draft(self.context.kinds[record.stream], record.stream, record.id, raw)
        self._records[record.stream, record.id] = source, KnownRecord(position, raw, record)
        return None

    def _prepare(self, digest: str, state: FollowedState, record: Record) -> Prepared | None:
        """Ask a state what a record changes in it; one that is away follows the log when it is back."""
        if state.away is None:
            try:
                return self.transactions[digest].prepare(record, self.next)
            except (StateUnavailable, StateLost) as error:
                state.away = fault_of("state", error)
        return None

    def _enter(self, digest: str, state: FollowedState, ready: Prepared) -> None:
        try:
            self.transactions[digest].enter(ready)
        except (StateUnavailable, StateLost) as error:
            state.away = fault_of("state", error)

    def _draft(self, kind: Kind, namespace: str, name: str, body: bytes) -> None:
        self.drafts.append(Draft(kind, namespace, name, self.now, body))

    def _known(self, source: Source, record: Record, raw: bytes) -> KnownRecord | Refused | None:
        """Find the record where it is known already; another record under its id is a conflict."""
        # From the nearest to the furthest: this group, the log, the history before the log.
        known = self._grouped(source, record) or self._logged(source, record) or self._past(source, record)
        if known is None or isinstance(known, Refused):
            return known
        return known if known.raw == raw or is_same(known.record, record, source) else _conflict(record)

    def _grouped(self, source: Source, record: Record) -> KnownRecord | Refused | None:
        written, known = self._records.get((record.stream, record.id), (source, None))
        if known is None or written is source or known.raw is None:
            return known
        # Another model's version of the stream let it in: this one reads the same bytes its own way.
        read = reread_raw(source, known.raw, self.now)
        return _conflict(record) if read is None else KnownRecord(known.position, known.raw, read)

    def _logged(self, source: Source, record: Record) -> KnownRecord | Refused | None:
        entry = self.context.log.record(record.stream, record.id)
        if entry is None:
            return None
        found = reread(source, entry)
        return _conflict(record) if found is None else KnownRecord(entry.position, entry.body, found)

    def _past(self, source: Source, record: Record) -> KnownRecord | None:
        found = self.context.contracts.history(source).find(record.stream, record.id)
        return None if found is None else KnownRecord(found[0], None, found[1])

    def _decided(self, model: str, key: str) -> LoggedDecision | None:
        # Decisions of this group are not in the log yet.
        if (model, key) in self._decisions:
            return self._decisions[model, key]
        entry = self.context.log.find("decision", model, key)
        return None if entry is None else logged(entry)


def screen(source: Source, raw: bytes, now: int, *, is_known: bool = False) -> Record | Refused:
    """Read a request as a record of a stream, or name everything that is wrong with it.

    Parameters
    ----------
    source : the contract it is held against
    raw : a JSON object
    now : the server's clock, in microseconds since 1970 UTC
    is_known : it was accepted once, so that it is not asked again how late it came
    """
    try:
        return parse(source, raw, now=now, is_known=is_known)
    except RowRefused as error:
        fields = {reason.field: reason.sentence for reason in error.reasons if reason.field}
        if not fields:
            return Refused("malformed", str(error))
        return Refused("invalid", f"{len(fields)} of the record's fields cannot be accepted.", fields)


def _conflict(record: Record) -> Refused:
    return Refused("conflict", f"{record.id!r} of {record.stream!r} is known with another content.")


def _repeated(decided: LoggedDecision, request: Request) -> Answer:
    # The first answer was about other bytes, and would be a wrong answer to these.
    if decided.decision.raw_sha256 != digest_bytes(request.raw):
        return Refused("conflict", f"The idempotency key {decided.key!r} was used for another body.")
    return Decided(decided, is_repeated=True)
