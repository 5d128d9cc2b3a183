"""Records picked out for a few rows and entities give those the features that all records give them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.features.batch import executor as batch
from tallystick.features.nearby import Wanted, nearby
from tallystick.features.spill.pieces import InMemory
from tallystick.testing.scenarios import Scenario, scenarios
from tallystick.validation.parity import _played, draw, draw_of

Ints = NDArray[np.int64]


@given(scenarios(), st.data(), st.integers(1, 30))
def test_picked_records_are_enough(scenario: Scenario, data: st.DataObject, places: int) -> None:
    """Rows asked by their positions, the last rows, and rows of drawn entities have the bits that they have in all."""
    plan, everything = scenario.plan, scenario.dataset
    spine = everything.records[scenario.spine]
    positions = np.array(data.draw(st.lists(st.sampled_from(spine.position.tolist()))) if len(spine) else [], np.int64)
    draws, n_last = (
        draw_of(plan, data.draw(st.integers(0, 9)), data.draw(st.integers(1, 6))),
        data.draw(st.integers(1, 3)),
    )

    near, bounds = nearby(plan, InMemory(everything, places), Wanted(positions, n_last, draws))

    requested = np.union1d(positions, spine.position[-n_last:])
    assert bits(scenario, near, requested) == bits(scenario, everything, requested)
    mine, theirs = draw(plan, near, draws, bounds), draw(plan, everything, draws)
    assert mine.position.tolist() == theirs.position.tolist()
    assert mine.comparable.tolist() == theirs.comparable.tolist()
    if len(mine.position):
        played = [
            np.where(each.comparable, _played(plan, some, each), 0.0)
            for some, each in ((near, mine), (everything, theirs))
        ]
        assert played[0].tobytes() == played[1].tobytes()


def bits(scenario: Scenario, dataset: Dataset, positions: Ints) -> bytes:
    """Return the bits of the features of the rows at some positions."""
    rows = np.searchsorted(dataset.records[scenario.spine].position, positions)
    return batch.compute(scenario.plan, dataset, rows).values.tobytes()
