"""One decision made again: from its features to its action, stage by stage, until something differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import msgspec

from tallystick.data.records import Record, arrival_field
from tallystick.journal.decision import Decision, Reason
from tallystick.replay.case import Case, changed_runtimes
from tallystick.replay.verdict import Difference, Differs, Verdict, verdict
from tallystick.scoring.scorer import Scored, bits
from tallystick.scoring.session import fingerprint


@dataclass(frozen=True, slots=True)
class Vector:
    """Features computed again.

    Parameters
    ----------
    names : of the plan they were computed with
    values : in that order, NaN where missing; None where the state cannot hold the record, as it could not then
    event : the record that the log or history has at the event's position; None where it has none
    """

    names: tuple[str, ...]
    values: Sequence[float] | None
    event: Record | None


def reexecute(case: Case, vector: Vector) -> Verdict:
    """Compute everything after the features again, and name the first stage that differs.

    Parameters
    ----------
    case : the decision, and everything it is made again from
    vector : its features, computed again
    """
    try:
        _compare_event(case, vector)
        _compare_features(case, vector)
        if case.decision.fallback:
            _compare_fallback(case)
        else:
            scored = _compare_score(case)
            _compare_reasons(case.decision, scored)
            _compare_action(case, scored)
    except Differs as found:
        return verdict(case.entry, case.decision, found)
    return verdict(case.entry, case.decision)


def _compare_event(case: Case, vector: Vector) -> None:
    arrived = arrival_field(case.bundle.plan.definition.spine)
    if case.decision.event is not None and not _is_the_same(vector.event, case.record, arrived):
        difference = Difference("event", case.decision.event, None if vector.event is None else vector.event.id)
        raise Differs("record", "What stands at the event's position is not what was asked about.", [difference])


def _compare_features(case: Case, vector: Vector) -> None:
    stored, found = case.decision.features, vector.values
    if stored is None and (found is None or case.was_away):
        return
    if stored is None or found is None:
        state = ("could not be computed", "can be computed")
        then, now = state if stored is None else state[::-1]
        raise Differs("features", f"The features {then} when it was decided, and {now} now.")
    then_by_name = dict(zip(case.bundle.plan.names, stored, strict=True))
    now_by_name = {
        name: None if isnan(value) else value for name, value in zip(vector.names, map(float, found), strict=True)
    }
    names = [*then_by_name, *(name for name in now_by_name if name not in then_by_name)]
    differing = [
        Difference(name, then_by_name.get(name, "not there"), now_by_name.get(name, "not there"))
        for name in names
        if name not in then_by_name or name not in now_by_name or not _same(then_by_name[name], now_by_name[name])
    ]
    if differing:
        listed = ", ".join(difference.what for difference in differing)
        raise Differs("features", f"{len(differing)} of {len(names)} features differ: {listed}.", differing)


def _compare_score(case: Case) -> Scored:
    decision, scored = case.decision, _scored(case)
    pairs = {"raw_score": (decision.raw_score, scored.raw), "score": (decision.score, scored.score)}
    differing = [Difference(name, then, now) for name, (then, now) in pairs.items() if not _same(then, now)]
    if differing and case.activation.runtime != fingerprint():
        sentence = "The score has other bits here, where onnxruntime or the processor is another one."
        raise Differs("runtime", sentence, [*differing, *changed_runtimes(case.activation.runtime)])
    if differing:
        raise Differs("score", "The model gives another score for the same features.", differing)
    return scored


def _compare_reasons(decision: Decision, scored: Scored) -> None:
    found = tuple(Reason(reason.name, reason.contribution) for reason in scored.reasons)
    if list(map(_exact, found)) != list(map(_exact, decision.reasons)):
        plain: list[Any] = [msgspec.to_builtins(reasons) for reasons in (decision.reasons, found)]
        raise Differs("reasons", "The reasons are others.", [Difference("reasons", *plain)])


def _compare_action(case: Case, scored: Scored) -> None:
    # The policy itself is the bundle's, which was opened by its digest; what it came to is the decision's.
    decision = case.decision
    threshold = None if isnan(scored.verdict.threshold) else scored.verdict.threshold
    differing = []
    if not _same(decision.threshold, threshold):
        differing.append(Difference("threshold", decision.threshold, threshold))
    if decision.action != scored.verdict.action:
        differing.append(Difference("action", decision.action, scored.verdict.action))
    if differing:
        listed = " and ".join(difference.what for difference in differing)
        raise Differs("policy", f"The policy gives another {listed} for the same score.", differing)


def _compare_fallback(case: Case) -> None:
    """Hold a fallback to its rule, and to its cause: what failed then fails again."""
    if case.decision.action != "refer":
        difference = Difference("action", case.decision.action, "refer")
        raise Differs("policy", "The written fallback is to refer.", [difference])
    if case.decision.features is None:
        return
    try:
        scored = _scored(case)
    except Exception:  # noqa: BLE001 - whatever the model fails with, it failed then too
        return
    difference = Difference("score", None, scored.score)
    raise Differs("score", "The model failed when it was decided, and gives a score now.", [difference])


def _scored(case: Case) -> Scored:
    # The stored vector was proven equal, bit for bit, to the one computed again.
    stored = case.decision.features or ()
    return case.bundle.scorer.decide([float("nan") if value is None else value for value in stored], case.record)


def _is_the_same(found: Record | None, requested: Record, arrived: str | None) -> bool:
    """Say whether two readings of a record agree, in the fields that both contracts declare, but for its arrival."""
    if found is None or (found.stream, found.id, found.time) != (requested.stream, requested.id, requested.time):
        return False
    pairs = (found.keys, requested.keys), (found.values, requested.values)
    return all(one[n] == other[n] for one, other in pairs for n in one.keys() & other.keys() if n != arrived)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return bits(one) == bits(other)


def _exact(reason: Reason) -> tuple[str, str]:
    return reason.feature, bits(reason.contribution)
