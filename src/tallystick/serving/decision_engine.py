"""From a record that has its place to a filled decision: features, score, reasons, action, or the written fallback."""

from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import msgspec

from tallystick.data.records import Record
from tallystick.features.online.executor import Transaction
from tallystick.scoring.runtime import Runtime
from tallystick.scoring.scorer import Scored, Scorer
from tallystick.serving.record import Approval, Decision, Fault, Reason, bits


@dataclass(frozen=True, slots=True)
class DecisionEngine:
    """A bundle's scorer, and what every decision of it has in common.

    Parameters
    ----------
    bundle : its digest
    scorer : from a vector to an action
    policy : as plain data
    approval : what allowed the bundle
    runtime : what runs it here
    """

    bundle: str
    scorer: Scorer
    policy: dict[str, Any]
    approval: Approval
    runtime: Runtime

    def decide(
        self, requested: Decision, record: Record, state: Transaction, fault: Fault | None
    ) -> tuple[Decision, Fault | None]:
        """Fill a decision in. Where anything fails, the action is refer, and the fault says what failed.

        Parameters
        ----------
        requested : the decision as far as it is known: ``fallback`` and ``refer``
        record : what is decided about
        state : the open transaction of the online features, which holds the record already
        fault : what failed before; the decision then stays a fallback
        """
        if fault is not None or requested.event is None:
            return requested, fault
        try:
            vector = state.vector(record, requested.as_of)
        except Exception as error:  # noqa: BLE001 - one record's trouble must not take the others' answers
            return requested, _fault("features", error)
        known = msgspec.structs.replace(requested, features=tuple(None if isnan(value) else value for value in vector))
        try:
            return _filled(known, self.scorer.decide(vector, record)), None
        except Exception as error:  # noqa: BLE001
            return known, _fault("model", error)

    def undecided(self) -> dict[str, Any]:
        """Return what a decision says before anything was computed: the written fallback."""
        return {
            "bundle": self.bundle,
            "approval": self.approval,
            "policy": self.policy,
            "runtime": self.runtime,
            "threshold": None,
            "features": None,
            "raw_score": None,
            "raw_bits": None,
            "score": None,
            "score_bits": None,
            "reasons": (),
            "action": "refer",
            "fallback": True,
            "shadow": False,
        }


def _filled(decision: Decision, scored: Scored) -> Decision:
    return msgspec.structs.replace(
        decision,
        threshold=None if isnan(scored.verdict.threshold) else scored.verdict.threshold,
        raw_score=scored.raw,
        raw_bits=bits(scored.raw),
        score=scored.score,
        score_bits=bits(scored.score),
        reasons=tuple(Reason(reason.name, reason.contribution, bits(reason.contribution)) for reason in scored.reasons),
        action=scored.verdict.action,
        fallback=False,
    )


def _fault(stage: Literal["features", "model"], error: Exception) -> Fault:
    return Fault(stage, type(error).__name__, str(error))
