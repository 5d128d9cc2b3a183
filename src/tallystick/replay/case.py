"""A decision reopened: what the log says of it, and everything it is made again from, each held against its digest."""

import re
from dataclasses import dataclass

import msgspec

from tallystick.data.contract import parse
from tallystick.data.records import Record
from tallystick.definitions.digest import digest_bytes
from tallystick.errors import BundleError, RowRefused, SelfTestFailed
from tallystick.journal import activation
from tallystick.journal.bodies import STATE_AWAY, Activation, Fault, decode_body
from tallystick.journal.decision import Decision, decode
from tallystick.log.entry import RECORDS, Entry
from tallystick.release.open import Bundle
from tallystick.replay.archive import Archive
from tallystick.replay.verdict import Difference, Differs, Stage, Verdict, verdict
from tallystick.scoring.runtime import Runtime
from tallystick.scoring.session import fingerprint


@dataclass(frozen=True, slots=True)
class Case:
    """A decision with everything it is made again from.

    Parameters
    ----------
    entry, decision : what was stored; the entry has the model, the key and the server's time
    activation : since when its bundle decided, allowed by which approval, run by which runtime
    bundle : what decided, opened by its digest
    raw : the request as received
    record : the same, screened again by the bundle's own contract
    was_away : the log says that the state could not be asked then, which no record tells again
    """

    entry: Entry
    decision: Decision
    activation: Activation
    bundle: Bundle
    raw: bytes
    record: Record
    was_away: bool = False


def reopen(archive: Archive, entry: Entry) -> Case | Verdict:
    """Read a decision and open what it was made from, or say which of that is not what it was.

    Parameters
    ----------
    archive : what was kept
    entry : the decision's
    """
    decision = None
    try:
        decision = _proven(archive, entry)
        raw = _raw(archive, entry, decision)
        started = _activation(archive, entry, decision)
        bundle = _bundle(archive, decision, started)
        record = _record(bundle, entry, decision, raw)
        return Case(entry, decision, started, bundle, raw, record, _was_away(archive, entry, decision))
    except Differs as found:
        return verdict(entry, decision, found)


def changed_runtimes(then: Runtime) -> list[Difference]:
    """Return what is another onnxruntime or processor here than when it was decided."""
    stored, found = msgspec.to_builtins(then), msgspec.to_builtins(fingerprint())
    return [Difference(name, stored[name], found[name]) for name in stored if stored[name] != found[name]]


def _proven(archive: Archive, entry: Entry) -> Decision:
    proof = archive.proof(entry.position)
    if entry.position > proof.until:
        raise Differs("record", proof.damage)
    try:
        decision = decode(entry.body)
    except msgspec.DecodeError as error:
        raise Differs("record", f"The entry is no decision that can be read: {error}.") from error
    # What the features saw was there before the decision was, and so was what allowed the bundle to decide.
    if not ((decision.event or 0) <= decision.as_of < entry.position and decision.activation < entry.position):
        places = f"event {decision.event}, as of {decision.as_of}, activation {decision.activation}"
        raise Differs("record", f"The entry's positions have no order: {places}, decided at {entry.position}.")
    return decision


def _raw(archive: Archive, entry: Entry, decision: Decision) -> bytes:
    raw = decision.raw
    if decision.event is not None and decision.event > archive.origin:
        event = archive.log.entry(decision.event)
        if event is None or event.kind not in RECORDS or event.id != decision.record_id:
            raise Differs("record", f"Position {decision.event} does not hold the record that was decided about.")
        raw = event.body if raw is None else raw
    if raw is None or digest_bytes(raw) != decision.raw_sha256:
        found = None if raw is None else digest_bytes(raw)
        difference = Difference("raw_sha256", decision.raw_sha256, found)
        sentence = f"The raw request of entry {entry.position} is not the one that was digested."
        raise Differs("record", sentence, [difference])
    return raw


def _activation(archive: Archive, entry: Entry, decision: Decision) -> Activation:
    found = activation.named(archive.log, entry.namespace, decision.activation)
    if found is None:
        sentence = f"Position {decision.activation} does not say since when a bundle decides for {entry.namespace!r}."
        raise Differs("bundle", sentence)
    started = found[1]
    if started.bundle != decision.bundle:
        difference = Difference("bundle", decision.bundle, started.bundle)
        raise Differs("bundle", "Another bundle was activated than the one that decided.", [difference])
    return started


def _bundle(archive: Archive, decision: Decision, started: Activation) -> Bundle:
    if not re.fullmatch("[0-9a-f]{64}", decision.bundle):
        raise Differs("bundle", f"{decision.bundle!r} is no digest of a bundle.")
    try:
        bundle = archive.bundle(decision.bundle)
    except SelfTestFailed as error:
        stage: Stage = "bundle" if started.runtime == fingerprint() else "runtime"
        raise Differs(stage, str(error), changed_runtimes(started.runtime)) from error
    except BundleError as error:
        raise Differs("bundle", str(error)) from error
    if bundle.digest != decision.bundle:
        difference = Difference("digest", decision.bundle, bundle.digest)
        raise Differs("bundle", "Another bundle lies under the digest of the one that decided.", [difference])
    if archive.ledger is not None and archive.approved(started.approval) != decision.bundle:
        stored = msgspec.to_builtins(started.approval)
        difference = Difference("approval", stored, archive.approved(started.approval))
        raise Differs("bundle", "The ledger does not hold the approval that the decision names.", [difference])
    return bundle


def _record(bundle: Bundle, entry: Entry, decision: Decision, raw: bytes) -> Record:
    spine = bundle.plan.definition.spine
    try:
        # How late a record was, was asked when it took its place in the log or history, not when it was decided.
        record = parse(spine, raw, now=entry.at, is_known=decision.event is not None)
    except RowRefused as error:
        raise Differs("record", f"The bundle's own contract refuses the raw request: {error}") from error
    if record.id != decision.record_id:
        difference = Difference("record_id", decision.record_id, record.id)
        raise Differs("record", "The raw request is about another record.", [difference])
    return record


def _was_away(archive: Archive, entry: Entry, decision: Decision) -> bool:
    """Say whether a fallback's fault is that the Redis of the state was away; the log's chain proves the fault too."""
    fault = archive.log.find("fault", entry.namespace, entry.id) if decision.fallback else None
    if fault is None or fault.position > archive.proof(fault.position).until:
        return False
    try:
        return decode_body(fault.body, Fault).error in STATE_AWAY
    except msgspec.DecodeError as error:
        raise Differs("record", f"The fault of the decision cannot be read: {error}.") from error
