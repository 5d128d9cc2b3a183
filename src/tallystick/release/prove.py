"""A bundle's self-test: vectors with the bits they must give, chosen where a model has something to get wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.data.records import Record
from tallystick.errors import SelfTestFailed
from tallystick.scoring.policy import cost_fields
from tallystick.scoring.runtime import Runtime
from tallystick.scoring.scorer import Scorer, bits
from tallystick.scoring.session import fingerprint

MIN_VECTORS = 20
N_VECTORS = 32


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


def prove(scorer: Scorer, features: ArrayLike, values: Sequence[Mapping[str, int | None]]) -> SelfTest:
    """Score some rows and write down every bit.

    Parameters
    ----------
    features : shape [n, k], n >= 20: see ``choose``
    values : of the same rows, each record's whole numbers by field
    """
    rows = np.asarray(features, dtype=np.float64)
    needed = cost_fields(scorer.policy)
    vectors = [
        _vector(scorer, row, {name: given[name] for name in needed}) for row, given in zip(rows, values, strict=True)
    ]
    return SelfTest(fingerprint(), tuple(vectors))


def check(scorer: Scorer, selftest: SelfTest, *, folder: Path) -> None:
    """Score the vectors again and compare every bit.

    Raises
    ------
    SelfTestFailed
        If one bit differs; it names the vector, the first thing that differs, and both runtimes.
    """
    for place, expected in enumerate(selftest.vectors):
        row = [np.nan if value is None else value for value in expected.features]
        found = _vector(scorer, np.array(row, dtype=np.float64), expected.values)
        for part in ("raw", "score", "contributions", "threshold", "action"):
            if getattr(found, part) != getattr(expected, part):
                raise SelfTestFailed(
                    part, folder=folder, vector=place, then=str(selftest.runtime), now=str(fingerprint())
                )


def choose(features: ArrayLike, scores: ArrayLike, *, n: int = N_VECTORS) -> NDArray[np.int64]:
    """Choose rows that try a model: the whole range of scores, and rows with the most missing values.

    Parameters
    ----------
    features : shape [n_rows, k]
    scores : shape [n_rows]

    Returns
    -------
    places of at most ``n`` different rows, rising; the same for the same input

    Examples
    --------
    >>> choose([[0.0], [1.0], [float("nan")], [3.0]], [0.1, 0.4, 0.2, 0.3], n=3).tolist()
    [0, 1, 2]
    """
    rows, given = np.asarray(features, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    by_score = np.argsort(given, kind="stable")
    spread = by_score[np.linspace(0, len(given) - 1, num=min(len(given), n - n // 4)).astype(np.int64)]
    others = np.setdiff1d(np.arange(len(given)), spread)
    emptiest = others[np.argsort(-np.isnan(rows[others]).sum(axis=1), kind="stable")]
    spread = np.unique(spread)
    return np.sort(np.concatenate([spread, emptiest[: n - len(spread)]]))


def _vector(scorer: Scorer, row: NDArray[np.float64], values: Mapping[str, int | None]) -> Vector:
    found = scorer.decide(row, Record(scorer.spine.name, "", 0, {}, dict(values)))
    return Vector(
        features=tuple(None if np.isnan(value) else value for value in row.tolist()),
        values=dict(values),
        raw=bits(found.raw),
        score=found.score_bits,
        contributions=tuple(map(bits, found.contributions.tolist())),
        action=found.verdict.action,
        threshold=bits(found.verdict.threshold),
    )
