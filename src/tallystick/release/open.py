"""Opening a bundle: every question asked in a fixed order, and nothing built before all before it are answered."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.expressions import Literal, parts
from tallystick.definitions.policies import Above, AboveCost, Policy
from tallystick.errors import (
    BundleAltered,
    BundleFormatUnknown,
    BundleInconsistent,
    BundleListingWrong,
    BundleShapeWrong,
    BundleUnapproved,
    BundleUnreadable,
    BundleUnsigned,
    ModelError,
    PolicyUnusable,
)
from tallystick.features.plan import Plan
from tallystick.release.bundle import FILES, FORMAT, Manifest, signature_path
from tallystick.release.files import MANIFEST, MAX_SIGNATURE_BYTES, Text, read_folder, read_plain
from tallystick.release.prove import MIN_VECTORS, SelfTest, check
from tallystick.release.sign import TrustedKey, verify
from tallystick.scoring.ensemble import read_forest
from tallystick.scoring.graph import TREES, read
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.scorer import Scorer
from tallystick.scoring.session import Session
from tallystick.training.record import Record
from tallystick.training.reference import Reference

MAX_BACKGROUND_ROWS = 10_000
TRAINED = ("background.npy", "model.onnx", "reference.json")


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
    plan: Plan
    scorer: Scorer
    candidate: Record
    evidence: dict[str, Any]
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
    digest, manifest = _listed(folder, contents)
    signed_by = verify(folder, contents, _signature(folder, digest), trusted_keys)
    _check_digests(folder, manifest, contents)
    parsed = _parse(folder, contents)
    _check_sense(folder, manifest, parsed)
    scorer = _scorer(folder, parsed)
    check(scorer, parsed.selftest, folder=folder)
    approval = None if approvals is None else approvals.of(digest)
    if approvals is not None and approval is None:
        raise BundleUnapproved(digest)
    return Bundle(
        digest=digest,
        manifest=manifest,
        signed_by=signed_by,
        plan=parsed.plan,
        scorer=scorer,
        candidate=parsed.candidate,
        evidence=parsed.evidence,
        reference=parsed.reference,
        card=parsed.card,
        approval=approval,
    )


@dataclass(frozen=True, slots=True)
class _Parsed:
    contents: Mapping[str, bytes]
    plan: Plan
    policy: Policy
    candidate: Record
    evidence: dict[str, Any]
    reference: Reference
    selftest: SelfTest
    card: dict[str, Any]
    background: NDArray[np.float64]


class _Format(msgspec.Struct):
    format: int


def _listed(folder: Path, contents: Mapping[str, bytes]) -> tuple[str, Manifest]:
    if MANIFEST not in contents:
        raise BundleListingWrong(folder, missing=[MANIFEST], extra=[])
    try:
        found = msgspec.json.decode(contents[MANIFEST], type=_Format).format
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BundleUnreadable(MANIFEST, folder=folder, reason=str(error)) from error
    if found != FORMAT:
        raise BundleFormatUnknown(folder, found=found, known=FORMAT)
    manifest = Text(folder, MANIFEST, contents[MANIFEST]).typed(Manifest)
    listed = [file.path for file in manifest.files]
    if listed != list(FILES):
        raise BundleListingWrong(folder, missing=set(FILES) - set(listed), extra=set(listed) - set(FILES))
    if set(contents) != {MANIFEST, *FILES}:
        there = set(contents) - {MANIFEST}
        raise BundleListingWrong(folder, missing=set(FILES) - there, extra=there - set(FILES))
    return digest_bytes(contents[MANIFEST]), manifest


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


def _parse(folder: Path, contents: Mapping[str, bytes]) -> _Parsed:
    def text(name: str) -> Text:
        return Text(folder, name, contents[name])

    return _Parsed(
        contents=contents,
        plan=_plan(text("plan.json")),
        policy=text("policy.json").typed(Policy),
        candidate=text("candidate.json").typed(Record),
        evidence=text("evidence.json").typed(dict[str, Any]),
        reference=text("reference.json").typed(Reference),
        selftest=text("selftest.json").typed(SelfTest),
        card=text("card.json").typed(dict[str, Any]),
        background=_background(folder, contents["background.npy"]),
    )


def _plan(text: Text) -> Plan:
    plain = text.typed(dict[str, Any])
    try:
        plan = Plan.from_plain(plain)
        _ = plan.features, plan.groups
    except Exception as error:  # a plan that cannot be laid out is no plan, whatever it breaks
        raise BundleUnreadable(text.name, folder=text.folder, reason=str(error)) from error
    if plan.to_plain() != plain:
        raise BundleUnreadable(text.name, folder=text.folder, reason="it says more than a plan can hold")
    return plan


def _background(folder: Path, content: bytes) -> NDArray[np.float64]:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, MemoryError) as error:
        raise BundleUnreadable("background.npy", folder=folder, reason=str(error)) from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != 2:
        raise BundleUnreadable("background.npy", folder=folder, reason="it is no table of doubles")
    return array


def _check_sense(folder: Path, manifest: Manifest, parsed: _Parsed) -> None:
    """Refuse files that contradict each other or themselves; the model is read as data and not run."""

    def hold(name: str, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise BundleInconsistent(name, folder=folder, reason=otherwise)

    names, candidate, background = parsed.plan.names, parsed.candidate, parsed.background
    hold("plan.json", parsed.plan.digest == manifest.plan, "its digest is not the manifest's")
    hold(
        "evidence.json", digest_bytes(parsed.contents["evidence.json"]) == manifest.evidence, "it is not the manifest's"
    )
    hold("evidence.json", parsed.evidence.get("candidate") == manifest.candidate, "it judges another candidate")
    hold("candidate.json", digest_bytes(parsed.contents["candidate.json"]) == manifest.candidate, "it is another one")
    hold("candidate.json", candidate.name == manifest.model, "it is another model's")
    hold("candidate.json", candidate.dataset == manifest.dataset, "it was taught with another dataset")
    hold("candidate.json", candidate.features == manifest.plan, "it was taught with another plan")
    hold("candidate.json", candidate.names == names, "its features are not the plan's")
    hold("candidate.json", set(candidate.files) == set(TRAINED), "it names other files than training writes")
    for name, digest in candidate.files.items():
        hold(name, digest_bytes(parsed.contents[name]) == digest, "it is not the candidate's")
    hold("background.npy", 1 <= len(background) <= MAX_BACKGROUND_ROWS, f"it has {len(background)} rows")
    hold("background.npy", background.shape[1] == len(names), f"it has {background.shape[1]} columns")
    hold("background.npy", not np.isinf(background).any(), "a value is infinite")
    n_vectors = len(parsed.selftest.vectors)
    hold("selftest.json", n_vectors >= MIN_VECTORS, f"it has {n_vectors} vectors, and {MIN_VECTORS} are needed")
    lengths = {len(vector.features) for vector in parsed.selftest.vectors}
    hold("selftest.json", lengths == {len(names)}, "its vectors are not as long as the plan")
    for rule in (parsed.policy.decline, parsed.policy.refer):
        hold("policy.json", rule is None or _is_sound(rule), "a threshold or a cost is out of its range")
    hold("model.onnx", _model_names(folder, parsed.contents["model.onnx"]) == names, "its features are not the plan's")


def _is_sound(rule: Above | AboveCost) -> bool:
    if isinstance(rule, Above):
        return 0.0 <= rule.threshold <= 1.0
    if isinstance(rule.missed, int | float):
        return 0.0 < rule.false_alarm < np.inf and 0.0 < rule.missed < np.inf
    literals = [part.value for part in parts(rule.missed) if isinstance(part, Literal)]
    return 0.0 < rule.false_alarm < np.inf and bool(np.isfinite(literals).all())


def _model_names(folder: Path, model: bytes) -> tuple[str, ...]:
    try:
        graph = read(model)
        if graph.steps == TREES:
            read_forest(graph)
    except ModelError as error:
        raise BundleInconsistent("model.onnx", folder=folder, reason=str(error)) from error
    return graph.names


def _scorer(folder: Path, parsed: _Parsed) -> Scorer:
    model = parsed.contents["model.onnx"]
    try:
        reasons = Reasons.from_model(model, parsed.background)
        return Scorer(Session.load(model), reasons, parsed.policy, parsed.plan.definition.spine)
    except ModelError as error:
        name = "policy.json" if isinstance(error, PolicyUnusable) else "model.onnx"
        raise BundleInconsistent(name, folder=folder, reason=str(error)) from error
