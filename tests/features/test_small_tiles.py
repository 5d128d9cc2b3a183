"""Windows over many events are answered from tiles as from their events: online, loaded at once, and by brute force."""

import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from tallystick.features.online import tile_entries, tiles
from tallystick.features.online.executor import Online
from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle.inputs import from_dataset
from tallystick.features.state.lmdb import LmdbStore
from tallystick.testing.feature_strategies import aggregates
from tallystick.testing.scenarios import Scenario, scenarios

tiled = partial(aggregates, functions=("min", "max", "distinct"))


@pytest.fixture(scope="module", autouse=True)
def small_tiles() -> Iterator[None]:
    """Make tiles of a few microseconds, as long as the scenarios' windows are, and use them always."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (tiles, tile_entries):
            patch.setattr(module, "LEVELS", (1, 2, 3))
        patch.setattr(tiles, "FEW", 0)
        yield


@given(scenarios(features=tiled))
def test_tiles_give_the_oracles_bits(scenario: Scenario) -> None:
    """Extremes and different values have the same bits from tiles as by brute force, whatever arrives late."""
    streams, _ = from_dataset(scenario.plan.definition, scenario.dataset)
    rows = list(range(len(streams[scenario.spine])))

    expected = oracle.compute(scenario.plan.definition, scenario.plan.streams, streams, rows)

    assert bits(served(scenario)) == bits(expected)


@given(scenarios(features=tiled))
def test_tiles_loaded_at_once_are_those_of_appending(scenario: Scenario) -> None:
    """Every tile has the same bytes, in whatever order its events came."""
    with TemporaryDirectory() as folder:
        appended, loaded = (Online(scenario.plan, LmdbStore(Path(folder) / name)) for name in ("one", "other"))
        with appended.transaction() as state:
            for position, record in scenario.arrivals:
                state.append(record, position)
            state.commit(scenario.dataset.last_position)

        loaded.rebuild(scenario.dataset)

        assert list(loaded.store.entries()) == list(appended.store.entries())
        for online in (appended, loaded):
            online.close()


def served(scenario: Scenario) -> list[list[float]]:
    """Return every record's features as it arrives."""
    vectors = []
    with TemporaryDirectory() as folder:
        online = Online(scenario.plan, LmdbStore(Path(folder)))
        with online.transaction() as state:
            for position, record in scenario.arrivals:
                state.append(record, position)
                if record.stream == scenario.spine:
                    vectors.append(state.vector(record, position))
        online.close()
    return vectors


def bits(vectors: list[list[float]]) -> list[bytes]:
    """Return each vector's doubles as bytes."""
    return [struct.pack(f"{len(vector)}d", *vector) for vector in vectors]
