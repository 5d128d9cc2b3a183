"""Actors' keys: EC P-256 in PEM files that only their owner can read, and the signatures they make."""

import os
import re
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tallystick.durable import create_file
from tallystick.errors import EnrolmentRefused, KeyExists, KeyMissing, KeyUnreadable, KeyUnsafe

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_ECDSA = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class Signer:
    """An actor with the private key in hand.

    Attributes
    ----------
    actor : str
        Who signs.
    private_path, public_path : Path
        The PEM files, for whoever signs bundles with the same key.
    """

    actor: str
    private_path: Path
    public_path: Path
    _key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    @property
    def public_pem(self) -> str:
        """The public key as PEM, as the ledger keeps it."""
        return pem_of(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return r and s, 32 bytes each, of an ECDSA signature over SHA-256.

        Of the two values of s that verify, the lower one is taken, so that nobody can turn a signature
        into another one that verifies.
        """
        r, s = decode_dss_signature(self._key.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class Keys:
    """A folder of key files: `<actor>.pem` is private (mode 0600), `<actor>.pub.pem` may be shown to anybody.

    Examples
    --------
    >>> import tempfile
    >>> keys = Keys(Path(tempfile.mkdtemp()) / "keys")
    >>> ada = keys.create("ada")
    >>> verifies(ada.public_pem, ada.sign(b"a sentence"), b"a sentence")
    True
    >>> keys.load("ada").public_pem == ada.public_pem
    True
    """

    folder: Path

    def create(self, actor: str) -> Signer:
        """Make an actor's key and write both files.

        Raises
        ------
        EnrolmentRefused
            When the name cannot be a file's name.
        KeyExists
            When the actor has a key here: none is ever overwritten.
        """
        check_actor_name(actor)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        private, public = self._paths(actor)
        self._write(private, _private_pem(key), 0o600, actor)
        self._write(public, pem_of(key.public_key()).encode(), 0o644, actor)
        return Signer(actor, private, public, key)

    def load(self, actor: str) -> Signer:
        """Read an actor's key.

        Raises
        ------
        EnrolmentRefused
            When the name cannot be a file's name.
        KeyMissing
            When the actor has no key here.
        KeyUnsafe
            When others may read the key, or write to its folder.
        KeyUnreadable
            When the file holds no unencrypted EC P-256 key.
        """
        check_actor_name(actor)
        private, public = self._paths(actor)
        key = read_private(private, actor)
        if not public.exists():
            self._write(public, pem_of(key.public_key()).encode(), 0o644, actor)
        return Signer(actor, private, public, key)

    def load_or_create(self, actor: str) -> Signer:
        """Read an actor's key, or make it where there is none."""
        check_actor_name(actor)
        return self.load(actor) if self._paths(actor)[0].exists() else self.create(actor)

    def _paths(self, actor: str) -> tuple[Path, Path]:
        return self.folder / f"{actor}.pem", self.folder / f"{actor}.pub.pem"

    def _write(self, path: Path, content: bytes, mode: int, actor: str) -> None:
        try:
            create_file(path, content, mode=mode)
        except FileExistsError as error:
            raise KeyExists(path, actor=actor) from error


def check_actor_name(actor: str) -> None:
    """Refuse a name that could not be a file's name as it stands.

    Raises
    ------
    EnrolmentRefused
        When it is not letters, digits and ``. _ @ + -``, beginning with a letter or digit.
    """
    if not _ACTOR.fullmatch(actor) or actor.endswith(".pub"):
        reason = (
            "a name has up to 64 letters, digits and . _ @ + -, begins with a letter or digit, does not end in .pub"
        )
        raise EnrolmentRefused(actor, reason=reason)


def verifies(public_pem: str, signature: bytes, message: bytes) -> bool:
    """Say whether a signature, r and s of 32 bytes with the lower s, is by this key over this message.

    Parameters
    ----------
    public_pem : str
        The key.
    signature : bytes
        r and s as `Signer.sign` returns them; anything else verifies nothing.
    message : bytes
        What was signed.

    Raises
    ------
    ValueError
        When the text is no EC P-256 key.
    """
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or s > _ORDER // 2:
        return False
    try:
        load_public(public_pem).verify(encode_dss_signature(r, s), message, _ECDSA)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=256)
def load_public(public_pem: str) -> ec.EllipticCurvePublicKey:
    """Return the key of a PEM text.

    Raises
    ------
    ValueError
        When the text is no EC P-256 key.
    """
    try:
        key = serialization.load_pem_public_key(public_pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        msg = "it is a key of another kind than EC P-256"
        raise ValueError(msg)  # noqa: TRY004 -- callers ask about the text, not about its type
    return key


def canonical_pem(public_pem: str) -> str:
    """Return the one PEM text of a key, whatever line lengths or comments it came with.

    Raises
    ------
    ValueError
        When the text is no EC P-256 key.
    """
    return pem_of(load_public(public_pem))


def pem_of(key: ec.EllipticCurvePublicKey) -> str:
    """Return the one PEM text of a key in hand."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, spki).decode()


def read_private(path: Path, actor: str) -> ec.EllipticCurvePrivateKey:
    """Read a private key's file.

    Parameters
    ----------
    path : a PEM file, unencrypted
    actor : whose it is, for the sentence of an error

    Raises
    ------
    KeyMissing
        When there is no such file.
    KeyUnsafe
        When others may read it, or write to its folder.
    KeyUnreadable
        When it holds no unencrypted EC P-256 key.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyMissing(path, actor=actor) from error
    except OSError as error:
        raise KeyUnreadable(path, reason=str(error.strerror)) from error
    with os.fdopen(handle, "rb") as file:
        # The open file is asked, so that nobody exchanges it between the question and the reading.
        _check_private(path, os.fstat(handle).st_mode, path.parent.stat().st_mode)
        return _parse_private(path, file.read())


def _check_private(path: Path, file_mode: int, folder_mode: int) -> None:
    if stat.S_IMODE(file_mode) & 0o077:
        raise KeyUnsafe(path, mode=stat.S_IMODE(file_mode), wanted=0o600)
    if stat.S_IMODE(folder_mode) & 0o022:
        raise KeyUnsafe(path.parent, mode=stat.S_IMODE(folder_mode), wanted=0o700)


def _parse_private(path: Path, content: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable(path, reason=str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnreadable(path, reason="it is a key of another kind")
    return key


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
