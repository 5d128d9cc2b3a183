"""The journey of a model whose features look at several streams, at what was known when, and at corrections."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick import lifecycle
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.features.online.executor import Online
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.table import FeatureTable
from tallystick.journal.catch_up import catch_up
from tallystick.journal.history import History
from tallystick.lifecycle import Project
from tallystick.log.entry import RECORDS
from tallystick.serving.requests import Answer, Decided, Recorded, Refused, Request
from tallystick.serving.state import open_state
from tallystick.testing import lender

LIVE_DAYS = 4


@dataclass(slots=True)
class Journey:
    """A lender's project, and every answer that was given, by stream and id."""

    folder: Path
    lender: lender.Lender
    clock: SettableClock
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    refused: Answer | None = None

    def open(self, actor: str = "ada") -> Project:
        """Open the project as somebody."""
        return lifecycle.open(self.folder, actor=actor, clock=self.clock)

    @property
    def decided(self) -> list[Decided]:
        """The decisions about applications."""
        return [answer for answer in self.answers.values() if isinstance(answer, Decided)]


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Train, release, approve, and serve four days in which every stream goes on."""
    made = Journey(tmp_path_factory.mktemp("lender") / "p", lender.simulate_lender(), SettableClock(lender.LIVE))
    lender.build_lender(made.folder, made.lender)
    project = made.open()
    project.train()
    bundle = project.release()
    project.enrol("vera", "validator")
    made.open("vera").approve(bundle.digest)
    coming = made.lender.since(lender.LIVE)
    for _, day in itertools.groupby(coming, key=lambda each: (each[0] - lender.LIVE) // DAY_US):
        # A server that starts every day: what it remembers is on disk.
        with made.open().service() as service:
            for at, stream, row in day:
                made.clock.at = at
                request = [Request(lender.request(row))]
                done = service.decide(request) if stream == "applications" else service.record(stream, request)
                made.answers[stream, next(iter(row.values()))] = done[0]
        if made.clock.at > lender.LIVE + LIVE_DAYS * DAY_US:
            break
    _wait(made)
    return made


def _wait(made: Journey) -> None:
    """Let an application become known, and ask for its decision long after."""
    first = made.lender.rows["applications"][0]
    waiting, new = (
        [Request(lender.request(first | {"application_id": name, "applied_at": made.clock.at}))]
        for name in ("waiting", "new")
    )
    with made.open().service() as service:
        made.answers["applications", "known"] = service.record("applications", waiting)[0]
        made.clock.at += 31 * DAY_US
        made.answers["applications", "waiting"] = service.decide(waiting)[0]
        made.refused = service.decide(new)[0]


def test_history_has_late_payments(journey: Journey) -> None:
    """History is in the order in which payments arrived, with some behind what happened after them."""
    records = journey.open().read().dataset.records["payments"]

    assert (np.diff(records.values["received_at"].values) >= 0).all()
    assert (np.diff(records.time) < 0).any()


def test_every_record_is_taken(journey: Journey) -> None:
    """Applications are decided; payments, refunds, defaults and profiles become known."""
    streams = {stream for stream, _ in journey.answers}

    assert streams == {"applications", "payments", "refunds", "defaults", "profiles"}
    assert len(journey.decided) > 30
    assert not any(answer.decision.fallback for answer in journey.decided)
    assert not any(isinstance(answer, Refused) for answer in journey.answers.values())


def test_kinds_follow_use(journey: Journey) -> None:
    """Records are in the log what their definition says: events, or outcomes such as corrections and reports."""
    with journey.open().archive() as archive:
        kinds = {entry.namespace: entry.kind for entry in archive.log.read(kinds=RECORDS)}

    events, outcomes = {"applications", "payments", "profiles"}, {"refunds", "defaults"}
    assert kinds == dict.fromkeys(events, "event") | dict.fromkeys(outcomes, "outcome")


def test_every_decision_is_made_again(journey: Journey) -> None:
    """Replay gives every decision, one by one and together, bit for bit."""
    project = journey.open()

    report = project.replay_period()
    one = project.replay(journey.decided[-1].logged.key)

    assert report.n_decisions == len(journey.decided)
    assert report.is_identical
    assert one.is_identical


def test_served_features_are_those_of_a_matrix(journey: Journey) -> None:
    """What was served live is what batch computes of the log, late payments and new profiles included."""
    matrix = journey.open().features(lender.LIVE)
    rows = {name: row for row, name in enumerate(matrix.ids.to_pylist())}
    noted = np.array([[np.nan if v is None else v for v in d.decision.features or ()] for d in journey.decided])
    computed = matrix.values[[rows[answer.decision.record_id] for answer in journey.decided]]

    np.testing.assert_array_equal(noted, computed)
    assert _changes(journey, matrix, "income", "n_30d") == {"income", "n_30d"}


def _changes(journey: Journey, matrix: FeatureTable, *names: str) -> set[str]:
    """Return the features that changed between two decisions about one client."""
    rows = {row["application_id"]: row["client_id"] for row in journey.lender.rows["applications"]}
    seen: dict[str, Any] = {}
    changed = set()
    for answer in journey.decided:
        values = dict(zip(matrix.names, answer.decision.features or (), strict=True))
        before = seen.setdefault(rows.get(answer.decision.record_id, ""), values)
        changed |= {name for name in names if values[name] != before[name]}
    return changed


def test_the_executors_agree(journey: Journey) -> None:
    """All executors give the same bits for the newest records of history and log together."""
    assert journey.open().prove(200).is_identical


def test_the_state_is_what_the_log_gives(journey: Journey, tmp_path: Path) -> None:
    """A state built anew from history and log is the one that served, byte for byte."""
    project = journey.open()
    plan = project.bundle().plan

    with project.archive() as archive:
        log = archive.log
        anew, served = Online(plan, LmdbStore(tmp_path / "state")), open_state(project.places.state, plan)
        catch_up(anew, log, History.of(log, plan.sources))

    assert anew.dump() == served.dump()
    anew.close()
    served.close()


def test_lateness_is_asked_once(journey: Journey) -> None:
    """What came in time is decided about whenever it is asked; what comes 31 days late, where 30 may be, is not."""
    assert isinstance(journey.answers["applications", "waiting"], Decided)
    assert isinstance(journey.refused, Refused)
    assert "the record arrived 31d after that, and may at most 30d after it" in journey.refused.fields["applied_at"]


def test_what_comes_too_late_or_twice_is_told(journey: Journey) -> None:
    """A payment beyond its lateness is refused; a version that is known is known, and another under its id is not."""
    at = journey.clock.at
    late = {"payment_id": "late", "paid_at": at - 4 * DAY_US, "customer_id": "C1", "amount": "1.00", "kind": None}
    new = {"customer_id": "C1", "since": at, "income": "1.00", "city": "Kiel"}

    with journey.open().service() as service:
        refused = service.record("payments", [Request(lender.request(late))])[0]
        sent = [Request(lender.request(row)) for row in (new, new, new | {"city": "Ulm"})]
        known = service.record("profiles", sent)

    assert isinstance(refused, Refused)
    assert refused.error == "invalid"
    assert "the record arrived 4d after that, and may at most 3d after it" in refused.fields["paid_at"]
    assert isinstance(known[0], Recorded)
    assert known[0].id == f"C1@{at}"
    assert isinstance(known[1], Recorded)
    assert known[1].is_repeated
    assert isinstance(known[2], Refused)
    assert known[2].error == "conflict"
