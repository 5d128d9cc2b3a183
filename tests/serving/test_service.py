"""The service keeps its word: once, durable, never silent, and never ahead of its log."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tallystick.definitions.clock import SettableClock
from tallystick.errors import NotApproved, StreamUnknown
from tallystick.features.batch.executor import compute
from tallystick.governance.approvals import refuse
from tallystick.journal.records import records
from tallystick.log.entry import Draft, Entry
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.release.open import open_bundle
from tallystick.serving.requests import Answer, Decided, Recorded, Refused, Request
from tallystick.serving.service import Service
from tallystick.serving.state import open_state
from tallystick.testing.world import NOW, World

from .served_state import state_of

DAY = 86_400_000_000


def payment(name: str, **changes: Any) -> bytes:
    """Return a request about a payment of the world's last day."""
    fields = {
        "payment_id": name, "paid_at": "2026-02-14T12:00:00Z", "customer_id": "C00001", "terminal_id": "T00001",
        "amount": "12.30",
    }  # fmt: skip
    return msgspec.json.encode(fields | changes)


def decided(answer: Answer) -> Decided:
    """Return an answer that must be a decision."""
    assert isinstance(answer, Decided), answer
    return answer


def refused(answer: Answer) -> Refused:
    """Return an answer that must be a refusal."""
    assert isinstance(answer, Refused), answer
    return answer


def entries(world: World, *kinds: str) -> list[Entry]:
    """Return what the log holds after the history, but for what says which bundle decides."""
    with open_log(world.folder / "log.sqlite") as log:
        return [entry for entry in log.read(kinds=kinds or None) if entry.kind != "activation"]


def test_an_event_is_logged_before_its_decision(service: Service, world: World) -> None:
    """A decision's features see the log up to its own event, which holds the request byte for byte."""
    raw = payment("p1")

    answer = decided(service.decide([Request(raw)])[0])

    event, decision = entries(world)
    assert (event.kind, event.body, decision.kind) == ("event", raw, "decision")
    assert answer.decision.event == answer.decision.as_of == event.position == answer.position - 1
    assert answer.decision.raw is None
    assert not answer.decision.fallback


def test_features_are_those_of_a_batch_over_the_log(service: Service, world: World) -> None:
    """Vectors served online are the batch's, bit for bit, reports in between included."""
    service.decide([Request(raw) for raw in world.payments(100)])
    service.record("chargebacks", [Request(raw) for raw in world.chargebacks(60)])
    answers = [decided(a) for a in service.decide([Request(raw) for raw in world.payments(150, skip=100)])]

    with open_log(world.folder / "log.sqlite") as log:
        matrix = compute(world.plan, records(log, world.plan))

    tail = matrix.values[-150:].tolist()
    served = [[float("nan") if v is None else v for v in answer.decision.features or ()] for answer in answers]
    assert repr(served) == repr(tail)


def test_a_retry_gets_the_first_answer(service: Service, world: World) -> None:
    """The same key with the same body is answered from the log, in one group and across groups."""
    first, second = service.decide([Request(payment("p1")), Request(payment("p1"))])
    third = service.decide([Request(payment("p1"))])[0]

    assert decided(first).decision == decided(second).decision == decided(third).decision
    assert [decided(a).is_repeated for a in (first, second, third)] == [False, True, True]
    assert len(entries(world)) == 2


def test_a_key_with_another_body_is_a_conflict(service: Service, world: World) -> None:
    """One idempotency key names one request, byte for byte."""
    service.decide([Request(payment("p1"), key="k")])

    later = service.decide([Request(payment("p2"), key="k"), Request(payment("p1", amount="12.31"))])

    assert [refused(answer).error for answer in later] == ["conflict", "conflict"]
    assert len(entries(world)) == 2


def test_a_known_event_is_decided_as_of_now(service: Service, world: World) -> None:
    """A record that came earlier, logged or in the history, is not appended again; what came since counts."""
    past = world.network.payments.slice(2_000, 1).to_pylist()[0]
    service.record("payments", [Request(payment("p1"))])
    service.decide([Request(payment("p2"))])

    logged, historic = (
        decided(a) for a in service.decide([Request(payment("p1")), Request(msgspec.json.encode(past))])
    )

    assert logged.decision.event == world.dataset.last_position + 2
    assert logged.decision.as_of == logged.position - 1 > logged.decision.event
    assert historic.decision.event is not None
    assert historic.decision.event <= world.dataset.last_position
    assert historic.decision.raw == msgspec.json.encode(past)
    assert [e.id for e in entries(world, "event")] == ["p1", "p2"]


def test_another_content_under_a_known_id_is_a_conflict(service: Service, world: World) -> None:
    """An id stays with the content it came with first, in the log and in the history."""
    past = world.network.payments.slice(2_000, 1).to_pylist()[0]
    service.record("payments", [Request(payment("p1"))])

    answers = service.decide(
        [
            Request(payment("p1", amount="99.00"), key="other"),
            Request(msgspec.json.encode(past | {"amount": "0.01"})),
            Request(payment("p1", amount=12.3), key="same content"),
        ]
    )

    assert [type(a).__name__ for a in answers] == ["Refused", "Refused", "Decided"]
    assert decided(answers[2]).decision.raw == payment("p1", amount=12.3)


def test_all_wrong_fields_are_named_at_once(service: Service, world: World) -> None:
    """A request that breaks its contract names every field, changes nothing, and the rest of its group goes on."""
    wrong = payment("p1", amount="-1", paid_at="2026-02-16T00:00:00Z", colour="red")
    lacking = b'{"payment_id": "p2"}'

    answers = service.decide([Request(wrong), Request(lacking), Request(b"[1]"), Request(payment("p3"))])

    assert set(refused(answers[0]).fields) == {"amount", "paid_at", "colour"}
    assert set(refused(answers[1]).fields) == {"paid_at", "customer_id", "terminal_id", "amount"}
    assert refused(answers[2]).error == "malformed"
    assert decided(answers[3]).logged.key == "p3"
    assert [e.id for e in entries(world)] == ["p3", "p3"]
    assert service.described()["refused"] == {"invalid": 2, "malformed": 1}


def test_a_record_the_state_cannot_hold_is_referred(service: Service, world: World) -> None:
    """Where totals would overflow, the written fallback decides, the log says why, and the event is not counted."""
    huge = [Request(payment(f"h{i}", amount="40000000000000000.00")) for i in range(3)]

    answers = [decided(a).decision for a in service.decide([*huge, Request(payment("after"))])]

    assert [(d.action, d.fallback, d.event is None) for d in answers[1:3]] == [("refer", True, True)] * 2
    assert answers[1].raw == huge[1].raw
    assert [e.id for e in entries(world, "event")] == ["h0", "after"]
    assert [msgspec.json.decode(e.body)["error"] for e in entries(world, "fault")] == ["FeatureOverflow"] * 2
    assert decided(service.decide([huge[1]])[0]).is_repeated


def test_a_model_that_fails_refers(world: World, clock: SettableClock) -> None:
    """A model that breaks on one record costs that record its score, not its decision, and no other record anything."""
    with world.service(clock=clock) as service:
        scorer = service.deciders["card-fraud"].bundle.scorer
        # A model file of another world: it asks for two features more than the plan has.
        broken = replace(scorer.session, names=(*scorer.names, "one", "two"))
        object.__setattr__(scorer, "session", broken)
        answer = decided(service.decide([Request(payment("p1"))])[0])

    assert (answer.decision.action, answer.decision.fallback, answer.decision.score) == ("refer", True, None)
    assert answer.decision.features is not None
    assert msgspec.json.decode(entries(world, "fault")[0].body)["stage"] == "model"


def test_outcomes_are_recorded_once(service: Service, world: World) -> None:
    """A report is an outcome, known by its id; sent again it is known, with another content it is a conflict."""
    report = {"report_id": "r1", "reported_at": "2026-02-14T13:00:00Z", "payment_id": "p1"}
    raw = msgspec.json.encode(report)

    first, repeated, other = service.record(
        "chargebacks", [Request(raw), Request(raw), Request(msgspec.json.encode(report | {"payment_id": "p2"}))]
    )

    assert isinstance(first, Recorded)
    assert isinstance(repeated, Recorded)
    assert (first.is_repeated, repeated.is_repeated, repeated.position) == (False, True, first.position)
    assert refused(other).error == "conflict"
    assert [(e.kind, e.namespace) for e in entries(world)] == [("outcome", "chargebacks")]


def test_a_record_is_known_whatever_its_kind_was(service: Service, world: World) -> None:
    """A stream whose records were outcomes to an earlier bundle, and are events to this one, has each of them once."""
    report = Request(world.chargebacks(1)[0])
    first = service.record("chargebacks", [report])[0]
    service.kinds["chargebacks"] = "event"

    repeated = service.record("chargebacks", [report])[0]

    assert isinstance(first, Recorded)
    assert repeated == replace(first, is_repeated=True)


def test_a_stream_that_nothing_reads_is_a_sentence(service: Service) -> None:
    """Only streams that the bundle reads can be recorded, and the nearest name is offered."""
    with pytest.raises(StreamUnknown, match="Did you mean 'chargebacks'"):
        service.record("chargeback", [Request(b"{}")])


def test_nothing_is_acknowledged_when_the_log_fails(service: Service, world: World) -> None:
    """A log that cannot be written makes every answer 'unavailable', leaves no trace, and the retry is decided."""
    before = state_of(service).dump()
    blocker = sqlite3.connect(world.folder / "log.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert isinstance(service._log, SqliteLog)
    service._log._writing.execute("PRAGMA busy_timeout = 1")

    during = service.decide([Request(payment("p1"))])

    blocker.execute("ROLLBACK")
    assert refused(during[0]).error == "unavailable"
    assert state_of(service).dump() == before
    assert entries(world) == []
    assert not decided(service.decide([Request(payment("p1"))])[0]).is_repeated


def test_the_state_follows_a_log_that_ran_ahead(world: World, clock: SettableClock) -> None:
    """What was committed to the log but not to the state is appended at the next start."""
    with world.service(clock=clock) as service:
        service.decide([Request(raw) for raw in world.payments(20)])
        ahead = [Draft("event", "payments", "late", NOW, payment("late")), Draft("decision", "payments", "x", NOW, b"")]
        service._log.append(ahead)

    with world.service(clock=clock) as service:
        stood, position = state_of(service).dump(), state_of(service).position
        head = service._log.head.position

    assert position == head
    assert stood == rebuilt(world)


def test_state_equals_a_rebuild(service: Service, world: World) -> None:
    """Whatever was decided, recorded and refused, the state is what the log alone gives."""
    service.decide([Request(raw) for raw in world.payments(200)])
    service.record("chargebacks", [Request(raw) for raw in world.chargebacks(100)])
    service.decide([Request(raw) for raw in world.payments(100, skip=150)])

    assert state_of(service).dump() == rebuilt(world)


def rebuilt(world: World) -> str:
    """Return the digest of a state made of history and log alone."""
    online = open_state(world.folder / "rebuilt", world.plan)
    with open_log(world.folder / "log.sqlite") as log:
        online.rebuild(records(log, world.plan))
        with online.transaction() as state:
            state.commit(log.head.position)
    digest = online.dump()
    online.close()
    return digest


def test_only_an_approved_bundle_serves(world: World, clock: SettableClock) -> None:
    """A bundle opened without asking for approvals, or whose approval fell, does not decide."""
    bundle = open_bundle(world.bundles / world.bundle, trusted_keys=world.trusted)
    online = open_state(world.folder / "state", world.plan)

    with SqliteLog.create_or_open(world.folder / "log.sqlite") as log, pytest.raises(NotApproved):
        Service([bundle], log, {world.plan.state_digest: online}, clock)

    online.close()


def test_an_approval_of_another_bundle_does_not_count(world: World, clock: SettableClock) -> None:
    """An approval is for one digest."""
    bundle = replace(world.open_bundle(), digest="0" * 64)
    online = open_state(world.folder / "state", world.plan)

    with SqliteLog.create_or_open(world.folder / "log.sqlite") as log, pytest.raises(NotApproved):
        Service([bundle], log, {world.plan.state_digest: online}, clock)

    online.close()


def test_a_refused_bundle_does_not_start(world: World) -> None:
    """An approval that was withdrawn is none."""
    refuse(world.ledger, world.bundle, reason="it drifts", signer=world.keys.load("vera"), at=NOW)

    with pytest.raises(Exception, match="approv"), world.service():
        pass


def test_the_head_is_signed_at_start_at_stop_and_between(world: World, clock: SettableClock) -> None:
    """The ledger learns how far the log had come, at least every so many entries."""
    with world.service(clock=clock, sign_every=30) as service:
        for raw in world.payments(40):
            service.decide([Request(raw)])

    positions = [entry.facts["position"] for entry in world.ledger.verified_entries("log_head")]
    begin = world.dataset.last_position
    assert positions == [begin + 1, begin + 31, begin + 61, begin + 81]
    assert world.ledger.verify().n_checkpoints == len(positions)


def test_a_log_that_was_cut_does_not_start(world: World, clock: SettableClock) -> None:
    """Against the head in the ledger, a log that lost its tail is refused before anything is decided."""
    with world.service(clock=clock) as service:
        service.decide([Request(raw) for raw in world.payments(5)])
    cut(world, world.dataset.last_position + 7)

    with pytest.raises(Exception, match="cut"), world.service(clock=clock):
        pass


def cut(world: World, after: int) -> None:
    """Delete the log's entries after a position, as somebody with the file in hands can."""
    log = sqlite3.connect(world.folder / "log.sqlite")
    log.execute("DROP TRIGGER entries_stay")
    log.execute("DELETE FROM entries WHERE position > ?", (after,))
    log.commit()
    log.close()


def test_a_group_shares_one_commit(service: Service) -> None:
    """Records and decisions of many callers are written together, in the order they came."""
    answers: Sequence[Answer] = service.decide([Request(payment(f"p{i}")) for i in range(10)])

    positions = [decided(answer).position for answer in answers]
    assert positions == list(range(positions[0], positions[0] + 20, 2))


def test_a_retry_gets_its_answer_though_the_clock_went_back(
    service: Service, world: World, clock: SettableClock
) -> None:
    """What was answered stays answered while its own instant lies ahead of the clock; what is new is refused."""
    first, second = world.payments(2)
    (report,) = world.chargebacks(1)
    (decided,), (noted,) = service.decide([Request(first)]), service.record("chargebacks", [Request(report)])
    clock.at -= 60 * DAY

    repeated, new, other = service.decide([Request(first), Request(second), Request(first, key="another")])
    (repeated_report,) = service.record("chargebacks", [Request(report)])

    assert isinstance(decided, Decided)
    assert repeated == replace(decided, is_repeated=True)
    assert isinstance(noted, Recorded)
    assert repeated_report == replace(noted, is_repeated=True)
    assert [answer.error for answer in (new, other) if isinstance(answer, Refused)] == ["invalid", "invalid"]
