"""A candidate: a folder of four data files under the digest of its record. Nothing in it can run code."""

import io
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.digest import canonical, digest_bytes
from tallystick.errors import CandidateDamaged, CandidateMissing
from tallystick.training.record import FORMAT, Record
from tallystick.training.reference import Reference

RECORD, MODEL, BACKGROUND, REFERENCE = "candidate.json", "model.onnx", "background.npy", "reference.json"
_OTHERS = (BACKGROUND, MODEL, REFERENCE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was trained and not yet judged.

    Parameters
    ----------
    record : how it came to be; its digest is the candidate's
    model : the model file's bytes
    background : shape [m, k], float64: allowed rows nearest the threshold, against which reasons are counted
    reference : what monitoring compares with
    """

    record: Record
    model: bytes
    background: NDArray[np.float64]
    reference: Reference

    @property
    def digest(self) -> str:
        """The digest of the record, which holds the digests of the other files."""
        return digest_bytes(plain_bytes(self.record))

    def save(self, root: Path) -> Path:
        """Write the candidate as ``root/<digest>``, whole or not at all, and return that folder.

        A candidate that is there already is left as it is: the digest says that it is the same.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        folder = root / self.digest
        if folder.exists():
            return folder
        root.mkdir(parents=True, exist_ok=True)
        contents = self.contents() | {RECORD: plain_bytes(self.record)}
        unfinished = Path(tempfile.mkdtemp(prefix=".candidate-", dir=root))
        try:
            for name, content in contents.items():
                _write(unfinished / name, content)
            unfinished.chmod(0o755)
            unfinished.rename(folder)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return folder

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of every file but the record."""
        return contents(self.model, self.background, self.reference)


def contents(model: bytes, background: NDArray[np.float64], reference: Reference) -> dict[str, bytes]:
    """Return the bytes of the files that a record holds the digests of."""
    array = io.BytesIO()
    np.save(array, np.ascontiguousarray(background, dtype=np.float64), allow_pickle=False)
    return {BACKGROUND: array.getvalue(), MODEL: model, REFERENCE: plain_bytes(reference)}


def open_candidate(folder: Path) -> Candidate:
    """Read a candidate and hold every byte of it to its digest.

    Raises
    ------
    CandidateMissing
        If one of its four files is not there.
    CandidateDamaged
        If the folder is not named by the record's digest, holds other files, or a file is not the recorded one.
    """
    if lacking := [name for name in (RECORD, *_OTHERS) if not (folder / name).is_file()]:
        raise CandidateMissing(folder, lacking=lacking)
    if extra := sorted({path.name for path in folder.iterdir()} - {RECORD, *_OTHERS}):
        raise CandidateDamaged(folder, reason=f"it holds {', '.join(extra)} too")
    written = (folder / RECORD).read_bytes()
    if digest_bytes(written) != folder.name:
        raise CandidateDamaged(folder, reason=f"the digest of {RECORD} is {digest_bytes(written)[:12]}")
    record = _decoded(folder, RECORD, written, Record)
    if record.format != FORMAT:
        raise CandidateDamaged(folder, reason=f"it has format {record.format}, and {FORMAT} is known")
    found = {name: (folder / name).read_bytes() for name in _OTHERS}
    for name, content in found.items():
        if digest_bytes(content) != record.files.get(name):
            raise CandidateDamaged(folder, reason=f"{name} is not the one that was recorded")
    background = np.load(io.BytesIO(found[BACKGROUND]), allow_pickle=False)
    return Candidate(record, found[MODEL], background, _decoded(folder, REFERENCE, found[REFERENCE], Reference))


def plain_bytes(value: msgspec.Struct) -> bytes:
    """Return a value's canonical JSON."""
    return canonical(msgspec.to_builtins(value))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _decoded(folder: Path, name: str, content: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise CandidateDamaged(folder, reason=f"{name} is no record of ours ({error})") from error
