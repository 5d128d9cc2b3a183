"""Evidence: every check's answer about one candidate, as one value under its digest."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.stored import read_stored, reader_of, stored_bytes, stored_form
from tallystick.durable import write_file
from tallystick.errors import EvidenceDamaged, EvidenceFormatUnknown
from tallystick.validation.finding import Finding, Outcome

FORMAT = 1


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a candidate, and what was found.

    Parameters
    ----------
    format : 1; it tells how to read the rest
    candidate : its digest
    name, family : the model's name, and the family of the candidate
    model, features, dataset : digests of what it was made of
    created_at : when it was questioned, in microseconds since 1970 UTC
    findings : one per check, in order of their codes
    figures : what the candidate reached, by part
    """

    format: int
    candidate: str
    name: str
    family: str
    model: str
    features: str
    dataset: str
    created_at: int
    findings: tuple[Finding, ...]
    figures: dict[str, dict[str, float]]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that failed."""
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.FAILED)

    @property
    def has_failures(self) -> bool:
        """Whether any check failed."""
        return bool(self.failed)

    @property
    def digest(self) -> str:
        """The digest of the canonical JSON."""
        return digest_bytes(self.to_bytes())

    def to_plain(self) -> dict[str, Any]:
        """Return the evidence as dicts, lists, texts and numbers."""
        plain: dict[str, Any] = stored_form(self)
        return plain

    def to_bytes(self) -> bytes:
        """Return the canonical JSON."""
        return stored_bytes(self)

    def save(self, folder: Path) -> Path:
        """Write ``<digest>.json`` into a folder, whole or not at all, and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        return write_file(folder / f"{self.digest}.json", self.to_bytes())


READERS: Mapping[int, Callable[[bytes], Evidence]] = {FORMAT: partial(read_stored, kind=Evidence)}
"""One reader for each format of evidence that is known."""


def read_evidence(content: bytes, *, digest: str | None = None) -> Evidence:
    """Read evidence, and hold it to its digest where one is given.

    Parameters
    ----------
    content : its bytes
    digest : what their digest should be

    Raises
    ------
    EvidenceDamaged
        If the bytes are not those of the digest, are not canonical, or are no evidence.
    """
    if digest is not None and digest_bytes(content) != digest:
        raise EvidenceDamaged(f"its digest is {digest_bytes(content)[:12]} and not {digest[:12]}")
    try:
        return reader_of(content, READERS, unknown=partial(EvidenceFormatUnknown, known=READERS))(content)
    except ValueError as error:
        raise EvidenceDamaged(f"it cannot be read ({error})") from error
