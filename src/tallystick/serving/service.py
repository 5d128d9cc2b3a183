"""The service, without HTTP: raw requests in, durable decisions out."""

import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import lmdb

from tallystick.definitions.clock import Clock
from tallystick.definitions.progress import Progress
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.errors import (
    FeatureError,
    LogError,
    ModelNotServed,
    ModelServedTwice,
    NotApproved,
    StreamUnknown,
    TallystickError,
)
from tallystick.features.online.executor import Online
from tallystick.governance import approval_status as governance
from tallystick.journal import activation
from tallystick.journal.bodies import Approval
from tallystick.journal.decision import logged
from tallystick.log.entry import Head, Kind
from tallystick.log.protocol import Log
from tallystick.release.open import Bundle
from tallystick.scoring.session import fingerprint
from tallystick.serving.commit_batch import BatchContext, CommitBatch
from tallystick.serving.contracts import Contracts
from tallystick.serving.counts import Counts
from tallystick.serving.decider import Decider
from tallystick.serving.followed_state import FollowedState
from tallystick.serving.requests import Answer, Decided, Refused, Request, Task

SignHead = Callable[[Head], None]
SIGN_EVERY = 10_000

_UNAVAILABLE = Refused("unavailable", "Nothing was decided or recorded. Send it again, under the same key.")
_logger = logging.getLogger("tallystick.serving")


class Service:
    """Decides with one approved bundle for each of several models, and remembers everything in one log.

    **Acknowledged means durable.** An answer leaves after the log's commit; the states' commits follow, so no
    state is ever ahead of the log, and each catches up from it.
    **Once.** A record enters the log once, whichever models aggregate it, and a model decides once about a key: a
    retry gets the first answer.
    **Never silence.** Where features or model fail for a record, it is referred, and the log says why. So is every
    record while the Redis of the state is away: the log keeps them, and the state follows when it is back.

    Parameters
    ----------
    bundles : one for each model: opened, proven and approved. Where they read a stream by different contracts, records
        that are only to become known are taken by the first that names it
    log : its writer; history, where there is any, is attached already
    states : the states of the bundles' features, by state digest; models of one digest share one
    clock : tells the time
    sign_head : told the log's head at start, at stop and every ``sign_every`` entries
    sign_every : how many entries lie between two signed heads
    signed : the position of the last head that was signed; -1 for none
    sign_from : how many entries must have come since then for start and ``close`` to sign again
    progress : told how far the states have followed the log; a first start loads the whole history

    Raises
    ------
    NotApproved
        If nobody approved a bundle, or the approval was withdrawn.
    ModelServedTwice
        If two bundles are of one model.
    """

    def __init__(
        self,
        bundles: Sequence[Bundle],
        log: Log,
        states: Mapping[str, Online],
        clock: Clock,
        *,
        sign_head: SignHead = lambda _: None,
        sign_every: int = SIGN_EVERY,
        signed: int = -1,
        sign_from: int = 1,
        progress: Progress | None = None,
    ) -> None:
        for place, bundle in enumerate(bundles):
            if bundle.manifest.model in {other.manifest.model for other in bundles[:place]}:
                raise ModelServedTwice(bundle.manifest.model)
        approvals = [_approval(bundle) for bundle in bundles]
        self._log, self._clock = log, clock
        contracts = Contracts(log, [source for bundle in bundles for source in bundle.plan.sources])
        self.without_history = contracts.without_history
        self._states = {digest: FollowedState(online, log, contracts) for digest, online in states.items()}
        self.deciders = {
            bundle.manifest.model: self._activated(bundle, approval, contracts)
            for bundle, approval in zip(bundles, approvals, strict=True)
        }
        self.kinds = {name: kind_of(source) for name, source in contracts.taken.items()}
        self._context = BatchContext(self.deciders, self._states, contracts.taken, self.kinds, log, contracts)
        self._counts = Counts({model: decider.bundle.plan for model, decider in self.deciders.items()})
        self._writing, self._away = threading.Lock(), ""
        # Signing waits for the ledger's own disk; answers do not wait for it.
        self._sign_head, self._sign_every, self._sign_from, self._signed = sign_head, sign_every, sign_from, signed
        self._signing = ThreadPoolExecutor(1, "signing")
        for state in self._states.values():
            state.follow(progress)
        self._signing_due = self._log.head.position
        self._sign_if_due()

    def model(self, name: str | None = None) -> str:
        """Return the model of that name, or the only one that is served.

        Raises
        ------
        ModelNotServed
            If it is not served here, or several are and none is named.
        """
        if name is None and len(self.deciders) == 1:
            return next(iter(self.deciders))
        if name not in self.deciders:
            raise ModelNotServed(name, known=self.deciders)
        return name

    def decide(self, requests: Sequence[Request], *, model: str | None = None, caller: str = "") -> list[Answer]:
        """Decide about several records in one commit; each answer stands in its request's place.

        Parameters
        ----------
        requests : the records
        model : which one decides; it need only be named where several are served
        caller : who asks, as the decisions will say
        """
        name = self.model(model)
        return self.handle([Task(name, request, is_decision=True, caller=caller) for request in requests])

    def record(self, stream: str, requests: Sequence[Request]) -> list[Answer]:
        """Make events or outcomes known, in one commit, without deciding about them.

        Parameters
        ----------
        stream : whose records they are
        requests : the records

        Raises
        ------
        StreamUnknown
            If no model's features or label need such a stream.
        """
        if stream not in self.kinds:
            raise StreamUnknown(stream, known=self.kinds)
        return self.handle([Task(stream, request, is_decision=False) for request in requests])

    def decision(self, key: str, *, model: str | None = None) -> Decided | None:
        """Return the decision of a model under this key, or None.

        Parameters
        ----------
        key : the decision's id
        model : whose; it need only be named where several are served
        """
        entry = self._log.find("decision", self.model(model), key)
        return None if entry is None else Decided(logged(entry), is_repeated=True)

    def handle(self, tasks: Sequence[Task]) -> list[Answer]:
        """Take decisions and records together: one transaction of each state, one commit of the log."""
        with self._writing:
            try:
                answers = self._commit(tasks)
            except (LogError, FeatureError, lmdb.Error):
                # Neither acknowledged nor, as far as we know, written: the caller's retry settles it.
                _logger.exception("a group of %d was not committed", len(tasks))
                answers = [_UNAVAILABLE] * len(tasks)
            self._counts.take(answers)
            self._report_away()
            head = self._log.head
            if head.position - self._signing_due >= self._sign_every:
                self._signing_due = head.position
                self._signing.submit(self._sign, head)
            return answers

    def described(self) -> dict[str, Any]:
        """Return what is serving: each model's bundle, the log's last position, and the last signed one.

        And since the start: how many decisions were fallbacks, how many requests were refused as what, and how many
        decisions lack a feature because its cap was reached; and why a state is away, if one is.
        """
        found = {
            model: {"bundle": decider.bundle.digest} | self._counts.of(model)
            for model, decider in self.deciders.items()
        }
        facts = {"models": found, "position": self._log.head.position, "signed": self._signed}
        away = {"state": self._away} if self._away else {}
        return facts | {"refused": dict(self._counts.refused)} | away

    def close(self) -> None:
        """Sign the log's head a last time. Log and states stay open: who opened them closes them."""
        with self._writing:
            self._signing.shutdown()
            self._sign_every = sys.maxsize
            self._sign_if_due()

    def _activated(self, bundle: Bundle, approval: Approval, contracts: Contracts) -> Decider:
        """Say in the log that a bundle decides from now on, unless that is what the log says already."""
        model, runtime = bundle.manifest.model, fingerprint()
        found = activation.latest(self._log, model)
        if found is not None and (found[1].bundle, found[1].approval, found[1].runtime) == (
            bundle.digest,
            approval,
            runtime,
        ):
            position = found[0]
        else:
            position, at = self._log.head.position + 1, self._clock.now()
            draft = activation.draft(position, model, bundle=bundle.digest, approval=approval, runtime=runtime, at=at)
            self._log.append([draft])
        state = self._states[bundle.plan.state_digest].online
        # Models of one state share its store; each asks it for its own features.
        online = state if state.plan.digest == bundle.plan.digest else Online(bundle.plan, state.store)
        return Decider(model, bundle, contracts.of(bundle.plan.definition.spine), online, position)

    def _commit(self, tasks: Sequence[Task]) -> list[Answer]:
        for state in self._states.values():
            state.catch_up_if_behind()
        with ExitStack() as stack:
            transactions = {d: stack.enter_context(s.online.transaction()) for d, s in self._states.items()}
            batch = CommitBatch(self._context, transactions, now=self._clock.now(), last=self._log.head.position)
            answers = [batch.take(task) for task in tasks]
            if batch.drafts:
                # Until the states have followed, whatever fails from here on leaves them behind the log.
                for state in self._states.values():
                    state.fall_behind()
                with self._log.transaction(batch.drafts) as entries:
                    batch.check(entries)
                for digest, state in self._states.items():
                    state.commit(transactions[digest], entries[-1].position)
        return answers

    def _report_away(self) -> None:
        """Say once that a state is away, and once that it is back."""
        detail = next((state.away.detail for state in self._states.values() if state.away is not None), "")
        if bool(detail) != bool(self._away):
            _logger.warning("decisions are referred: %s", detail) if detail else _logger.warning("the state is back")
        self._away = detail

    def _sign_if_due(self) -> None:
        if (head := self._log.head).position - self._signed >= self._sign_from:
            self._sign(head)

    def _sign(self, head: Head) -> None:
        try:
            self._sign_head(head)
            self._signed = head.position
        except TallystickError:
            # Decisions do not wait for the ledger; readiness tells how far the signed head lags.
            _logger.exception("the log's head at %d was not signed", head.position)


def kind_of(source: Source) -> Kind:
    """Return what the records of a source are in the log: what its definition says; a table holds outcomes."""
    return "outcome" if isinstance(source, TableDefinition) or source.holds == "outcomes" else "event"


def _approval(bundle: Bundle) -> Approval:
    allowed = bundle.approval
    if not isinstance(allowed, governance.Approval) or allowed.bundle_digest != bundle.digest:
        raise NotApproved(bundle.digest)
    return Approval(allowed.number, allowed.entry_hash)
