"""Opening a bundle: every question asked in a fixed order, and nothing built before all before it are answered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policies import Policy
from tallystick.definitions.stored import reader_of
from tallystick.errors import (
    BundleAltered,
    BundleFormatUnknown,
    BundleInconsistent,
    BundleListingWrong,
    BundleShapeWrong,
    BundleUnapproved,
    BundleUnsigned,
    ModelError,
    PolicyUnusable,
)
from tallystick.features.plan import Plan
from tallystick.release import format_1
from tallystick.release.bundle import FORMAT, Manifest, signature_path
from tallystick.release.files import MANIFEST, MAX_SIGNATURE_BYTES, Text, read_folder, read_plain
from tallystick.release.format_1 import Parsed
from tallystick.release.prove import check
from tallystick.release.sign import TrustedKey, verify
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.scorer import Scorer
from tallystick.scoring.session import Session
from tallystick.training.record import Record
from tallystick.training.reference import Reference
from tallystick.validation.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Reader:
    """How bundles of one format are read.

    Parameters
    ----------
    list_files : holds the folder to its packing list, and returns that
    parse : returns what the files hold
    check_sense : refuses files that contradict each other
    """

    list_files: Callable[[Path, Mapping[str, bytes]], Manifest]
    parse: Callable[[Path, Mapping[str, bytes]], Parsed]
    check_sense: Callable[[Path, Manifest, Parsed], None]


READERS: Mapping[int, Reader] = {FORMAT: Reader(format_1.list_files, format_1.parse, format_1.check_sense)}
"""One reader for each format of bundles that is known."""


class Approvals(Protocol):
    """Knows which bundles a person has approved."""

    def of(self, bundle_digest: str) -> object | None:
        """Return the approval of a bundle, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle about which everything held.

    Parameters
    ----------
    digest : the bundle's name
    manifest : its packing list
    signed_by : the trusted public key that signed it, as PEM
    definition : what the model was trained for and judged under
    plan : what the features mean
    scorer : the model with its reasons and its policy
    candidate : how the model came to be
    evidence : what validation found
    reference : what monitoring compares with
    card : the model for people
    approval : what the approvals answered; None where none were asked
    """

    digest: str
    manifest: Manifest
    signed_by: str
    definition: ModelDefinition
    plan: Plan
    scorer: Scorer
    candidate: Record
    evidence: Evidence
    reference: Reference
    card: dict[str, Any]
    approval: object | None

    @property
    def policy(self) -> Policy:
        """What is done with a score."""
        return self.scorer.policy


def open_bundle(folder: Path, *, trusted_keys: Iterable[TrustedKey], approvals: Approvals | None = None) -> Bundle:
    """Open a bundle, or refuse it by the first thing that does not hold.

    The order: shape and size of the folder; its listing; the signature; every file's digest; every file's form; what
    the files say of each other; the self-test, bit for bit; the approval. No file is read twice.

    Parameters
    ----------
    folder : the bundle; its name does not matter, its digest does. The signature lies beside it
    trusted_keys : public keys whose signature counts, as PEM texts or paths
    approvals : who knows what was approved; None opens an unapproved bundle, for those who are to judge it

    Raises
    ------
    BundleUnsigned
        If there is no signature beside it.
    BundleUnapproved
        If the approvals know none for its digest.
    BundleError
        By one of its other kinds, if anything else does not hold.
    """
    contents = read_folder(folder)
    reader = _reader(folder, contents)
    manifest, digest = reader.list_files(folder, contents), digest_bytes(contents[MANIFEST])
    signed_by = verify(folder, contents, _signature(folder, digest), trusted_keys)
    _check_digests(folder, manifest, contents)
    parsed = reader.parse(folder, contents)
    reader.check_sense(folder, manifest, parsed)
    scorer = _scorer(folder, parsed)
    check(scorer, parsed.selftest, folder=folder)
    approval = None if approvals is None else approvals.of(digest)
    if approvals is not None and approval is None:
        raise BundleUnapproved(digest)
    return Bundle(
        digest=digest,
        manifest=manifest,
        signed_by=signed_by,
        definition=parsed.definition,
        plan=parsed.plan,
        scorer=scorer,
        candidate=parsed.candidate,
        evidence=parsed.evidence,
        reference=parsed.reference,
        card=parsed.card,
        approval=approval,
    )


def _reader(folder: Path, contents: Mapping[str, bytes]) -> Reader:
    if MANIFEST not in contents:
        raise BundleListingWrong(folder, missing=[MANIFEST], extra=[])
    unknown = partial(BundleFormatUnknown, folder, known=READERS)
    return Text(folder, MANIFEST, contents[MANIFEST]).read(partial(reader_of, readers=READERS, unknown=unknown))


def _signature(folder: Path, digest: str) -> bytes:
    path = signature_path(folder, digest)
    try:
        return read_plain(path.parent, path.name, limit=MAX_SIGNATURE_BYTES)
    except BundleShapeWrong as error:
        raise BundleUnsigned(folder, signature=path) from error


def _check_digests(folder: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    for file in manifest.files:
        if file.size != len(contents[file.path]) or file.sha256 != digest_bytes(contents[file.path]):
            raise BundleAltered(file.path, folder=folder)


def _scorer(folder: Path, parsed: Parsed) -> Scorer:
    try:
        session = Session.of(parsed.graph, parsed.contents["model.onnx"])
        reasons = Reasons.from_graph(parsed.graph, parsed.background)
        return Scorer(session, reasons, parsed.definition.policy, parsed.plan.definition.spine)
    except ModelError as error:
        name = "definition.json" if isinstance(error, PolicyUnusable) else "model.onnx"
        raise BundleInconsistent(name, folder=folder, reason=str(error)) from error
