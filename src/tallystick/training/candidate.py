"""A candidate: a folder of data files under the digest of its record. Nothing in it can run code.

It carries what it was trained for and judged under: the definition, with policy and limits, and the plan of its
features. Whoever releases it takes them from here; what the project's file says by then does not matter.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.stored import check_stored, read_stored, reader_of, stored_bytes
from tallystick.durable import write_folder
from tallystick.errors import CandidateDamaged, CandidateFormatUnknown, CandidateMissing
from tallystick.features.plan import Plan
from tallystick.training.example import Example
from tallystick.training.record import READERS, Record
from tallystick.training.reference import Reference

RECORD = "candidate.json"
BACKGROUND, DEFINITION, EXAMPLES = "background.npy", "definition.json", "examples.json"
MODEL, PLAN, REFERENCE = "model.onnx", "plan.json", "reference.json"
FILES = (BACKGROUND, DEFINITION, EXAMPLES, MODEL, PLAN, REFERENCE)
"""Every file but the record, which holds their digests."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a candidate is made of, but for the record.

    Parameters
    ----------
    definition : what it was trained for: features, label, split, candidates, search, policy, limits
    plan : what its features mean, with the contracts and time zones that they look at
    model : the model file's bytes
    background : shape [m, k], float64: allowed rows nearest the threshold, against which reasons are counted
    reference : what monitoring compares with
    examples : rows of the test part that try it
    """

    definition: ModelDefinition
    plan: Plan
    model: bytes
    background: NDArray[np.float64]
    reference: Reference
    examples: tuple[Example, ...]

    def contents(self) -> dict[str, bytes]:
        """Return every file's bytes by its name."""
        array = io.BytesIO()
        np.save(array, np.ascontiguousarray(self.background, dtype=np.float64), allow_pickle=False)
        return {
            BACKGROUND: array.getvalue(),
            DEFINITION: stored_bytes(self.definition),
            EXAMPLES: stored_bytes(self.examples),
            MODEL: self.model,
            PLAN: stored_bytes(self.plan),
            REFERENCE: stored_bytes(self.reference),
        }

    def digests(self) -> dict[str, str]:
        """Return every file's digest by its name, as a record holds them."""
        return {name: digest_bytes(content) for name, content in self.contents().items()}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was trained and not yet judged.

    Parameters
    ----------
    record : how it came to be; its digest is the candidate's
    parts : what it is made of
    """

    record: Record
    parts: Parts

    @property
    def digest(self) -> str:
        """The digest of the record, which holds the digests of the other files."""
        return digest_bytes(stored_bytes(self.record))

    @property
    def definition(self) -> ModelDefinition:
        """What it was trained for, and judged under."""
        return self.parts.definition

    @property
    def plan(self) -> Plan:
        """What its features mean."""
        return self.parts.plan

    @property
    def model(self) -> bytes:
        """The model file's bytes."""
        return self.parts.model

    @property
    def background(self) -> NDArray[np.float64]:
        """The rows against which reasons are counted, shape [m, k]."""
        return self.parts.background

    @property
    def reference(self) -> Reference:
        """What monitoring compares with."""
        return self.parts.reference

    @property
    def examples(self) -> tuple[Example, ...]:
        """Rows of the test part that try it."""
        return self.parts.examples

    def save(self, root: Path) -> Path:
        """Write the candidate as ``root/<digest>``, whole or not at all, and return that folder.

        A candidate that is there already is left as it is: the digest says that it is the same.
        """
        return write_folder(root / self.digest, self.contents())

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of every file, the record's too."""
        return self.parts.contents() | {RECORD: stored_bytes(self.record)}


def open_candidate(folder: Path) -> Candidate:
    """Read a candidate and hold every byte of it to its digest.

    Raises
    ------
    CandidateMissing
        If one of its files is not there.
    CandidateDamaged
        If the folder is not named by the record's digest, holds other files, or a file is not the recorded one.
    """
    if lacking := [name for name in (RECORD, *FILES) if not (folder / name).is_file()]:
        raise CandidateMissing(folder, lacking=lacking)
    if extra := sorted({path.name for path in folder.iterdir()} - {RECORD, *FILES}):
        raise CandidateDamaged(folder, reason=f"it holds {', '.join(extra)} too")
    written = (folder / RECORD).read_bytes()
    if digest_bytes(written) != folder.name:
        raise CandidateDamaged(folder, reason=f"the digest of {RECORD} is {digest_bytes(written)[:12]}")
    try:
        record = reader_of(written, READERS, unknown=partial(CandidateFormatUnknown, folder, known=READERS))(written)
    except ValueError as error:
        raise CandidateDamaged(folder, reason=f"{RECORD} is no record of ours ({error})") from error
    found = {name: (folder / name).read_bytes() for name in FILES}
    for name, content in found.items():
        if digest_bytes(content) != record.files.get(name):
            raise CandidateDamaged(folder, reason=f"{name} is not the one that was recorded")
    try:
        parts = read_parts(found)
    except ValueError as error:
        raise CandidateDamaged(folder, reason=f"a file of it is none of ours ({error})") from error
    if (record.model, record.features) != (parts.definition.digest, parts.plan.digest):
        raise CandidateDamaged(folder, reason=f"{DEFINITION} or {PLAN} has not the digest that {RECORD} names")
    return Candidate(record, parts)


def read_parts(contents: Mapping[str, bytes]) -> Parts:
    """Return what a candidate's files hold; the model file is not looked at.

    Parameters
    ----------
    contents : every file's bytes by its name

    Raises
    ------
    ValueError
        If one does not hold what it should in the one stored form.
    """
    return Parts(
        definition=read_definition(contents[DEFINITION]),
        plan=read_plan(contents[PLAN]),
        model=contents[MODEL],
        background=read_background(contents[BACKGROUND]),
        reference=read_stored(contents[REFERENCE], Reference),
        examples=read_stored(contents[EXAMPLES], tuple[Example, ...]),
    )


def read_definition(content: bytes) -> ModelDefinition:
    """Return the definition that a stored text holds; a ``ValueError`` if it holds none."""
    definition = ModelDefinition.from_stored(msgspec.json.decode(content, type=dict[str, Any]))
    check_stored(content, definition)
    return definition


def read_plan(content: bytes) -> Plan:
    """Return the plan that a stored text holds; a ``ValueError`` if it holds none."""
    plan = Plan.from_stored(msgspec.json.decode(content, type=dict[str, Any]))
    check_stored(content, plan)
    return plan


def read_background(content: bytes) -> NDArray[np.float64]:
    """Return the table of doubles that a file holds; nothing in it is unpickled.

    Raises
    ------
    ValueError
        If it holds another array, or none.
    """
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, EOFError, SyntaxError, MemoryError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != 2:
        raise ValueError("it is no table of doubles")
    return array
