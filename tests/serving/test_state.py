"""State is a cache: it follows the log, never leads it, and is thrown away where it is in doubt."""

import shutil

import msgspec
import pytest

from tallystick.definitions.clock import SettableClock
from tallystick.errors import HistoryAltered, HistoryMissing, SegmentDamaged, StateAhead
from tallystick.journal.history import History, record_at
from tallystick.log.entry import Draft
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.serving.requests import Decided, Recorded, Request
from tallystick.serving.state import open_state
from tallystick.testing.world import World

from .served_state import state_of


def test_a_state_left_by_a_machine_that_went_down_is_made_anew(world: World, clock: SettableClock) -> None:
    """Pages that an operating system may have lost are not trusted: the log gives them again."""
    with world.service(clock=clock) as service:
        service.decide([Request(raw) for raw in world.payments(20)])
        before = state_of(service).dump()
    session = world.folder / "state" / world.plan.state_digest / "session"
    session.write_bytes(b"another start of the machine")

    with world.service(clock=clock) as service:
        assert state_of(service).dump() == before


def test_a_state_ahead_of_its_log_is_refused(world: World, clock: SettableClock) -> None:
    """A log that lost entries its state has seen does not serve."""
    with world.service(clock=clock):
        pass
    online = open_state(world.folder / "state", world.plan)
    with online.transaction() as state:
        state.commit(world.dataset.last_position + 10)
    online.close()

    with pytest.raises(StateAhead), world.service(clock=clock):
        pass


def test_a_history_that_is_gone_or_changed_is_refused(world: World, clock: SettableClock) -> None:
    """The first segment is part of the log: its folder must be there, under its digest, byte for byte."""
    folder = next((world.folder / "history").iterdir())
    (folder / "chargebacks.parquet").write_bytes(b"")
    with pytest.raises(SegmentDamaged), world.service(clock=clock):
        pass

    shutil.rmtree(folder)
    with pytest.raises(HistoryMissing), world.service(clock=clock):
        pass


def test_records_of_the_history_are_found_by_id(world: World) -> None:
    """Every id leads to its own sequence and content, and no other does."""
    with open_log(world.folder / "log.sqlite") as log:
        history = History.indexed(log, world.plan.sources)

    spine = world.dataset.records["payments"]
    for row in (0, 7, len(spine) - 1):
        record = record_at(spine, row)
        assert history.find("payments", record.id) == (int(spine.position[row]), record)
    assert history.find("payments", "nobody") is None
    assert history.find("nowhere", "P0000001") is None


def test_a_log_of_another_history_is_refused(world: World, clock: SettableClock) -> None:
    """A good segment in the place of the attached one is not the log's history."""
    with open_log(world.folder / "log.sqlite") as log:
        history = History.of(log, world.plan.sources)
    assert history.segment is not None
    moved = world.folder / "history" / "0000"
    shutil.move(world.folder / "history" / history.segment.digest, moved)
    other = type(history.segment)(history.segment.digest, 1, history.segment.last, "history/0000")

    with pytest.raises(HistoryAltered):
        History(other, world.plan.sources, world.folder).dataset()


def test_a_roll_back_reads_what_a_later_contract_accepted(world: World, clock: SettableClock) -> None:
    """An event with a field that only a later bundle declared is counted by the earlier one, without that field."""
    first, second = world.payments(2)
    later = msgspec.json.encode(msgspec.json.decode(first) | {"channel": "app"})
    with SqliteLog.create_or_open(world.folder / "log.sqlite") as log:
        log.append([Draft("event", "payments", msgspec.json.decode(first)["payment_id"], clock.at, later)])

    with world.service(clock=clock) as service:
        (known,) = service.record("payments", [Request(first)])
        (decided,) = service.decide([Request(second)])

    assert isinstance(known, Recorded)
    assert known.is_repeated
    assert isinstance(decided, Decided)
    assert not decided.decision.fallback
