"""Questions that cannot be asked of a candidate.

ValidationError
· CheckUnknown           no check has this code
· EvidenceFormatUnknown  another version wrote it
· EvidenceDamaged        its bytes are not those of its digest
"""

from collections.abc import Iterable

from tallystick.errors.base import TallystickError, did_you_mean


class ValidationError(TallystickError):
    """A candidate cannot be questioned, or the answers cannot be read."""


class CheckUnknown(ValidationError):
    """A check is named that does not exist.

    Parameters
    ----------
    code : the code that was given
    known : the codes there are
    """

    def __init__(self, code: str, *, known: Iterable[str]) -> None:
        self.code, self.known = code, sorted(known)
        super().__init__(
            f"There is no check {code!r}. Checks: {', '.join(self.known)}. {did_you_mean(code, self.known)}".rstrip()
        )


class EvidenceFormatUnknown(ValidationError):
    """Evidence was written by another version."""

    def __init__(self, found: int, *, known: Iterable[int]) -> None:
        self.found, self.known = found, sorted(known)
        super().__init__(
            f"The evidence has format {found}, and this version reads {', '.join(map(str, self.known))}. "
            "Read it with the version that wrote it, or validate the candidate again."
        )


class EvidenceDamaged(ValidationError):
    """Evidence whose bytes are not those of its digest, or no evidence at all."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The evidence cannot be used: {reason}. Validate the candidate again.")
