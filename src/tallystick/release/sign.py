"""Signing a bundle and telling whose signature it is: OpenSSF model-signing with actors' EC P-256 keys."""

import base64
import contextlib
import importlib
import io
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tallystick.definitions.digest import digest_bytes
from tallystick.errors import SignatureRefused
from tallystick.release.bundle import signature_path
from tallystick.release.files import MANIFEST, read_text

TrustedKey = str | bytes | Path


def sign(folder: Path, *, private_key: Path) -> Path:
    """Sign a bundle with an actor's key, beside its folder, and return the signature's path.

    Signing again replaces the signature; the bundle's digest does not depend on it.

    Raises
    ------
    BundleShapeWrong
        If the folder holds no manifest.
    """
    digest = digest_bytes(read_text(folder, MANIFEST).content)
    target = signature_path(folder, digest)
    unfinished = target.with_suffix(".unfinished")
    config = _library("signing").Config().set_hashing_config(_hashing())
    config.use_elliptic_key_signer(private_key=private_key).sign(folder, unfinished)
    unfinished.replace(target)
    return target


def verify(folder: Path, contents: Mapping[str, bytes], signature: bytes, trusted_keys: Iterable[TrustedKey]) -> str:
    """Verify that one of the trusted keys signed exactly these contents, and return that key's PEM text.

    What is verified is what was read: the contents are handed over in a private folder of their own, so that a
    file exchanged on disk meanwhile changes nothing.

    Parameters
    ----------
    folder : the bundle's folder, for the sentence of an error
    trusted_keys : PEM texts, or paths of PEM files

    Raises
    ------
    SignatureRefused
        If no trusted key made the signature, or it is over other files.
    """
    keys = [_pem(key) for key in trusted_keys]
    if not keys:
        raise SignatureRefused(folder, reason="no key is trusted")
    with tempfile.TemporaryDirectory(prefix="tallystick-") as private:
        copy, signature_file = Path(private) / "bundle", Path(private) / "bundle.sig"
        copy.mkdir()
        for name, content in contents.items():
            (copy / name).write_bytes(content)
        signature_file.write_bytes(signature)
        reasons = []
        for number, pem in enumerate(keys):
            key_file = Path(private) / f"{number}.pem"
            key_file.write_bytes(pem)
            refusal = _refusal(copy, signature_file, key_file)
            if refusal is None:
                _check_listing(folder, signature, set(contents))
                return pem.decode()
            reasons.append(refusal)
    raise SignatureRefused(folder, reason="; ".join(_worded(reasons)))


def _worded(reasons: Iterable[str]) -> list[str]:
    """Say in our words what the library found, leaving out the keys that were not the signer's."""
    found = [reason for reason in reasons if not reason.startswith("Key mismatch")]
    files = list(dict.fromkeys(name for reason in found for name in re.findall(r"mismatch for '([^']+)'", reason)))
    if files:
        return [f"{', '.join(files)} is not what was signed"]
    return list(dict.fromkeys(found)) or ["none of the trusted keys made it"]


def _refusal(copy: Path, signature_file: Path, key_file: Path) -> str | None:
    try:
        # The library prints a warning about old signatures; a verb's output belongs to the verb.
        with contextlib.redirect_stdout(io.StringIO()):
            config = _library("verifying").Config().set_hashing_config(_hashing())
            config.use_elliptic_key_verifier(public_key=key_file).verify(copy, signature_file)
    except Exception as error:  # noqa: BLE001 - whatever a forged signature breaks in the library, it is refused
        return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return None


def _check_listing(folder: Path, signature: bytes, expected: set[str]) -> None:
    """Refuse a signature that was told to leave files out: the library would."""
    statement = json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))
    signed = {resource["name"] for resource in statement["predicate"]["resources"]}
    if signed != expected:
        raise SignatureRefused(folder, reason=f"it leaves out {', '.join(sorted(expected - signed)) or 'nothing'}")


def _pem(key: TrustedKey) -> bytes:
    if isinstance(key, Path):
        return key.read_bytes()
    return key.encode() if isinstance(key, str) else key


def _hashing() -> Any:
    hashing = _library("hashing").Config().use_file_serialization(hashing_algorithm="sha256")
    return hashing.set_ignored_paths(paths=[], ignore_git_paths=False)


def _library(module: str) -> Any:
    """Import model-signing where it is used: it takes half a second and most verbs do not need it."""
    return importlib.import_module(f"model_signing.{module}")
