"""From a record that has its place to a filled decision: features, score, reasons, action, or the written fallback."""

from dataclasses import dataclass
from math import isnan
from typing import Literal

import msgspec

from tallystick.data.records import Record
from tallystick.definitions.streams import Source
from tallystick.features.online.executor import Online, Transaction
from tallystick.journal import bodies
from tallystick.journal.bodies import Fault
from tallystick.journal.decision import FORMAT, Decision, Reason
from tallystick.release.open import Bundle
from tallystick.scoring.scorer import Scored


@dataclass(frozen=True, slots=True)
class Decider:
    """A model that decides: its bundle, and since when.

    Parameters
    ----------
    model : its name
    bundle : opened, proven and approved
    source : the contract of the stream that it decides about
    online : its features, over the state that it may share with other models
    activation : position of the entry that says that this bundle decides
    """

    model: str
    bundle: Bundle
    source: Source
    online: Online
    activation: int

    def undecided(self, record: Record, *, raw_sha256: str, as_of: int, caller: str) -> Decision:
        """Return a decision as far as it is known before anything was computed: the written fallback, to refer.

        Parameters
        ----------
        record : what is to be decided about
        raw_sha256 : digest of the request
        as_of : the last position that its features see
        caller : who asks
        """
        return Decision(
            format=FORMAT,
            bundle=self.bundle.digest,
            activation=self.activation,
            caller=caller,
            record_id=record.id,
            raw_sha256=raw_sha256,
            as_of=as_of,
            action="refer",
            fallback=True,
        )

    def decide(
        self, undecided: Decision, record: Record, state: Transaction, fault: Fault | None
    ) -> tuple[Decision, Fault | None]:
        """Fill a decision in. Where anything fails, the action is refer, and the fault says what failed.

        Parameters
        ----------
        undecided : the decision as far as it is known
        record : what is decided about, as this model's contract reads it
        state : the open transaction of the state, which holds the record already
        fault : what failed before; the decision then stays a fallback
        """
        if fault is not None or undecided.event is None:
            return undecided, fault
        try:
            vector = state.vector(record, undecided.as_of, of=self.online)
        except Exception as error:  # noqa: BLE001 - one record's trouble must not take the others' answers
            return undecided, fault_of("features", error)
        features = tuple(None if isnan(value) else value for value in vector)
        try:
            scored = self.bundle.scorer.decide(vector, record)
        except Exception as error:  # noqa: BLE001
            return msgspec.structs.replace(undecided, features=features), fault_of("model", error)
        return _filled(undecided, features, scored), None


def fault_of(stage: Literal["state", "features", "model"], error: Exception) -> Fault:
    """Return why a decision fell back, as the log keeps it.

    Parameters
    ----------
    stage : what failed
    error : with what
    """
    return Fault(bodies.FORMAT, stage, type(error).__name__, str(error))


def _filled(decision: Decision, features: tuple[float | None, ...], scored: Scored) -> Decision:
    threshold = scored.verdict.threshold
    return msgspec.structs.replace(
        decision,
        features=features,
        raw_score=scored.raw,
        score=scored.score,
        reasons=tuple(Reason(reason.name, reason.contribution) for reason in scored.reasons),
        threshold=None if isnan(threshold) else threshold,
        action=scored.verdict.action,
        fallback=False,
    )
