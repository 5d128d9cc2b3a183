"""What a self-test compares: every bit of every vector."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallystick.errors import SelfTestFailed
from tallystick.release.open import open_bundle
from tallystick.release.prove import check


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
