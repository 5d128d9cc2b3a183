"""Several models decide in one process from one log: an event enters once, and each model's word is its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import numpy as np
import pyarrow as pa
import pytest

import tallystick as ts
from tallystick.data.records import EncodedKeys
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.fields import optional
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.project import load
from tallystick.errors import ModelNotServed, ModelServedTwice
from tallystick.features.plan import Plan
from tallystick.journal.records import records
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.release.open import Bundle
from tallystick.serving.requests import Answer, Decided, Recorded, Refused, Request
from tallystick.serving.service import Service
from tallystick.serving.state import open_state, open_states
from tallystick.testing.world import NOW, World


def second(world: World, *, same_state: bool) -> tuple[World, str]:
    """Release and approve a second model over the same stream, and return a world that speaks of it."""
    sources = load(world.folder / "project.py").sources
    payments = ts.Stream(
        "payments", id="payment_id", time="paid_at",
        fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
    )  # fmt: skip
    customer = payments.by("customer_id")

    class Few(ts.FeatureSet, spine=payments):
        amount = payments.amount
        n = customer.count().over("3d")

    features = world.model.features if same_state else Few.definition
    model = msgspec.structs.replace(world.model, name="second", features=features)
    other = replace(world, model=model, plan=Plan(features, tuple(sources.values())))
    return other, other.release()


@contextmanager
def serving(world: World, *bundles: Bundle) -> Iterator[Service]:
    """Serve several bundles from a world's log."""
    with (
        SqliteLog.create_or_open(world.folder / "log.sqlite") as log,
        open_states(world.folder / "state", [bundle.plan for bundle in bundles]) as states,
    ):
        service = Service(bundles, log, states, SettableClock(NOW))
        yield service
        service.close()


def decided(answers: list[Answer]) -> list[Decided]:
    """Return answers that must be decisions."""
    found = [answer for answer in answers if isinstance(answer, Decided)]
    assert len(found) == len(answers), answers
    return found


@pytest.mark.parametrize("same_state", [True, False])
def test_an_event_enters_once_and_each_model_decides_about_it(world: World, same_state: bool) -> None:
    """Both models see the same event at one position, and what each serves is what a batch over the log gives."""
    other, digest = second(world, same_state=same_state)
    requests = [Request(raw) for raw in world.payments(40)]

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        first = decided(service.decide(requests, model="card-fraud", caller="checkout"))
        later = decided(service.decide(requests, model="second", caller="checkout"))

    with open_log(world.folder / "log.sqlite") as log:
        events = list(log.read(kinds=("event",)))
    assert [e.id for e in events] == [a.decision.record_id for a in first]
    assert [a.decision.event for a in first] == [a.decision.event for a in later] == [e.position for e in events]
    assert {a.logged.model for a in later} == {"second"}
    assert {a.decision.caller for a in later} == {"checkout"}
    assert not any(a.decision.fallback for a in [*first, *later])


def test_models_of_one_state_digest_share_a_state(world: World) -> None:
    """Two models with the same aggregates keep one state; with others, each keeps its own."""
    twin, alike = second(world, same_state=True)

    with serving(world, world.open_bundle(), twin.open_bundle(alike)) as service:
        shared = {decider.online.store for decider in service.deciders.values()}

    assert len(shared) == 1


def test_every_state_is_what_the_log_alone_gives(world: World) -> None:
    """Whichever model a record was sent to, each state holds what its own plan reads of the log."""
    other, digest = second(world, same_state=False)
    payments, reports = world.payments(60), world.chargebacks(20)

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        service.decide([Request(raw) for raw in payments[:30]], model="card-fraud")
        service.record("chargebacks", [Request(raw) for raw in reports])
        service.decide([Request(raw) for raw in payments[20:]], model="second")
        stood = {model: decider.online.dump() for model, decider in service.deciders.items()}

    for model, plan in (("card-fraud", world.plan), ("second", other.plan)):
        online = open_state(world.folder / f"rebuilt {model}", plan)
        with open_log(world.folder / "log.sqlite") as log:
            online.rebuild(records(log, plan))
            with online.transaction() as state:
                state.commit(log.head.position)
        assert online.dump() == stood[model]
        online.close()


def test_one_key_is_one_decision_of_each_model(world: World) -> None:
    """A key belongs to a model: the same key is another decision of another one, and a retry of the same."""
    other, digest = second(world, same_state=False)
    (raw,) = world.payments(1)

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        mine = decided(service.decide([Request(raw, key="k")], model="card-fraud"))[0]
        theirs = decided(service.decide([Request(raw, key="k")], model="second"))[0]
        retry = decided(service.decide([Request(raw, key="k")], model="card-fraud"))[0]
        found = service.decision("k", model="second")

    assert (mine.is_repeated, theirs.is_repeated, retry.is_repeated) == (False, False, True)
    assert (retry.position, mine.position == theirs.position) == (mine.position, False)
    assert found is not None
    assert found.decision == theirs.decision


def test_a_record_that_one_state_cannot_hold_enters_none(world: World) -> None:
    """A record enters every state that reads its stream or none, so that no state is ahead of the log."""
    other, digest = second(world, same_state=False)
    fields = {"paid_at": "2026-02-14T12:00:00Z", "customer_id": "C00001", "terminal_id": "T00001"}
    huge = [msgspec.json.encode(fields | {"payment_id": f"h{i}", "amount": "40000000000000000.00"}) for i in range(3)]

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        # Only the first model adds amounts up; the second one only counts.
        answers = service.decide([Request(raw) for raw in huge], model="second")
        stood = service.deciders["second"].online.dump()

    with open_log(world.folder / "log.sqlite") as log:
        events = [entry.id for entry in log.read(kinds=("event",))]
        online = open_state(world.folder / "rebuilt", other.plan)
        online.rebuild(records(log, other.plan))
        with online.transaction() as state:
            state.commit(log.head.position)
    assert events == ["h0"]
    assert [a.decision.fallback for a in decided(answers)] == [False, True, True]
    assert online.dump() == stood
    online.close()


def test_models_may_read_one_stream_by_different_contracts(world: World) -> None:
    """A record is taken by the contract of the model that is asked; another's version leaves out what it lacks."""
    sources = load(world.folder / "project.py").sources
    wider = ts.Stream(
        "payments", id="payment_id", time="paid_at",
        fields={
            "customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0),
            "channel": optional(ts.key),
        },
    )  # fmt: skip

    class Wider(ts.FeatureSet, spine=wider):
        amount = wider.amount
        n = wider.by("customer_id").count().over("3d")

    model: ModelDefinition = msgspec.structs.replace(world.model, name="wider", features=Wider.definition)
    plan = Plan(Wider.definition, (wider.definition, *(s for s in sources.values() if s.name != "payments")))
    past = world.dataset.records["payments"]
    no_channel = EncodedKeys(np.full(len(past), -1, np.int32), pa.array([], pa.string()))
    known = replace(past, source=wider.definition, keys=past.keys | {"channel": no_channel})
    dataset = replace(world.dataset, records=world.dataset.records | {"payments": known})
    other = replace(world, model=model, plan=plan, dataset=dataset)
    digest = other.release()
    record = msgspec.json.decode(world.payments(1)[0]) | {"channel": "web"}

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        (refused,) = service.decide([Request(msgspec.json.encode(record))], model="card-fraud")
        (taken,) = service.decide([Request(msgspec.json.encode(record))], model="wider")
        (second_time,) = service.decide([Request(msgspec.json.encode(record), key="again")], model="wider")
        stood = service.deciders["card-fraud"].online.position

    assert isinstance(refused, Refused)
    assert "channel" in refused.fields
    assert isinstance(taken, Decided)
    assert isinstance(second_time, Decided)
    assert second_time.decision.event == taken.decision.event
    assert stood == second_time.position


def test_where_several_are_served_one_is_named(world: World) -> None:
    """Nobody guesses which model was meant, and what is not served is told with what is."""
    other, digest = second(world, same_state=False)
    (raw,) = world.payments(1)

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        with pytest.raises(ModelNotServed, match="none was named"):
            service.decide([Request(raw)])
        with pytest.raises(ModelNotServed, match="Did you mean 'second'"):
            service.decide([Request(raw)], model="secnd")


def test_one_bundle_decides_for_a_model(world: World) -> None:
    """Two bundles of one model do not act side by side."""
    bundle = world.open_bundle()

    with pytest.raises(ModelServedTwice), serving(world, bundle, bundle):
        pass


def test_the_log_says_once_which_bundle_decides(world: World) -> None:
    """An activation is written when another bundle begins to decide, and not at every start."""
    better = world.release(weights={"amount": 0.5}, at=NOW + 1)
    for digest in (world.bundle, world.bundle, better, world.bundle):
        with world.service(bundle=digest) as service:
            answer = service.decide([Request(world.payments(1)[0])])[0]

    with open_log(world.folder / "log.sqlite") as log:
        written = [msgspec.json.decode(entry.body)["bundle"] for entry in log.read(kinds=("activation",))]
    assert written == [world.bundle, better, world.bundle]
    assert isinstance(answer, Decided)
    assert answer.decision.bundle == world.bundle


def test_outcomes_of_any_model_enter_once(world: World) -> None:
    """A report is taken once, whichever models read it."""
    other, digest = second(world, same_state=False)
    (report,) = world.chargebacks(1)

    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        first, repeated = service.record("chargebacks", [Request(report), Request(report)])

    assert isinstance(first, Recorded)
    assert isinstance(repeated, Recorded)
    assert (first.position, repeated.is_repeated) == (repeated.position, True)
