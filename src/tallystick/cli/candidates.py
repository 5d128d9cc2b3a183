"""Candidates as plain data, as several verbs give them."""

import msgspec

from tallystick.validation.judged import Judged


def plain(made: Judged) -> dict[str, object]:
    """Return what a candidate is and what it reached, as plain data."""
    record = made.candidate.record
    return {
        "candidate": made.candidate.digest,
        "family": record.family,
        "metrics": msgspec.to_builtins(record.metrics),
        "evidence": made.evidence.digest,
        "failed": len(made.evidence.failed),
    }
