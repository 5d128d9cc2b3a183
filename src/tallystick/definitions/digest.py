"""One canonical text for every value, and its digest: meaning in, sixty-four hex characters out."""

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of a value made of dicts, lists, texts, numbers, booleans and None.

    Integers beyond 2**53 are not JSON numbers everywhere; write them as texts.

    References
    ----------
    RFC 8785, JSON Canonicalization Scheme.

    Examples
    --------
    >>> canonical({"b": 1.0, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    # Digests are kept for years and made by other programs too, so the text is that of a standard, not of a library.
    return rfc8785.dumps(value)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in lower-case hex.

    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    return digest_bytes(canonical(value))


def digest_bytes(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in lower-case hex."""
    return hashlib.sha256(content).hexdigest()
