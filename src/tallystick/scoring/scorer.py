"""From a vector to an action, with its reasons: session, explanation and policy, asked in that order."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.data.records import Record
from tallystick.definitions.policies import Policy
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import VectorWrong
from tallystick.scoring.policy import Verdict, check_policy, decide, row_values
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.session import Session

N_REASONS = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """A feature that raised the risk: its value, and how much of the raw score it explains, in log-odds."""

    name: str
    value: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything a model says about one record.

    Parameters
    ----------
    raw : log-odds before calibration
    score : calibrated probability of the label
    score_bits : the score's sixty-four bits, big-endian, in hex: what replay compares
    contributions : shape (n_features,), in log-odds, adding up to raw minus the background's mean
    reasons : the features that raise the risk most, at most four, strongest first
    verdict : the action, and the threshold that settled it
    """

    raw: float
    score: float
    score_bits: str
    contributions: NDArray[np.float64]
    reasons: tuple[Reason, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model with its reasons and its policy, for records of one stream."""

    session: Session
    reasons: Reasons
    policy: Policy
    spine: StreamDefinition

    def __post_init__(self) -> None:
        if self.session.names != self.reasons.names:
            raise VectorWrong((len(self.reasons.names),), names=self.session.names)
        check_policy(self.policy, self.spine)

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of a vector."""
        return self.session.names

    def decide(self, vector: ArrayLike, record: Record) -> Scored:
        """Score, explain and judge one record, given its features in the order of ``names``.

        Parameters
        ----------
        vector : shape [k], features in the order of ``names``
        record : whose numbers the policy's costs need
        """
        features = np.asarray(vector, dtype=np.float64)
        raw, score = self.session.raw_and_score(features)
        contributions = self.reasons.explain(features)
        verdict = decide(self.policy, score, row_values(self.spine, record))
        strongest = top_reasons(self.names, features, contributions)
        return Scored(raw, score, bits(score), contributions, strongest, verdict)


def top_reasons(names: tuple[str, ...], features: ArrayLike, contributions: ArrayLike) -> tuple[Reason, ...]:
    """Return the features that raise the risk most, at most four; of equal ones the first declared.

    Parameters
    ----------
    names : of the features
    features : shape [k], their values
    contributions : shape [k], what each adds to the raw score, in log-odds

    Examples
    --------
    >>> [reason.name for reason in top_reasons(("amount", "night", "n_1d"), [9.0, 0.0, 3.0], [0.2, -0.1, 0.7])]
    ['n_1d', 'amount']
    """
    given, parts = np.asarray(features, dtype=np.float64), np.asarray(contributions, dtype=np.float64)
    order = np.argsort(-parts, kind="stable")[:N_REASONS]
    return tuple(Reason(names[i], float(given[i]), float(parts[i])) for i in order.tolist() if parts[i] > 0.0)


def bits(value: float) -> str:
    """Return a double's sixty-four bits in hex, sign first.

    >>> bits(0.5)
    '3fe0000000000000'
    """
    return struct.pack(">d", value).hex()
