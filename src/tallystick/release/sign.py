"""Signing a bundle and telling whose signature it is: OpenSSF model-signing with actors' EC P-256 keys.

The format is theirs, so that others verify with their own tool; what it takes is `statement` (what is signed),
`envelope` (how it is written) and the library of the keys.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tallystick.definitions.digest import digest_bytes
from tallystick.durable import write_file
from tallystick.errors import BundleShapeWrong, SignatureRefused
from tallystick.ledger.keys import load_public, read_private
from tallystick.release.bundle import signature_path
from tallystick.release.envelope import Envelope, key_digest, seal, unseal
from tallystick.release.files import MANIFEST, read_folder
from tallystick.release.statement import PAYLOAD_TYPE, read, state

TrustedKey = str | bytes | Path


def sign(folder: Path, *, private_key: Path) -> Path:
    """Sign a bundle with an actor's key, beside its folder, and return the signature's path.

    Signing again replaces the signature; the bundle's digest does not depend on it.

    Parameters
    ----------
    folder : the bundle; all of its files are signed
    private_key : the actor's PEM file

    Raises
    ------
    BundleShapeWrong
        If the folder holds no manifest, or what no bundle may hold.
    KeyMissing, KeyUnsafe, KeyUnreadable
        If the key's file is missing, readable by others, or holds no EC P-256 key.
    """
    contents = read_folder(folder)
    if MANIFEST not in contents:
        raise BundleShapeWrong(MANIFEST, folder=folder, reason="it is missing")
    statement = state(folder.name, _digests(contents))
    key = read_private(private_key, private_key.stem)
    target = signature_path(folder, digest_bytes(contents[MANIFEST]))
    return write_file(target, seal(statement, payload_type=PAYLOAD_TYPE, key=key))


def verify(folder: Path, contents: Mapping[str, bytes], signature: bytes, trusted_keys: Iterable[TrustedKey]) -> str:
    """Verify that one of the trusted keys signed exactly these contents, and return that key's PEM text.

    What is verified is what was read: the bytes in memory, so that a file exchanged on disk meanwhile changes nothing.

    Parameters
    ----------
    folder : the bundle's folder, for the sentence of an error
    contents : file's name -> its bytes, of every file of the bundle
    signature : the bytes of the signature file
    trusted_keys : PEM texts, or paths of PEM files

    Raises
    ------
    SignatureRefused
        If no trusted key made the signature, or it is over other files.
    """
    keys = [_pem(key) for key in trusted_keys]
    if not keys:
        raise SignatureRefused(folder, reason="no key is trusted")
    try:
        envelope = unseal(signature)
        signer = _signer(envelope, keys)
        # Nothing of the payload is looked at before its signature holds.
        signed = read(envelope.payload)
    except ValueError as error:
        raise SignatureRefused(folder, reason=str(error)) from error
    if difference := _difference(signed, _digests(contents)):
        raise SignatureRefused(folder, reason=difference)
    return signer


def _digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: digest_bytes(content) for name, content in contents.items()}


def _pem(key: TrustedKey) -> bytes:
    if isinstance(key, Path):
        return key.read_bytes()
    return key.encode() if isinstance(key, str) else key


def _signer(envelope: Envelope, keys: Iterable[bytes]) -> str:
    """Return the trusted key that made a signature; a text among them that is no key does not hinder the others."""
    if envelope.payload_type != PAYLOAD_TYPE:
        msg = f"its payload is {envelope.payload_type[:100]!r}, and this version knows {PAYLOAD_TYPE!r}"
        raise ValueError(msg)
    unreadable = []
    for pem in keys:
        try:
            key = load_public(pem.decode())
        except ValueError as error:
            unreadable.append(f"; a trusted key cannot be read ({str(error).splitlines()[0][:100]})")
            continue
        if key_digest(key) == envelope.key:
            if envelope.is_by(key):
                return pem.decode()
            msg = "it was changed, or made by another key than the one it names"
            raise ValueError(msg)
    msg = "none of the trusted keys made it" + "".join(unreadable[:1])
    raise ValueError(msg)


def _difference(signed: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """Return in what the files that were signed and those that were found differ, or None."""
    if altered := sorted(name for name in signed.keys() & found.keys() if signed[name] != found[name]):
        return f"{', '.join(altered)} is not what was signed"
    if left_out := sorted(found.keys() - signed.keys()):
        return f"it leaves out {', '.join(left_out)}"
    if missing := sorted(signed.keys() - found.keys()):
        return f"it is over {', '.join(name[:100] for name in missing[:5])} too, and the bundle holds no such file"
    return None
