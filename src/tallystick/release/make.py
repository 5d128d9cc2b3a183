"""From a judged candidate to a signed bundle that has proven itself once."""

from pathlib import Path
from typing import Any

from tallystick.ledger.keys import Signer
from tallystick.release.bundle import pack
from tallystick.release.open import Bundle, open_bundle
from tallystick.release.prove import prove
from tallystick.release.sign import sign
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.scorer import Scorer
from tallystick.scoring.session import Session
from tallystick.training.candidate import Candidate
from tallystick.validation.evidence import Evidence


def release(candidate: Candidate, evidence: Evidence, root: Path, *, signer: Signer, at: int) -> Bundle:
    """Pack, prove and sign a bundle as ``root/<digest>``, and open it as a stranger would.

    Everything in it comes from the candidate: no data is read, and no project file.

    Parameters
    ----------
    candidate : the trained model, with the definition and the plan that it was judged under
    evidence : what the checks found of it
    root : the folder of bundles
    signer : who releases it
    at : the present instant
    """
    folder = pack(
        root,
        candidate=candidate,
        evidence=evidence,
        selftest=prove(scorer_of(candidate), candidate.examples),
        card=card(candidate),
        builder=signer.actor,
        created_at=at,
    )
    sign(folder, private_key=signer.private_path)
    return open_bundle(folder, trusted_keys=[signer.public_pem])


def scorer_of(candidate: Candidate) -> Scorer:
    """Return a candidate's model with its reasons and its policy."""
    session, reasons = Session.load(candidate.model), Reasons.from_model(candidate.model, candidate.background)
    return Scorer(session, reasons, candidate.definition.policy, candidate.definition.features.spine)


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
