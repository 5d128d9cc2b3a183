"""One decision made again: from its raw request to its action, stage by stage, until something differs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import msgspec

from tallystick.data.contract import parse
from tallystick.data.records import Record, arrival_field
from tallystick.definitions.digest import digest_bytes
from tallystick.errors import BundleError, RowRefused, SelfTestFailed
from tallystick.log.entry import Entry
from tallystick.release.open import Bundle
from tallystick.replay.archive import Archive
from tallystick.replay.verdict import Difference, Stage, Verdict
from tallystick.scoring.scorer import Scored
from tallystick.scoring.session import fingerprint
from tallystick.serving.record import AWAY, Decision, Reason, bits, decode, decode_fault


@dataclass(frozen=True, slots=True)
class Case:
    """A decision with everything it is made again from.

    Parameters
    ----------
    entry, decision : what was stored
    bundle : what decided, opened by its digest
    record : the raw request, screened again by the bundle's own contract
    was_away : the log says that the state could not be asked then, which no record tells again
    """

    entry: Entry
    decision: Decision
    bundle: Bundle
    record: Record
    was_away: bool = False


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


class _Differs(Exception):
    def __init__(self, stage: Stage, reason: str, differences: Iterable[Difference] = ()) -> None:
        self.stage, self.reason, self.differences = stage, reason, tuple(differences)
        super().__init__(reason)


def reopen(archive: Archive, entry: Entry) -> Case | Verdict:
    """Read a decision and open what it was made from, or say which of that is not what it was.

    Parameters
    ----------
    archive : what was kept
    entry : the decision's, in the log
    """
    decision = None
    try:
        decision = _proven(archive, entry)
        raw = _raw(archive, entry, decision)
        bundle = _bundle(archive, decision)
        return Case(entry, decision, bundle, _record(bundle, decision, raw), _was_away(archive, entry, decision))
    except _Differs as found:
        return _verdict(entry, decision, found)


def reexecute(case: Case, vector: Vector) -> Verdict:
    """Compute everything after the features again, and name the first stage that differs.

    Parameters
    ----------
    case : the decision with what it was made from
    vector : its features, computed now
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
    except _Differs as found:
        return _verdict(case.entry, case.decision, found)
    return _verdict(case.entry, case.decision, None)


def _proven(archive: Archive, entry: Entry) -> Decision:
    if entry.position > archive.proof.until:
        raise _Differs("record", archive.proof.damage)
    try:
        decision = decode(entry.body)
    except msgspec.DecodeError as error:
        raise _Differs("record", f"The entry is no decision that can be read: {error}.") from error
    if (decision.stream, decision.key) != (entry.namespace, entry.id):
        raise _Differs("record", "The entry stands under another name than its own.")
    if not (decision.event or 0) <= decision.as_of < entry.position:
        difference = f"event {decision.event}, as of {decision.as_of}, decided at {entry.position}"
        raise _Differs("record", f"The entry's positions have no order: {difference}.")
    return decision


def _raw(archive: Archive, entry: Entry, decision: Decision) -> bytes:
    raw = decision.raw
    if decision.event is not None and decision.event > archive.origin:
        event = archive.log.entry(decision.event)
        if event is None or (event.namespace, event.id) != (decision.stream, decision.record_id):
            raise _Differs("record", f"Position {decision.event} does not hold the record that was decided about.")
        raw = event.body if raw is None else raw
    if raw is None or digest_bytes(raw) != decision.raw_sha256:
        found = None if raw is None else digest_bytes(raw)
        difference = Difference("raw_sha256", decision.raw_sha256, found)
        raise _Differs(
            "record", f"The raw request of entry {entry.position} is not the one that was digested.", [difference]
        )
    return raw


def _bundle(archive: Archive, decision: Decision) -> Bundle:
    if not re.fullmatch("[0-9a-f]{64}", decision.bundle):
        raise _Differs("bundle", f"{decision.bundle!r} is no digest of a bundle.")
    try:
        bundle = archive.bundle(decision.bundle)
    except SelfTestFailed as error:
        stage: Stage = "bundle" if decision.runtime == fingerprint() else "runtime"
        raise _Differs(stage, str(error), _runtimes(decision)) from error
    except BundleError as error:
        raise _Differs("bundle", str(error)) from error
    if bundle.digest != decision.bundle:
        difference = Difference("digest", decision.bundle, bundle.digest)
        raise _Differs("bundle", "Another bundle lies under the digest of the one that decided.", [difference])
    if archive.ledger is not None:
        _check_approval(archive, decision)
    return bundle


def _check_approval(archive: Archive, decision: Decision) -> None:
    stored = decision.approval
    known = archive.approvals.get(stored.entry)
    if known != (decision.bundle, stored.hash, stored.approver):
        difference = Difference("approval", msgspec.to_builtins(stored), known)
        raise _Differs("bundle", "The ledger does not hold the approval that the decision names.", [difference])


def _record(bundle: Bundle, decision: Decision, raw: bytes) -> Record:
    spine = bundle.plan.definition.spine
    try:
        # How late a record was, was asked when it took its place in the log or history, not when it was decided.
        record = parse(spine, raw, now=decision.at, is_known=decision.event is not None)
    except RowRefused as error:
        raise _Differs("record", f"The bundle's own contract refuses the raw request: {error}") from error
    if (record.stream, record.id) != (decision.stream, decision.record_id):
        difference = Difference("record_id", decision.record_id, record.id)
        raise _Differs("record", "The raw request is about another record.", [difference])
    return record


def _was_away(archive: Archive, entry: Entry, decision: Decision) -> bool:
    """Say whether a fallback's fault is that the Redis of the state was away; the log's chain proves the fault too."""
    fault = archive.log.find("fault", entry.namespace, entry.id) if decision.fallback else None
    return fault is not None and fault.position <= archive.proof.until and decode_fault(fault.body).error in AWAY


def _compare_event(case: Case, vector: Vector) -> None:
    arrived = arrival_field(case.bundle.plan.definition.spine)
    if case.decision.event is not None and not _is_the_same(vector.event, case.record, arrived):
        difference = Difference("event", case.decision.event, None if vector.event is None else vector.event.id)
        raise _Differs("record", "What stands at the event's position is not what was asked about.", [difference])


def _compare_features(case: Case, vector: Vector) -> None:
    stored, found = case.decision.features, vector.values
    if stored is None and (found is None or case.was_away):
        return
    if stored is None or found is None:
        state = ("could not be computed", "can be computed")
        then, now = state if stored is None else state[::-1]
        raise _Differs("features", f"The features {then} when it was decided, and {now} now.")
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
        raise _Differs("features", f"{len(differing)} of {len(names)} features differ: {listed}.", differing)


def _compare_score(case: Case) -> Scored:
    decision, scored = case.decision, _scored(case)
    found = {"raw_bits": bits(scored.raw), "score_bits": bits(scored.score)}
    difference = {"raw_bits": decision.raw_bits, "score_bits": decision.score_bits}
    differing = [Difference(name, difference[name], found[name]) for name in found if difference[name] != found[name]]
    if not differing and (decision.raw_score, decision.score) != (scored.raw, scored.score):
        differing = [Difference("score", decision.score, scored.score)]
    if differing and decision.runtime != fingerprint():
        sentence = "The score has other bits here, where onnxruntime or the processor is another one."
        raise _Differs("runtime", sentence, [*differing, *_runtimes(decision)])
    if differing:
        raise _Differs("score", "The model gives another score for the same features.", differing)
    return scored


def _compare_reasons(decision: Decision, scored: Scored) -> None:
    found = tuple(Reason(reason.name, reason.contribution, bits(reason.contribution)) for reason in scored.reasons)
    if found != decision.reasons:
        plain: list[Any] = [msgspec.to_builtins(reasons) for reasons in (decision.reasons, found)]
        raise _Differs("reasons", "The reasons are others.", [Difference("reasons", *plain)])


def _compare_action(case: Case, scored: Scored) -> None:
    decision = case.decision
    threshold = None if isnan(scored.verdict.threshold) else scored.verdict.threshold
    now = {
        "policy": msgspec.to_builtins(case.bundle.policy), "threshold": threshold, "action": scored.verdict.action,
    }  # fmt: skip
    then = {"policy": decision.policy, "threshold": decision.threshold, "action": decision.action}
    differing = [Difference(name, then[name], now[name]) for name in now if then[name] != now[name]]
    if differing:
        listed = " and ".join(difference.what for difference in differing)
        raise _Differs("policy", f"The policy gives another {listed} for the same score.", differing)


def _compare_fallback(case: Case) -> None:
    """Hold a fallback to its rule, and to its cause: what failed then fails again."""
    if case.decision.action != "refer":
        difference = Difference("action", case.decision.action, "refer")
        raise _Differs("policy", "The written fallback is to refer.", [difference])
    if case.decision.features is None:
        return
    try:
        scored = _scored(case)
    except Exception:  # noqa: BLE001 - whatever the model fails with, it failed then too
        return
    difference = Difference("score", None, scored.score)
    raise _Differs("score", "The model failed when it was decided, and gives a score now.", [difference])


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


def _runtimes(decision: Decision) -> list[Difference]:
    then, now = msgspec.to_builtins(decision.runtime), msgspec.to_builtins(fingerprint())
    return [Difference(name, then[name], now[name]) for name in then if then[name] != now[name]]


def _verdict(entry: Entry, decision: Decision | None, found: _Differs | None) -> Verdict:
    return Verdict(
        decision=entry.id,
        position=entry.position,
        at=None if decision is None else decision.at,
        bundle=None if decision is None else decision.bundle,
        action=None if decision is None else decision.action,
        stage=None if found is None else found.stage,
        reason="" if found is None else found.reason,
        differences=() if found is None else found.differences,
    )
