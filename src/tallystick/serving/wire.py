"""What travels: one request body read as records, byte for byte, and answers written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallystick.serving.requests import Answer, Decided, Recorded, Refused, Request

MOST_REQUESTS = 100
KEY_CHARACTERS = 200

STATUS = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "too_large": 413,
    "invalid": 422,
    "too_many": 429,
    "internal": 500,
    "unavailable": 503,
}


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several requests in a body: the record as it stands there, and perhaps its idempotency key."""

    record: msgspec.Raw
    key: str | None = None


class Several(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body with several requests."""

    requests: list[Item]


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a JSON body, and what else its headers say."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


_top = msgspec.json.Decoder(dict[str, msgspec.Raw])
_several = msgspec.json.Decoder(Several)


def read(body: bytes, key: str | None) -> tuple[list[Request], bool] | Refused:
    """Read a body as requests, and say whether it held several.

    One record is the body itself, kept as it was received. Several stand in ``{"requests": [{"record": {...},
    "key": "..."}]}``; each record is the slice of the body that it occupies.

    Parameters
    ----------
    body : as it was received
    key : the idempotency key of the header, if there is one; only a body of one record may have it

    Examples
    --------
    >>> requests, are_several = read(b'{"requests": [{"record": {"id":  1}}]}', None)
    >>> requests[0].raw, are_several
    (b'{"id":  1}', True)
    """
    if key is not None and not key.isascii():
        return Refused("malformed", "An Idempotency-Key in a header is ASCII. Others may stand in a body's 'key'.")
    try:
        fields = _top.decode(body)
        if set(fields) != {"requests"}:
            return _checked([Request(body, key)], are_several=False)
        items = _several.decode(body).requests
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused("malformed", f"The body is no JSON object that can be read here: {error}.")
    if key is not None:
        return Refused("malformed", "One Idempotency-Key cannot name several requests. Give each its own 'key'.")
    return _checked([Request(bytes(item.record), item.key) for item in items], are_several=True)


def response(answer: Answer) -> Response:
    """Return the response to one request."""
    return refusal(answer) if isinstance(answer, Refused) else Response(200, msgspec.json.encode(plain(answer)))


def responses(answers: Sequence[Answer]) -> Response:
    """Return the response to several: each answer in its place, with the status it would have had alone."""
    answered = [{"status": _status(answer)} | plain(answer) for answer in answers]
    return Response(200, msgspec.json.encode({"answers": answered}))


def refusal(refused: Refused, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response that refuses.

    Parameters
    ----------
    refused : why, which also tells the status
    headers : what a caller may need beside it, such as ``retry-after``
    """
    return Response(_status(refused), msgspec.json.encode(plain(refused)), headers or {})


def plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain data."""
    match answer:
        case Decided(logged=logged):
            decision = logged.decision
            return {
                "model": logged.model,
                "decision_id": logged.key,
                "action": decision.action,
                "score": decision.score,
                "threshold": decision.threshold,
                "reasons": [{"feature": r.feature, "contribution": r.contribution} for r in decision.reasons],
                "fallback": decision.fallback,
                "bundle": decision.bundle,
                "position": logged.position,
            }
        case Recorded(stream=stream, id=name, position=position, is_repeated=is_repeated):
            return {"stream": stream, "id": name, "position": position, "repeated": is_repeated}
        case Refused(error=error, message=message, fields=fields):
            return {"error": error, "message": message} | ({"fields": dict(fields)} if fields else {})


def _status(answer: Answer) -> int:
    return STATUS[answer.error] if isinstance(answer, Refused) else 200


def _checked(requests: list[Request], *, are_several: bool) -> tuple[list[Request], bool] | Refused:
    if not 0 < len(requests) <= MOST_REQUESTS:
        return Refused("malformed", f"There are {len(requests)} requests. Send 1 to {MOST_REQUESTS} at once.")
    for request in requests:
        if request.key is not None and not (0 < len(request.key) <= KEY_CHARACTERS and request.key.isprintable()):
            return Refused("malformed", f"An idempotency key has 1 to {KEY_CHARACTERS} printable characters.")
    return requests, are_several
