"""From a judged candidate to a signed bundle that has proven itself once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tallystick.data.records import Dataset
from tallystick.definitions.models import ModelDefinition
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.ledger.keys import Signer
from tallystick.release.bundle import pack
from tallystick.release.open import Bundle, open_bundle
from tallystick.release.prove import choose, prove
from tallystick.release.sign import sign
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.scorer import Scorer
from tallystick.scoring.session import Session
from tallystick.training.candidate import Candidate

TRIED_ROWS = 4_000


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a bundle is made of.

    Parameters
    ----------
    model : the definition the candidate was trained for
    plan : its features
    candidate : the trained model
    evidence : what the checks found, as plain JSON
    dataset : records to choose the self-test's vectors from: the latest of the candidate's test part
    """

    model: ModelDefinition
    plan: Plan
    candidate: Candidate
    evidence: Mapping[str, Any]
    dataset: Dataset


def release(made_of: Ingredients, root: Path, *, signer: Signer, at: int) -> Bundle:
    """Pack, prove and sign a bundle as ``root/<digest>``, and open it as a stranger would.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    candidate, model = made_of.candidate, made_of.model
    session = Session.load(candidate.model)
    spine = made_of.dataset.records[model.features.spine.name]
    scorer = Scorer(
        session, Reasons.from_model(candidate.model, candidate.background), model.policy, model.features.spine
    )
    tested = candidate.record.part("test")
    latest = np.flatnonzero((spine.time >= tested.start) & (spine.time < tested.end))[-TRIED_ROWS:]
    matrix = compute(made_of.plan, made_of.dataset, latest)
    chosen = choose(matrix.values, session.many(matrix.values)[1])
    units = [
        {name: None if c.missing[row] else int(c.values[row]) for name, c in spine.values.items()}
        for row in latest[chosen]
    ]
    folder = pack(
        root,
        candidate=candidate,
        plan=made_of.plan,
        policy=model.policy,
        evidence=made_of.evidence,
        selftest=prove(scorer, matrix.values[chosen], units),
        card=card(candidate),
        builder=signer.actor,
        created_at=at,
    )
    sign(folder, private_key=signer.private_path)
    return open_bundle(folder, trusted_keys=[signer.public_pem])


def card(candidate: Candidate) -> dict[str, Any]:
    """Return the model in a few words and numbers, for people."""
    record, test = candidate.record, candidate.record.metrics["test"]
    return {
        "model": record.name,
        "family": record.family,
        "features": list(record.names),
        "settings": dict(record.params),
        "test": {
            "rows": test.n_rows,
            "positives": test.n_positives,
            "auc": test.auc,
            "average_precision": test.average_precision,
            "brier": test.brier,
        },
        "trials": len(record.trials),
        "calibration": {"slope": record.calibration.slope, "intercept": record.calibration.intercept},
    }
