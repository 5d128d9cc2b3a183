"""The service, without HTTP: raw requests in, durable decisions out."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lmdb
import msgspec

from tallystick.definitions.clock import Clock
from tallystick.definitions.progress import Progress
from tallystick.errors import (
    FeatureError,
    LogError,
    NotApproved,
    StateLost,
    StateUnavailable,
    StreamUnknown,
    TallystickError,
)
from tallystick.features.online.executor import Online, Transaction
from tallystick.features.plan import Plan
from tallystick.governance import approval_status as governance
from tallystick.log.entry import Head, Kind
from tallystick.log.protocol import Log
from tallystick.release.open import Bundle
from tallystick.scoring.session import fingerprint
from tallystick.serving.catch_up import catch_up
from tallystick.serving.commit_batch import BatchContext, Group, fault_of
from tallystick.serving.counts import Counts
from tallystick.serving.decision_engine import DecisionEngine
from tallystick.serving.history import History
from tallystick.serving.record import Approval, Fault, decode
from tallystick.serving.requests import Answer, Decided, Refused, Request, Task

SignHead = Callable[[Head], None]
SIGN_EVERY = 10_000

_UNAVAILABLE = Refused("unavailable", "Nothing was decided or recorded. Send it again, under the same key.")
_logger = logging.getLogger("tallystick.serving")


class Service:
    """Decides about records of one stream with one approved bundle, and remembers everything in the log.

    **Acknowledged means durable.** An answer leaves after the log's commit; the state's commit follows, so the
    state is never ahead of the log, and catches up from it.
    **Once.** A record is appended once and a key decided once: a retry gets the first answer.
    **Never silence.** Where features or model fail for a record, it is referred, and the log says why. So is every
    record while the Redis of the state is away: the log keeps them, and the state follows when it is back.

    Parameters
    ----------
    bundle : opened, proven and approved
    log : its writer; history, where there is any, is attached already
    online : the state of the bundle's features
    clock : tells the time
    sign_head : told the log's head at start, at stop and every ``sign_every`` entries
    sign_every : how many entries lie between two signed heads
    progress : told how far the state has followed the log; a first start loads the whole history

    Raises
    ------
    NotApproved
        If nobody approved the bundle, or the approval was withdrawn.
    """

    def __init__(
        self,
        bundle: Bundle,
        log: Log,
        online: Online,
        clock: Clock,
        *,
        sign_head: SignHead = lambda _: None,
        sign_every: int = SIGN_EVERY,
        progress: Progress | None = None,
    ) -> None:
        self._engine = _engine(bundle)
        self.stream = bundle.plan.definition.spine.name
        self.kinds = kinds(bundle.plan)
        self.reports = frozenset(later.by for later in bundle.plan.later)
        self._log, self._online, self._clock = log, online, clock
        self._sign_head, self._sign_every, self._signed = sign_head, sign_every, -1
        # Proving and signing the ledger takes longer with its length; answers do not wait for it.
        self._signing = ThreadPoolExecutor(1, "signing")
        self._writing = threading.Lock()
        self._n_fallbacks, self._away, self._counts = 0, "", Counts(bundle.plan)
        sources = {source.name: source for source in bundle.plan.sources}
        history = History.indexed(log, bundle.plan.sources)
        self.without_history = history.unknown
        self._context = BatchContext(sources, self.kinds, log, history, self._engine)
        self._follow(progress)
        self._signing_due = self._log.head.position
        self._sign(self._log.head)

    def decide(self, requests: Sequence[Request]) -> list[Answer]:
        """Decide about several records in one commit; each answer stands in its request's place."""
        return self.handle([Task(self.stream, request, is_decision=True) for request in requests])

    def record(self, stream: str, requests: Sequence[Request]) -> list[Answer]:
        """Make events or outcomes known, in one commit, without deciding about them.

        Raises
        ------
        StreamUnknown
            If the bundle's features and label need no such stream.
        """
        if stream not in self.kinds:
            raise StreamUnknown(stream, known=self.kinds)
        return self.handle([Task(stream, request, is_decision=False) for request in requests])

    def decision(self, name: str) -> Decided | None:
        """Return the decision of this id, or None."""
        entry = self._log.find("decision", self.stream, name)
        return None if entry is None else Decided(decode(entry.body), entry.position, is_repeated=True)

    def handle(self, tasks: Sequence[Task]) -> list[Answer]:
        """Take decisions and records together: one transaction of the state, one commit of the log."""
        with self._writing:
            try:
                answers = self._commit(tasks, self._behind())
            except (LogError, FeatureError, lmdb.Error):
                # Neither acknowledged nor, as far as we know, written: the caller's retry settles it.
                _logger.exception("a group of %d was not committed", len(tasks))
                answers = [_UNAVAILABLE] * len(tasks)
            self._counts.take(answers)
            if self._online.position - self._signing_due >= self._sign_every:
                self._signing_due = self._online.position
                self._signing.submit(self._sign, self._log.head)
            return answers

    def described(self) -> dict[str, Any]:
        """Return what is serving: the bundle, the position the state has reached, and the last signed one.

        And since the start: how many decisions were fallbacks, how many requests were refused as what, and how many
        decisions lack a feature because its cap was reached; and why the state is away, if it is.
        """
        facts = {"bundle": self._engine.bundle, "position": self._online.position, "signed": self._signed}
        return (
            facts
            | {"fallbacks": self._n_fallbacks}
            | self._counts.to_plain()
            | ({"state": self._away} if self._away else {})
        )

    def close(self) -> None:
        """Sign the log's head a last time. Log and state stay open: who opened them closes them."""
        with self._writing:
            self._signing.shutdown()
            self._sign_every = sys.maxsize
            if self._log.head.position != self._signed:
                self._sign(self._log.head)

    def _behind(self) -> Fault | None:
        """Bring the state to where the log is, if it is behind; say why not where it is away."""
        try:
            if self._is_behind:
                self._online.reread()
                self._follow()
        except (StateUnavailable, StateLost) as error:
            return fault_of(error)
        return None

    def _commit(self, tasks: Sequence[Task], away: Fault | None) -> list[Answer]:
        with self._online.transaction() as state:
            group = Group(self._context, state, now=self._clock.now(), last=self._log.head.position, away=away)
            answers = [group.take(task) for task in tasks]
            if group.drafts:
                # Until the state has followed, whatever fails from here on leaves it behind the log.
                self._is_behind = True
                with self._log.transaction(group.drafts) as entries:
                    group.check(entries)
                self._n_fallbacks += group.n_fallbacks
                self._is_behind = not self._kept(state, entries[-1].position, group)
            self._tell(group.away)
        return answers

    @staticmethod
    def _kept(state: Transaction, position: int, group: Group) -> bool:
        """Let the state follow the log, or say that it does not yet: the answers are durable all the same."""
        if group.away is None:
            try:
                state.commit(position)
            except (StateUnavailable, StateLost) as error:
                group.away = fault_of(error)
        return group.away is None

    def _tell(self, away: Fault | None) -> None:
        """Say once that the state is away, and once that it is back."""
        detail = "" if away is None else away.detail
        if bool(detail) != bool(self._away):
            _logger.warning("decisions are referred: %s", detail) if detail else _logger.warning("the state is back")
        self._away = detail

    def _follow(self, progress: Progress | None = None) -> None:
        catch_up(self._online, self._log, self._context.sources, self._context.history, progress)
        self._is_behind = False

    def _sign(self, head: Head) -> None:
        try:
            self._sign_head(head)
            self._signed = head.position
        except TallystickError:
            # Decisions do not wait for the ledger; readiness tells how far the signed head lags.
            _logger.exception("the log's head at %d was not signed", head.position)


def kinds(plan: Plan) -> dict[str, Kind]:
    """Return what the records of each source are in the log.

    Events are those of the spine and of all that features aggregate or look up; outcomes are what only becomes known
    about them: reports, corrections, outcomes. A stream that is both holds events.
    """
    events = {plan.definition.spine.name, *(group.stream for group in plan.groups)}
    return {source.name: "event" if source.name in events else "outcome" for source in plan.sources}


def _engine(bundle: Bundle) -> DecisionEngine:
    allowed = bundle.approval
    if not isinstance(allowed, governance.Approval) or allowed.bundle_digest != bundle.digest:
        raise NotApproved(bundle.digest)
    approval = Approval(allowed.number, allowed.entry_hash, allowed.actor)
    policy = msgspec.to_builtins(bundle.policy)
    return DecisionEngine(bundle.digest, bundle.scorer, policy, approval, fingerprint())
