"""A bundle's self-test: the candidate's examples with the bits that they must give."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from tallystick.data.records import Record
from tallystick.errors import SelfTestFailed
from tallystick.scoring.runtime import Runtime
from tallystick.scoring.scorer import Scorer, bits
from tallystick.scoring.session import fingerprint
from tallystick.training.example import Example

MIN_VECTORS = 20


class Vector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One proof: what goes in, and the bits that must come out.

    Parameters
    ----------
    features : in the plan's order, None where missing
    values : whole numbers of the record that the policy's costs need
    raw, score, threshold : sixty-four bits in hex
    contributions : the reasons' bits, one per feature
    action : approve, refer or decline
    """

    features: tuple[float | None, ...]
    values: dict[str, int | None]
    raw: str
    score: str
    contributions: tuple[str, ...]
    action: str
    threshold: str


class SelfTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Vectors, and the runtime that gave their bits: another processor may give others, and then must not serve."""

    runtime: Runtime
    vectors: tuple[Vector, ...]


def prove(scorer: Scorer, examples: Sequence[Example]) -> SelfTest:
    """Score some rows and write down every bit.

    Parameters
    ----------
    scorer : the model with its reasons and its policy
    examples : at least 20 rows
    """
    return SelfTest(fingerprint(), tuple(_vector(scorer, example.features, example.values) for example in examples))


def check(scorer: Scorer, selftest: SelfTest, *, folder: Path) -> None:
    """Score the vectors again and compare every bit.

    Parameters
    ----------
    scorer : the model as it was opened here
    selftest : what it must give
    folder : the bundle, for the sentence of an error

    Raises
    ------
    SelfTestFailed
        If one bit differs; it names the vector, the first thing that differs, and both runtimes.
    """
    for place, expected in enumerate(selftest.vectors):
        found = _vector(scorer, expected.features, expected.values)
        for part in ("raw", "score", "contributions", "threshold", "action"):
            if getattr(found, part) != getattr(expected, part):
                raise SelfTestFailed(
                    part, folder=folder, vector=place, then=str(selftest.runtime), now=str(fingerprint())
                )


def _vector(scorer: Scorer, features: Sequence[float | None], values: Mapping[str, int | None]) -> Vector:
    row = np.array([np.nan if value is None else value for value in features], dtype=np.float64)
    found = scorer.decide(row, Record(scorer.spine.name, "", 0, {}, dict(values)))
    return Vector(
        features=tuple(features),
        values=dict(values),
        raw=bits(found.raw),
        score=found.score_bits,
        contributions=tuple(map(bits, found.contributions.tolist())),
        action=found.verdict.action,
        threshold=bits(found.verdict.threshold),
    )
