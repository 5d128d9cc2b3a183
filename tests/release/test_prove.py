"""What proving promises: vectors where a model can go wrong, the same ones every time, and every bit written down."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import SelfTestFailed
from tallystick.release.open import open_bundle
from tallystick.release.prove import check, choose, prove

scores = st.lists(st.floats(0, 1), min_size=1, max_size=200)


@given(scores, st.integers(20, 40))
def test_vectors_span_the_scores(given_scores: list[float], n: int) -> None:
    """Lowest and highest score are among them, none twice, as many as there can be, the same each time."""
    features = np.zeros((len(given_scores), 3))

    chosen = choose(features, given_scores, n=n)

    found = [given_scores[i] for i in chosen]
    assert len(set(chosen.tolist())) == len(chosen) == min(n, len(given_scores))
    assert (min(found), max(found)) == (min(given_scores), max(given_scores))
    assert chosen.tolist() == choose(features, given_scores, n=n).tolist() == sorted(chosen.tolist())


def test_vectors_hold_rows_with_missing_values() -> None:
    """Of many rows, the few with missing values are tried."""
    features = np.zeros((500, 2))
    features[[77, 401]] = np.nan

    assert {77, 401} <= set(choose(features, np.linspace(0, 1, 500)).tolist())


def test_every_part_of_a_vector_is_compared(world: Any) -> None:
    """Another bit in raw score, score, contributions or threshold, or another action, is found and named."""
    scorer = open_bundle(world.folder, trusted_keys=[world.builder.public_pem]).scorer
    last = world.selftest.vectors[-1]
    changes = {
        "raw": "0" * 16,
        "score": "0" * 16,
        "contributions": (*last.contributions[:-1], "0" * 16),
        "threshold": "0" * 16,
        "action": "nothing",
    }

    for part, value in changes.items():
        vectors = (*world.selftest.vectors[:-1], msgspec.structs.replace(last, **{part: value}))
        with pytest.raises(SelfTestFailed, match=f"another {part} here .* vector {len(vectors) - 1}"):
            check(scorer, msgspec.structs.replace(world.selftest, vectors=vectors), folder=Path("bundle"))


def test_only_what_the_policy_needs_is_kept_of_a_record(world: Any) -> None:
    """A vector keeps the amount that prices a missed fraud, and no other field of the record."""
    scorer = open_bundle(world.folder, trusted_keys=[world.builder.public_pem]).scorer

    found = prove(scorer, [[1.0, 0.0, np.nan]], [{"amount": 100, "rate": 3}])

    assert found.vectors[0].values == {"amount": 100}
    assert found.vectors[0].features == (1.0, 0.0, None)
