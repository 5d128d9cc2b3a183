"""What a signature says: an in-toto statement of every file and its digest, as OpenSSF model-signing has it."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from tallystick.definitions.digest import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_HASH = "sha256"

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


def state(name: str, digests: Mapping[str, str]) -> bytes:
    """Return the statement about a folder of files, as canonical JSON.

    Parameters
    ----------
    name : what the folder is called; it informs a reader, and verifying does not look at it
    digests : file's name -> SHA-256 in hex, of every file

    References
    ----------
    in-toto attestation framework, Statement v1; model-signing, predicate ``model_signing/signature/v1.0``.

    Examples
    --------
    >>> read(state("champion", {"card.json": "0" * 64}))
    {'card.json': '0000000000000000000000000000000000000000000000000000000000000000'}
    """
    resources = tuple(_Resource(name=file, digest=digests[file], algorithm=_HASH) for file in sorted(digests))
    statement = _Statement(
        kind=_STATEMENT,
        subject=(_Subject(name=name, digest={_HASH: _root(resources)}),),
        predicate_type=_PREDICATE,
        predicate=_Predicate(serialization=_Serialization(), resources=resources),
    )
    return canonical(msgspec.to_builtins(statement))


def read(payload: bytes) -> dict[str, str]:
    """Return the digests that a statement gives to its files.

    What a later version of the format may add to it is passed over, as the format asks.

    Raises
    ------
    ValueError
        If it is no statement of this kind, names a file twice, or its parts do not give its root.
    """
    try:
        statement = msgspec.json.decode(payload, type=_Statement)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        msg = f"what was signed is no in-toto statement about files ({error})"
        raise ValueError(msg) from error
    _check_kind(statement)
    resources = statement.predicate.resources
    digests = {resource.name: resource.digest for resource in resources}
    if len(digests) != len(resources):
        msg = "it names a file twice"
        raise ValueError(msg)
    if [subject.digest.get(_HASH) for subject in statement.subject] != [_root(resources)]:
        msg = "the digests of its files do not give its root digest"
        raise ValueError(msg)
    return digests


class _Resource(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    algorithm: str
    digest: Sha256


class _Serialization(msgspec.Struct, frozen=True, kw_only=True):
    """How files were hashed. Which were left out does not matter here: the files named are held to those there are."""

    method: str = "files"
    hash_type: str = _HASH
    allow_symlinks: bool = False


class _Predicate(msgspec.Struct, frozen=True, kw_only=True):
    serialization: _Serialization
    resources: tuple[_Resource, ...]


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True, kw_only=True):
    kind: str = msgspec.field(name="_type")
    subject: tuple[_Subject, ...]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: _Predicate


def _check_kind(statement: _Statement) -> None:
    serialization = statement.predicate.serialization
    for what, found, wanted in (
        ("statement", statement.kind, _STATEMENT),
        ("predicate", statement.predicate_type, _PREDICATE),
        ("way of hashing", f"{serialization.method} {serialization.hash_type}", f"files {_HASH}"),
        *(("hash", resource.algorithm, _HASH) for resource in statement.predicate.resources),
    ):
        if found != wanted:
            msg = f"its {what} is {found[:100]!r}, and this version knows {wanted!r}"
            raise ValueError(msg)


def _root(resources: Iterable[_Resource]) -> str:
    """Return the digest over all digests, in the order in which they are listed."""
    return hashlib.sha256(b"".join(bytes.fromhex(resource.digest) for resource in resources)).hexdigest()
