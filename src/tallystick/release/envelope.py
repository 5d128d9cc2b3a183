"""The form of a signature file: a sigstore bundle around a DSSE envelope, signed once by an EC P-256 key."""

import base64
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tallystick.definitions.digest import digest_bytes
from tallystick.ledger.keys import pem_of

_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_ECDSA = ec.ECDSA(SHA256())


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature file holds; nothing of it has been verified.

    Parameters
    ----------
    key : the SHA-256 of the signer's public key as PEM, in hex, as the file has it
    payload : what was signed
    signature : r and s in DER. Its twin with the other s verifies too: the format allows both, and a bundle's digest
        does not depend on it
    """

    key: str
    payload_type: str
    payload: bytes
    signature: bytes

    def is_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Say whether this key signed the payload under its type."""
        try:
            key.verify(self.signature, _message(self.payload_type, self.payload), _ECDSA)
        except InvalidSignature:
            return False
        return True


def seal(payload: bytes, *, payload_type: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign a payload and return the content of a signature file.

    Parameters
    ----------
    payload : what is signed
    payload_type : the media type of it, which is signed too
    key : of the curve P-256

    References
    ----------
    DSSE, protocol version 1; Sigstore, bundle format v0.3 with a public key's hint.
    """
    signature = key.sign(_message(payload_type, payload), _ECDSA)
    bundle = _Bundle(
        media_type=_MEDIA_TYPE,
        verification_material=_VerificationMaterial(public_key=_Key(hint=key_digest(key.public_key()))),
        dsse_envelope=_Dsse(
            payload=_text(payload), payload_type=payload_type, signatures=(_Signature(sig=_text(signature)),)
        ),
    )
    return msgspec.json.encode(bundle)


def unseal(content: bytes) -> Envelope:
    """Read a signature file, without verifying anything.

    Raises
    ------
    ValueError
        If it is no sigstore bundle of this version that names one key and holds one signature.
    """
    try:
        bundle = msgspec.json.decode(content, type=_Bundle)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        msg = f"it is no sigstore bundle with a public key and an envelope ({error})"
        raise ValueError(msg) from error
    if bundle.media_type != _MEDIA_TYPE:
        msg = f"its media type is {bundle.media_type[:100]!r}, and this version knows {_MEDIA_TYPE!r}"
        raise ValueError(msg)
    dsse = bundle.dsse_envelope
    if len(dsse.signatures) != 1:
        msg = f"it holds {len(dsse.signatures)} signatures instead of one"
        raise ValueError(msg)
    return Envelope(
        key=bundle.verification_material.public_key.hint,
        payload_type=dsse.payload_type,
        payload=_bytes(dsse.payload, "payload"),
        signature=_bytes(dsse.signatures[0].sig, "signature"),
    )


def key_digest(key: ec.EllipticCurvePublicKey) -> str:
    """Return how a signature file names a key: the SHA-256 of its PEM, in hex."""
    return digest_bytes(pem_of(key).encode())


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    hint: str


class _VerificationMaterial(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    public_key: _Key
    tlog_entries: tuple[Any, ...] = ()


class _Signature(msgspec.Struct, frozen=True, kw_only=True):
    sig: str
    keyid: str = ""


class _Dsse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    payload: str
    payload_type: str
    signatures: tuple[_Signature, ...]


class _Bundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    media_type: str
    verification_material: _VerificationMaterial
    dsse_envelope: _Dsse


def _message(payload_type: str, payload: bytes) -> bytes:
    """Return what is really signed: type and payload, each after its length, so that neither runs into the other."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str, what: str) -> bytes:
    # The last character of base64 has bits that decoding drops; writing it again shows whether they were touched.
    content = base64.b64decode(text, validate=True)
    if _text(content) != text:
        msg = f"its {what} is not written as base64 is"
        raise ValueError(msg)
    return content
