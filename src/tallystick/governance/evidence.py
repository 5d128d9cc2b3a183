"""Whether evidence can carry an approval: readable, without failures, and the very one the bundle was released with."""

from collections.abc import Mapping
from typing import Any

from tallystick.definitions.digest import digest_of
from tallystick.errors import EvidenceFailed, EvidenceRefused

_FAILED = "failed"
_OUTCOMES = frozenset({"passed", "warned", _FAILED, "not applicable", "skipped"})


def check_evidence(bundle_digest: str, evidence: Mapping[str, Any], released_with: str | None) -> str:
    """Return the digest of evidence that can carry an approval.

    Parameters
    ----------
    bundle_digest : str
        The bundle, for the sentence.
    evidence : mapping
        Plain JSON with `findings`: a list of dicts with `code`, `outcome` and `reason`.
    released_with : str, optional
        The digest of the evidence in the bundle's release, where the release states one.

    Raises
    ------
    EvidenceRefused
        When it has no findings, a finding cannot be read, or it is not the evidence of the release.
    EvidenceFailed
        When a finding failed.
    """
    findings = evidence.get("findings")
    if not isinstance(findings, list | tuple) or not findings:
        raise EvidenceRefused(bundle_digest, reason="it has no findings")
    read = [_read(bundle_digest, place, finding) for place, finding in enumerate(findings, start=1)]
    failed = [(code, reason) for code, outcome, reason in read if outcome == _FAILED]
    if failed:
        raise EvidenceFailed(bundle_digest, failed=failed)
    digest = _digest(bundle_digest, evidence)
    if released_with not in {None, digest}:
        reason = f"its digest is {digest[:12]}, and the bundle was released with {str(released_with)[:12]}"
        raise EvidenceRefused(bundle_digest, reason=reason)
    return digest


def _read(bundle_digest: str, place: int, finding: object) -> tuple[str, str, str]:
    values = [finding.get(key) for key in ("code", "outcome", "reason")] if isinstance(finding, Mapping) else []
    if len(values) != 3 or not all(isinstance(value, str) for value in values):
        reason = f"finding {place} does not state code, outcome and reason as texts"
        raise EvidenceRefused(bundle_digest, reason=reason)
    code, outcome, reason = map(str, values)
    if outcome not in _OUTCOMES:
        sentence_ = f"finding {place} ({code}) has outcome {outcome!r}, which is none of {', '.join(sorted(_OUTCOMES))}"
        raise EvidenceRefused(bundle_digest, reason=sentence_)
    return code, outcome, reason


def _digest(bundle_digest: str, evidence: Mapping[str, Any]) -> str:
    try:
        return digest_of(dict(evidence))
    except ValueError as error:
        raise EvidenceRefused(bundle_digest, reason=f"it has no canonical JSON ({error})") from error
