"""A log and its history, piece by piece, are what they are as a whole."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tallystick.data.fingerprint import Fingerprint
from tallystick.data.merge import concat, no_records
from tallystick.data.records import Dataset
from tallystick.errors import SegmentDamaged
from tallystick.features import table_file
from tallystick.features.batch import executor as batch
from tallystick.features.spill import executor as spill
from tallystick.features.spill.job import MemoryLimits
from tallystick.journal.pieces import LoggedPieces
from tallystick.journal.records import records as read_records
from tallystick.log.opening import open_log
from tallystick.log.protocol import LogReader
from tallystick.serving.requests import Request
from tallystick.testing.world import World, build


@pytest.fixture(scope="module")
def decided_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world that decided 100 payments, and got reports."""
    world = build(tmp_path_factory.mktemp("decided") / "project")
    with world.service() as service:
        service.decide([Request(raw) for raw in world.payments(100)])
        service.record("chargebacks", [Request(raw) for raw in world.chargebacks(80)])
    return world


@pytest.fixture
def world(decided_world: World, tmp_path: Path) -> World:
    """Return a copy of the world that decided."""
    shutil.copytree(decided_world.folder, tmp_path / "project")
    return replace(decided_world, folder=tmp_path / "project")


@pytest.fixture
def log(world: World) -> Iterator[LogReader]:
    """Return the world's log."""
    with open_log(world.folder / "log.sqlite") as opened:
        yield opened


@pytest.mark.parametrize("at_a_time", [7, 1_000, 1 << 18])
def test_pieces_are_the_whole(log: LogReader, world: World, at_a_time: int) -> None:
    """All records come once, in order of their positions, with the fingerprint of the whole, as of any position."""
    for until in (world.dataset.last_position - 5, log.head.position - 40, log.head.position):
        whole, seen = read_records(log, world.plan, until=until), Fingerprint(world.plan.sources)
        put = Dataset({source.name: no_records(source) for source in world.plan.sources}, "", 0)
        last = 0

        with LoggedPieces(log, world.plan, until, at_a_time).pieces() as pieces:
            for piece in pieces:
                places = np.sort(np.concatenate([records.position for records in piece.records.values()]))
                assert last < places[0]
                assert np.all(np.diff(places) > 0)
                last = int(places[-1])
                seen.add(piece.records)
                put = concat(put, piece.records) if at_a_time > 7 else put

        assert seen.hexdigest() == whole.fingerprint
        assert at_a_time == 7 or put.fingerprint == whole.fingerprint


def test_features_of_a_log_are_computed_by_parts(log: LogReader, world: World, tmp_path: Path) -> None:
    """Once there is a log, parts give batch's table of history and log: its positions, bits and digests."""
    until = log.head.position
    records = LoggedPieces(log, world.plan, until, 500)
    limits = MemoryLimits(tuple(3 for _ in world.plan.groups), 2, 400, 0)

    spill.features(
        world.plan, records, tmp_path / "out.parquet", folder=tmp_path / "spill", memory=1 << 30, limits=limits
    )

    wanted, found = (
        batch.compute(world.plan, read_records(log, world.plan, until=until)),
        table_file.read(tmp_path / "out.parquet"),
    )
    assert found.position.tolist() == wanted.position.tolist()
    assert found.values.tobytes() == wanted.values.tobytes()
    assert (found.ids.to_pylist(), found.digest) == (wanted.ids.to_pylist(), wanted.digest)


def test_altered_history_is_noticed_before_a_piece_comes(log: LogReader, world: World) -> None:
    """A file of the history that was changed is named, and nothing of it is read."""
    (file,) = world.folder.glob("history/*/payments.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    logged, sentence = LoggedPieces(log, world.plan, log.head.position), r"payments\.parquet has not"
    with logged.pieces() as pieces, pytest.raises(SegmentDamaged, match=sentence):
        next(pieces)
