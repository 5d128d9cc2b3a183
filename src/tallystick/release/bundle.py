"""The bundle's format, packing one, and looking into one without opening it.

A bundle is a folder ``<digest>`` of plain data files; ``manifest.json`` lists them, and the digest is the
manifest's. FORMAT is one integer. To change what a bundle holds:

1. raise FORMAT by one, once per release;
2. keep the old reader, untouched, and add the new one to ``READERS`` of open.py;
3. add a frozen bundle of the old format to the tests, and a test that still opens it.

A field with a default may be added to what is stored without another number (``definitions.stored`` has the law).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tallystick.definitions.digest import canonical, digest_bytes
from tallystick.definitions.stored import stored_bytes
from tallystick.durable import write_folder
from tallystick.errors import BundleAltered
from tallystick.release.files import MANIFEST, read_text
from tallystick.release.prove import SelfTest
from tallystick.training.candidate import Candidate
from tallystick.validation.evidence import Evidence

FORMAT = 1
FILES = (
    "background.npy",  # rows that reasons are counted from, [n, k] doubles
    "candidate.json",  # how the model came to be
    "card.json",  # the same for people
    "definition.json",  # what it was trained for and judged under: policy and limits too
    "evidence.json",  # what validation found
    "examples.json",  # rows of the test part, which the self-test proves
    "model.onnx",
    "plan.json",  # what the features mean
    "reference.json",  # what monitoring compares with
    "selftest.json",  # vectors with the bits they must give
)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a bundle: its name, its size in bytes, the digest of its content."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The packing list, which names everything the model rests on.

    Parameters
    ----------
    format : how to read the rest
    model : the project's name of the model
    builder : who released it, and therefore may not approve it
    created_at : when it was packed, in microseconds since 1970 UTC
    candidate, plan, evidence : digests
    dataset : fingerprint of what the model was taught with
    files : every other file, in order of name
    """

    format: int
    model: str
    builder: str
    created_at: int
    candidate: str
    dataset: str
    plan: str
    evidence: str
    files: tuple[File, ...]


class PackingList(msgspec.Struct, frozen=True):
    """What a bundle says about itself; nothing of it has been verified."""

    digest: str
    manifest: Manifest
    card: dict[str, Any]
    is_signed: bool


def pack(
    root: Path,
    *,
    candidate: Candidate,
    evidence: Evidence,
    selftest: SelfTest,
    card: Mapping[str, Any],
    builder: str,
    created_at: int,
) -> Path:
    """Write a bundle as ``root/<digest>``, whole or not at all, and return that folder. It is not signed yet.

    Plan, policy and limits are those that the candidate carries.

    Parameters
    ----------
    root : the folder of bundles
    candidate : the trained model, with what it was judged under
    evidence : what validation found; the digest of its stored text names it
    selftest : the candidate's examples, proven
    card : the model in words and numbers for people, as plain JSON
    builder : who releases it
    created_at : in microseconds since 1970 UTC
    """
    contents = candidate.contents() | {
        "card.json": canonical(dict(card)),
        "evidence.json": evidence.to_bytes(),
        "selftest.json": stored_bytes(selftest),
    }
    manifest = stored_bytes(
        Manifest(
            format=FORMAT,
            model=candidate.record.name,
            builder=builder,
            created_at=created_at,
            candidate=candidate.digest,
            dataset=candidate.record.dataset,
            plan=candidate.plan.digest,
            evidence=digest_bytes(contents["evidence.json"]),
            files=tuple(File(name, len(contents[name]), digest_bytes(contents[name])) for name in sorted(contents)),
        )
    )
    return write_folder(root / digest_bytes(manifest), contents | {MANIFEST: manifest})


def inspect(folder: Path) -> PackingList:
    """Read what a bundle says about itself: two small texts, nothing built, nothing verified.

    Raises
    ------
    BundleUnreadable
        If its manifest or its card is not the JSON it should be.
    BundleShapeWrong
        If either is missing, a link, or too large.
    BundleAltered
        If the card is not the one listed.
    """
    text = read_text(folder, MANIFEST)
    manifest = text.typed(Manifest)
    card = read_text(folder, "card.json")
    if digest_bytes(card.content) not in {file.sha256 for file in manifest.files if file.path == "card.json"}:
        raise BundleAltered("card.json", folder=folder)
    digest = digest_bytes(text.content)
    return PackingList(digest, manifest, card.typed(dict[str, Any]), signature_path(folder, digest).is_file())


def signature_path(folder: Path, digest: str) -> Path:
    """Return where a bundle's signature lies: beside its folder, so that the folder holds what was signed.

    Parameters
    ----------
    folder : the bundle's own
    digest : the bundle's, in hex
    """
    return folder.parent / f"{digest}.sig"
