"""The columns that monitoring looks at are what the log and the history say."""

from pathlib import Path

import numpy as np
import pytest

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.fields import Field, Flag, Key, Time
from tallystick.definitions.models import LabelDefinition
from tallystick.definitions.streams import StreamDefinition
from tallystick.journal.records import records
from tallystick.log.opening import open_log
from tallystick.monitoring import from_log
from tallystick.monitoring.outcomes import Action
from tallystick.serving.requests import Decided, Request
from tallystick.settings import MonitoringSettings
from tallystick.testing.world import NOW, World, build


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def answers(world: World) -> list[Decided]:
    with world.service() as service:
        made = service.decide([Request(raw) for raw in world.payments(60)])
        service.record("chargebacks", [Request(raw) for raw in world.chargebacks(5)])
    return [answer for answer in made if isinstance(answer, Decided)]


def test_decisions_become_columns(world: World, answers: list[Decided]) -> None:
    """Every decision of the bundle is one row, with its own action, score, instant and cost."""
    with open_log(world.folder / "log.sqlite") as log:
        dataset = records(log, world.plan)
        found = from_log.decided(
            log, dataset, world.model.policy, model="card-fraud", stream="payments", bundle=world.bundle
        )

    spine = dataset.records["payments"]
    rows = np.searchsorted(spine.position, [answer.decision.event or 0 for answer in answers])
    assert found.ids.tolist() == [answer.decision.record_id for answer in answers]
    assert found.score.tolist() == [answer.decision.score for answer in answers]
    assert [Action(code).name.lower() for code in found.action] == [answer.decision.action for answer in answers]
    assert found.missed_cost.tolist() == (spine.values["amount"].values[rows] / 100).tolist()


def test_an_event_asked_about_twice_is_counted_once(tmp_path: Path) -> None:
    """A second decision about an event, under another key, adds no row."""
    world = build(tmp_path / "world")
    first, second = world.payments(2)
    with world.service() as service:
        service.decide([Request(first), Request(second), Request(first, key="again"), Request(first, key="and again")])

    with open_log(world.folder / "log.sqlite") as log:
        dataset = records(log, world.plan)
        found = from_log.decided(
            log, dataset, world.model.policy, model="card-fraud", stream="payments", bundle=world.bundle
        )

    assert len(found.ids) == len(set(found.ids.tolist())) == 2


def test_another_bundle_decided_nothing(world: World, answers: list[Decided]) -> None:
    """Decisions of one bundle are not counted for another."""
    with open_log(world.folder / "log.sqlite") as log:
        dataset = records(log, world.plan)
        found = from_log.decided(
            log, dataset, world.model.policy, model="card-fraud", stream="payments", bundle="0" * 64
        )

    assert len(found.ids) == 0


def test_reports_are_those_of_history_and_log(world: World, answers: list[Decided]) -> None:
    """Reports from before the first decision and after it stand in one column, in order of arrival."""
    with open_log(world.folder / "log.sqlite") as log:
        dataset = records(log, world.plan)
        found = from_log.reported(dataset, world.model.label)

    assert len(found.ids) == len(world.dataset.records["chargebacks"]) + 5
    assert found.is_bad.all()


def test_declined_events_have_no_label(world: World, answers: list[Decided]) -> None:
    """The declined events are those whose decision says so, no others."""
    with open_log(world.folder / "log.sqlite") as log:
        found = from_log.declined(log)

    assert found.tolist() == [a.decision.event for a in answers if a.decision.action == "decline"]


def test_a_report_is_made_from_log_and_bundle(world: World, answers: list[Decided], tmp_path: Path) -> None:
    """The report counts the decisions and prints a reference that so few bad ones allow to claim."""
    settings = from_log.settings(world.model, MonitoringSettings())
    with open_log(world.folder / "log.sqlite") as log:
        dataset = records(log, world.plan)
        report = from_log.watch(
            log, dataset, world.open_bundle(), world.model.label, as_of=NOW + 40 * 86_400_000_000, settings=settings
        )

    assert report.n_decided == len(answers)
    assert report.alarm.reference_rate > 0
    assert report.currency == "EUR"


def test_a_report_that_names_nobody_is_nobodys() -> None:
    """A report without a payment, or without a word about it, is left out; the others keep their payment."""
    fields: dict[str, Field] = {"r": Key(), "at": Time(), "payment_id": Key(optional=True), "bad": Flag(optional=True)}
    source = StreamDefinition("reports", "r", "at", fields)
    stated = [("p1", 1), (None, 1), ("p2", 0), ("p3", None), (None, 0)]
    noted = [
        (position, Record("reports", f"r{position}", position, {"payment_id": name}, {"bad": bad}))
        for position, (name, bad) in enumerate(stated, start=1)
    ]
    label = LabelDefinition(Flagged("payments", "reports", "payment_id", None, "bad"), 0)

    found = from_log.reported(Dataset({"reports": from_parsed(source, noted)}, "", 5), label)

    assert (found.ids.tolist(), found.known_at.tolist(), found.is_bad.tolist()) == (["p1", "p2"], [1, 3], [True, False])


def test_a_reports_own_id_may_name_the_payment() -> None:
    """Where a report is filed under the payment's id, that id is whom it is about."""
    source = StreamDefinition("reports", "payment_id", "at", {"payment_id": Key(), "at": Time()})
    noted = from_parsed(source, [(1, Record("reports", "p7", 3, {}, {}))])

    found = from_log.reported(
        Dataset({"reports": noted}, "", 1), LabelDefinition(Flagged("p", "reports", "payment_id"), 0)
    )

    assert found.ids.tolist() == ["p7"]
