"""Decisions of several models that decide in one process are made again, each by its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import pytest

import tallystick as ts
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.project import load
from tallystick.errors import NothingDecided
from tallystick.features.plan import Plan
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.release.open import Bundle
from tallystick.replay.archive import Archive
from tallystick.replay.compare import compare
from tallystick.replay.period import replay_period
from tallystick.replay.single import replay
from tallystick.serving.requests import Request
from tallystick.serving.service import Service
from tallystick.serving.state import open_states
from tallystick.testing.world import NOW, World


@pytest.fixture
def counting(world: World) -> tuple[World, str]:
    """Return a world that speaks of a second model, which only counts, and the digest of its approved bundle."""
    sources = load(world.folder / "project.py").sources
    payments = ts.Stream(
        "payments", id="payment_id", time="paid_at",
        fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
    )  # fmt: skip

    class Few(ts.FeatureSet, spine=payments):
        amount = payments.amount
        n = payments.by("customer_id").count().over("3d")

    model = msgspec.structs.replace(world.model, name="counting", features=Few.definition)
    other = replace(world, model=model, plan=Plan(Few.definition, tuple(sources.values())))
    return other, other.release()


@contextmanager
def serving(world: World, *bundles: Bundle) -> Iterator[Service]:
    """Serve several bundles from a world's log."""
    with (
        SqliteLog.create_or_open(world.folder / "log.sqlite") as log,
        open_states(world.folder / "state", [bundle.plan for bundle in bundles]) as states,
    ):
        yield Service(bundles, log, states, SettableClock(NOW))


def test_each_model_makes_its_own_again(world: World, counting: tuple[World, str]) -> None:
    """One key is a decision of each model, and a period holds those of one."""
    other, digest = counting
    requests = [Request(raw) for raw in world.payments(20, skip=300)]
    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        service.decide(requests, model="card-fraud")
        decided = service.decide(requests, model="counting")

    with open_log(world.folder / "log.sqlite") as log:
        archive = Archive(log, world.bundles, tuple(world.trusted), world.ledger)
        report = replay_period(archive, "counting")
        alone = [replay(archive, "counting", verdict.decision) for verdict in report.verdicts]

    assert report.n_identical == report.n_decisions == len(decided)
    assert {(verdict.model, verdict.bundle) for verdict in report.verdicts} == {("counting", digest)}
    assert alone == list(report.verdicts)


def test_a_record_that_another_models_state_refused(world: World, counting: tuple[World, str]) -> None:
    """What fell back since another model's state could not hold the record falls back again."""
    other, digest = counting
    fields = {"paid_at": "2026-02-14T12:00:00Z", "customer_id": "C00001", "terminal_id": "T00001", "amount": "4e16"}
    huge = [Request(msgspec.json.encode(fields | {"payment_id": f"h{place}"})) for place in range(2)]
    with serving(world, world.open_bundle(), other.open_bundle(digest)) as service:
        service.decide(huge, model="counting")

    with open_log(world.folder / "log.sqlite") as log:
        archive = Archive(log, world.bundles, tuple(world.trusted), world.ledger)
        verdicts = [replay(archive, "counting", name) for name in ("h0", "h1")]
        of_period = replay_period(archive, "counting").verdicts

    assert [verdict.reason for verdict in verdicts] == ["", ""]
    assert list(of_period) == verdicts
    assert verdicts[1].action == "refer"


def test_a_challenger_is_compared_on_its_own_models_decisions(archive: Archive, counting: tuple[World, str]) -> None:
    """What another model decided about the same payments is no champion of this one."""
    other, digest = counting

    with pytest.raises(NothingDecided):
        compare(archive, other.open_bundle(digest), other.model.label, at=NOW + 90 * DAY_US)
