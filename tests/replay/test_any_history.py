"""Whatever comes in whatever order, the state is what the log gives, and every decision is made again bit for bit."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.definitions.clock import SettableClock
from tallystick.features.plan import Plan
from tallystick.journal.records import records
from tallystick.log.opening import open_log
from tallystick.log.protocol import LogReader
from tallystick.log.sqlite import SqliteLog
from tallystick.release.open import Bundle
from tallystick.replay.archive import Archive
from tallystick.replay.period import replay_period
from tallystick.replay.single import replay
from tallystick.serving.requests import Decided, Refused, Request, Task
from tallystick.serving.service import Service
from tallystick.serving.state import open_state, open_states
from tallystick.testing.world import NOW, World

MODEL = "card-fraud"
DAYS = [0, 1, 1, 2, 7, 8, 30, 31]  # apart by the windows and the delay, so that edges meet
ids = st.integers(0, 9)


@st.composite
def payment(draw: st.DrawFn) -> Task:
    """Draw a decision about, or only the event of, one of ten payments; mostly with the same content each time."""
    number = draw(ids)
    paid_at = datetime(2026, 1, 1, 6 + number % 2, tzinfo=UTC) + timedelta(days=DAYS[number % len(DAYS)])
    own = {"paid_at": paid_at.isoformat(), "amount": f"{number}.5"}
    late = draw(st.sampled_from([{}, {}, {}, {"amount": "77.7"}]))
    fields = {"payment_id": f"p{number}", "customer_id": number % 2, "terminal_id": number % 3} | own | late
    key = draw(st.sampled_from([None, None, "k1", "k2"]))
    request, is_decision = Request(msgspec.json.encode(fields), key), draw(st.booleans())
    return Task(MODEL if is_decision else "payments", request, is_decision)


@st.composite
def report(draw: st.DrawFn) -> Task:
    """Draw a report of one of the payments, perhaps before it came, perhaps the second."""
    number, day = draw(ids), draw(st.integers(1, 31))
    fields = {"report_id": f"r{draw(ids)}", "payment_id": f"p{number}", "reported_at": f"2026-01-{day:02}T06:00:00Z"}
    return Task("chargebacks", Request(msgspec.json.encode(fields)), is_decision=False)


groups = st.lists(st.lists(st.one_of(payment(), payment(), report()), min_size=1, max_size=6), min_size=1, max_size=8)


@pytest.fixture(scope="session")
def bundle(decided_world: World) -> Bundle:
    """Return the world's bundle, opened once."""
    return decided_world.open_bundle()


@given(groups=groups)
@settings(max_examples=25)
def test_any_order_is_remembered(groups: list[list[Task]], bundle: Bundle, decided_world: World) -> None:
    """Ties, late events, early reports, retries and conflicts: state = rebuild, replay = identical, once = once."""
    with tempfile.TemporaryDirectory() as folder:
        answers, stood = _served(Path(folder), bundle, groups)
        with open_log(Path(folder) / "log.sqlite") as log:
            rebuilt = _rebuilt(Path(folder) / "rebuilt", bundle.plan, log)
            archive = Archive(log, decided_world.bundles, tuple(decided_world.trusted))
            decisions = [entry.id for entry in log.read(kinds=("decision",))]
            verdicts = replay_period(archive, MODEL).verdicts if decisions else ()
            alone = [replay(archive, MODEL, name) for name in decisions]

    assert stood == rebuilt
    assert [verdict.reason for verdict in verdicts if not verdict.is_identical] == []
    assert list(verdicts) == alone
    assert {a.logged.key for a in answers if isinstance(a, Decided)} == set(decisions)
    assert {a.error for a in answers if isinstance(a, Refused)} <= {"conflict"}


def _served(folder: Path, bundle: Bundle, groups: list[list[Task]]) -> tuple[list[Any], str]:
    with SqliteLog.create_or_open(folder / "log.sqlite") as log, open_states(folder / "state", [bundle.plan]) as states:
        service = Service([bundle], log, states, SettableClock(NOW))
        answers = [answer for group in groups for answer in service.handle(group)]
        return answers, states[bundle.plan.state_digest].dump()


def _rebuilt(folder: Path, plan: Plan, log: LogReader) -> str:
    online = open_state(folder, plan)
    online.rebuild(records(log, plan))
    if online.position < log.head.position or log.head.position == 0:
        with online.transaction() as state:
            state.commit(log.head.position)
    digest = online.dump()
    online.close()
    return digest
