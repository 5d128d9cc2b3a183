"""A bundle of format 1: which files it has, how each is read, and what they must say of each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.expressions import Literal, subexpressions
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policies import Above, AboveCost
from tallystick.definitions.stored import reader_of, stored_bytes
from tallystick.errors import (
    BundleInconsistent,
    BundleListingWrong,
    BundleUnreadable,
    ModelError,
    ValidationError,
)
from tallystick.features.plan import Plan
from tallystick.release.bundle import FILES, Manifest
from tallystick.release.files import MANIFEST, Text
from tallystick.release.prove import MIN_VECTORS, SelfTest
from tallystick.scoring.ensemble import read_forest
from tallystick.scoring.graph import TREES, Graph, read
from tallystick.training import record
from tallystick.training.candidate import FILES as TRAINED
from tallystick.training.candidate import read_background, read_definition, read_plan
from tallystick.training.example import Example
from tallystick.training.record import Record
from tallystick.training.reference import Reference
from tallystick.validation.evidence import Evidence, read_evidence

MAX_BACKGROUND_ROWS = 10_000

Hold = Callable[[str, bool, str], None]
"""Refuses a file by its name, unless something is so, with what is wrong otherwise."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a bundle's files hold; each was read once.

    Parameters
    ----------
    contents : every file's bytes by its name
    definition, plan, candidate, evidence, examples, reference, selftest, card, background : what is in them
    graph : the model file, read as data and not run
    """

    contents: Mapping[str, bytes]
    definition: ModelDefinition
    plan: Plan
    candidate: Record
    evidence: Evidence
    examples: tuple[Example, ...]
    reference: Reference
    selftest: SelfTest
    card: dict[str, Any]
    background: NDArray[np.float64]
    graph: Graph


def list_files(folder: Path, contents: Mapping[str, bytes]) -> Manifest:
    """Return the packing list, after the folder was held to it.

    Parameters
    ----------
    folder : where the bundle lies, for the sentence of an error
    contents : every file's bytes by its name

    Raises
    ------
    BundleListingWrong
        If the folder, or the list, has more or fewer files than the format.
    """
    manifest = Text(folder, MANIFEST, contents[MANIFEST]).typed(Manifest)
    listed = [file.path for file in manifest.files]
    if listed != list(FILES):
        raise BundleListingWrong(folder, missing=set(FILES) - set(listed), extra=set(listed) - set(FILES))
    if set(contents) != {MANIFEST, *FILES}:
        there = set(contents) - {MANIFEST}
        raise BundleListingWrong(folder, missing=set(FILES) - there, extra=there - set(FILES))
    return manifest


def parse(folder: Path, contents: Mapping[str, bytes]) -> Parsed:
    """Return what the files hold, or refuse the first that has another form; the model is read last.

    Parameters
    ----------
    folder : where the bundle lies, for the sentence of an error
    contents : every file's bytes by its name
    """

    def text(name: str) -> Text:
        return Text(folder, name, contents[name])

    return Parsed(
        contents=contents,
        definition=text("definition.json").read(read_definition),
        plan=_plan(text("plan.json")),
        candidate=_record(text("candidate.json")),
        evidence=_evidence(text("evidence.json")),
        examples=text("examples.json").typed(tuple[Example, ...]),
        reference=text("reference.json").typed(Reference),
        selftest=text("selftest.json").typed(SelfTest),
        card=text("card.json").typed(dict[str, Any]),
        background=text("background.npy").read(read_background),
        graph=_graph(text("model.onnx")),
    )


def check_sense(folder: Path, manifest: Manifest, parsed: Parsed) -> None:
    """Refuse files that contradict each other or themselves; the model is not run.

    What was judged is what is packed: the candidate names its definition and its plan, the evidence names the same
    definition, plan and data, the plan has the definition's features, the self-test proves the candidate's examples.

    Parameters
    ----------
    folder : where the bundle lies, for the sentence of an error
    manifest : its packing list
    parsed : what its files hold

    Raises
    ------
    BundleInconsistent
        If one file says what cannot be, or something else than another.
    """

    def hold(name: str, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise BundleInconsistent(name, folder=folder, reason=otherwise)

    _check_named(hold, manifest, parsed)
    _check_judged(hold, parsed)
    _check_values(hold, parsed)


def _plan(text: Text) -> Plan:
    plan = text.read(read_plan)
    try:
        _ = plan.features, plan.groups
    except Exception as error:  # a plan that cannot be laid out is no plan, whatever it breaks
        raise BundleUnreadable(text.name, folder=text.folder, reason=str(error)) from error
    return plan


def _record(text: Text) -> Record:
    def read_record(content: bytes) -> Record:
        return reader_of(content, record.READERS, unknown=unknown)(content)

    def unknown(found: int) -> Exception:
        known = ", ".join(map(str, record.READERS))
        return BundleUnreadable(text.name, folder=text.folder, reason=f"it has format {found}, and {known} is known")

    return text.read(read_record)


def _evidence(text: Text) -> Evidence:
    try:
        return text.read(read_evidence)
    except ValidationError as error:
        raise BundleUnreadable(text.name, folder=text.folder, reason=str(error)) from error


def _graph(text: Text) -> Graph:
    try:
        graph = read(text.content)
        if graph.steps == TREES:
            read_forest(graph)  # a ring would keep onnxruntime walking for ever
    except ModelError as error:
        raise BundleInconsistent(text.name, folder=text.folder, reason=str(error)) from error
    return graph


def _check_named(hold: Hold, manifest: Manifest, parsed: Parsed) -> None:
    """Hold what the manifest names, and the files that the candidate's record names, to what is there."""
    candidate, contents = parsed.candidate, parsed.contents
    hold("plan.json", parsed.plan.digest == manifest.plan, "its digest is not the manifest's")
    hold("evidence.json", digest_bytes(contents["evidence.json"]) == manifest.evidence, "it is not the manifest's")
    hold("evidence.json", parsed.evidence.candidate == manifest.candidate, "it judges another candidate")
    hold("candidate.json", digest_bytes(contents["candidate.json"]) == manifest.candidate, "it is another one")
    hold("candidate.json", candidate.name == manifest.model, "it is another model's")
    hold("candidate.json", candidate.dataset == manifest.dataset, "it was taught with another dataset")
    hold("candidate.json", candidate.features == manifest.plan, "it was taught with another plan")
    hold("candidate.json", set(candidate.files) == set(TRAINED), "it names other files than training writes")
    for name, digest in candidate.files.items():
        hold(name, digest_bytes(contents[name]) == digest, "it is not the candidate's")


def _check_judged(hold: Hold, parsed: Parsed) -> None:
    """Hold definition, plan, candidate and evidence to each other: one definition was trained, judged and packed."""
    candidate, definition, evidence = parsed.candidate, parsed.definition, parsed.evidence
    hold("definition.json", definition.digest == candidate.model, "the candidate was trained under another one")
    hold("definition.json", definition.name == candidate.name, "it is another model's")
    is_same = stored_bytes(definition.features) == stored_bytes(parsed.plan.definition)
    hold("plan.json", is_same, "its features are not the definition's")
    hold("candidate.json", candidate.names == parsed.plan.names, "its features are not the plan's")
    hold("evidence.json", evidence.model == candidate.model, "it judges under another definition")
    hold("evidence.json", evidence.features == candidate.features, "it judges with another plan")
    hold("evidence.json", evidence.dataset == candidate.dataset, "it judges with another dataset")
    hold("evidence.json", (evidence.name, evidence.family) == (candidate.name, candidate.family), "another is judged")
    for rule in (definition.policy.decline, definition.policy.refer):
        hold("definition.json", rule is None or _is_sound(rule), "a threshold or a cost is out of its range")


def _check_values(hold: Hold, parsed: Parsed) -> None:
    """Hold background, model, examples and self-test to the plan's features."""
    background, names = parsed.background, parsed.plan.names
    hold("background.npy", 1 <= len(background) <= MAX_BACKGROUND_ROWS, f"it has {len(background)} rows")
    hold("background.npy", background.shape[1] == len(names), f"it has {background.shape[1]} columns")
    hold("background.npy", not np.isinf(background).any(), "a value is infinite")
    vectors = parsed.selftest.vectors
    hold("selftest.json", len(vectors) >= MIN_VECTORS, f"it has {len(vectors)} vectors, and {MIN_VECTORS} are needed")
    hold("selftest.json", {len(v.features) for v in vectors} == {len(names)}, "its vectors are not as long as the plan")
    proven = [(vector.features, vector.values) for vector in vectors]
    is_same = proven == [(example.features, example.values) for example in parsed.examples]
    hold("selftest.json", is_same, "it proves other rows than the candidate's examples")
    hold("model.onnx", parsed.graph.names == names, "its features are not the plan's")


def _is_sound(rule: Above | AboveCost) -> bool:
    if isinstance(rule, Above):
        return 0.0 <= rule.threshold <= 1.0
    if isinstance(rule.missed, int | float):
        return 0.0 < rule.false_alarm < np.inf and 0.0 < rule.missed < np.inf
    literals = [part.value for part in subexpressions(rule.missed) if isinstance(part, Literal)]
    return 0.0 < rule.false_alarm < np.inf and bool(np.isfinite(literals).all())
