"""HTTP, as thin as it can be: handlers that wrap handlers around the committer, the guard outermost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from tallystick.data.refusals import abbreviated
from tallystick.errors import ModelNotServed, QueueFull, ServiceStopped
from tallystick.serving import wire
from tallystick.serving.committer import Committer
from tallystick.serving.requests import Refused, Task
from tallystick.serving.routes import Requested, resolve
from tallystick.serving.service import Service
from tallystick.serving.tokens import Grant, Tokens
from tallystick.serving.wire import Response, refusal

MOST_BYTES = 1_000_000
BODY_S = 10.0

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

_log = logging.getLogger("tallystick.serving")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request whose body was not read yet; ``caller`` is the name of its token, once that was asked for."""

    requested: Requested
    headers: dict[bytes, bytes]
    receive: Receive
    caller: str = ""


Handler = Callable[[Incoming], Awaitable[Response]]


def application(
    service: Service, committer: Committer, tokens: Tokens, *, most_bytes: int = MOST_BYTES, body_s: float = BODY_S
) -> App:
    """Return the server as an ASGI application; a request meets the wrappers from top to bottom.

    Parameters
    ----------
    most_bytes : of a body
    body_s : how many seconds a body may take to arrive
    """
    return _spoken(
        then=guarded(
            tokens,
            then=without_internals(
                then=_Rooms(service, committer, most_bytes, body_s).answer,
            ),
        )
    )


def guarded(tokens: Tokens, *, then: Handler) -> Handler:
    """Refuse who has no token, or none for this route; only the health check is open.

    Parameters
    ----------
    tokens : who may ask for what
    then : what answers those who may; it finds the bearer's name as ``caller``
    """

    async def handle(incoming: Incoming) -> Response:
        route = incoming.requested.route
        if route is not None and route.is_open:
            return await then(incoming)
        grant = _grant(tokens, incoming.headers.get(b"authorization", b""))
        if grant is None:
            refused = Refused("unauthenticated", "Send 'Authorization: Bearer' and a token that is known here.")
            return refusal(refused, {"www-authenticate": "Bearer"})
        if route is not None and route.scope is not None and route.scope not in grant.scopes:
            return refusal(Refused("forbidden", f"This token may not do that: it needs the scope {route.scope!r}."))
        return await then(replace(incoming, caller=grant.name))

    return handle


def without_internals(*, then: Handler) -> Handler:
    """Answer every error in a sentence that tells a caller what to do, and nothing of how we are made."""

    async def handle(incoming: Incoming) -> Response:
        try:
            return await then(incoming)
        except QueueFull:
            return refusal(Refused("too_many", "Too many requests are waiting. Send it again."), {"retry-after": "1"})
        except ServiceStopped:
            return refusal(Refused("unavailable", "The service is stopping. Send it again."), {"retry-after": "5"})
        except Exception:  # noqa: BLE001 - a caller gets an answer, whatever broke
            _log.exception("a request failed")
            return refusal(Refused("internal", "The request failed here, not by your fault. Send it again later."))

    return handle


@dataclass(frozen=True, slots=True)
class _Rooms:
    """The routes' own handlers."""

    service: Service
    committer: Committer
    most_bytes: int
    body_s: float

    async def answer(self, incoming: Incoming) -> Response:
        route = incoming.requested.route
        match route.name if route else None:
            case "decide":
                return await self._decide(incoming)
            case "event" | "outcome" as kind:
                return await self._record(incoming, kind)
            case "decision":
                return await self._decision(incoming)
            case "health":
                return Response(200, b'{"status":"alive"}')
            case "ready":
                return Response(200, msgspec.json.encode({"status": "ready"} | self.service.described()))
            case _:
                return _lost(incoming.requested)

    async def _decide(self, incoming: Incoming) -> Response:
        model = self._model(incoming.requested.segments)
        return model if isinstance(model, Response) else await self._submit(incoming, model, is_decision=True)

    def _model(self, segments: tuple[str, ...]) -> str | Response:
        try:
            return self.service.model(segments[0] if segments else None)
        except ModelNotServed as error:
            known = ", ".join(error.known)
            if error.model is None:
                sentence = f"Several models decide here: {known}. Post to /models/MODEL/decisions."
                return refusal(Refused("not_found", sentence))
            return refusal(Refused("not_found", f"There is no model {abbreviated(error.model)} here. Known: {known}."))

    async def _record(self, incoming: Incoming, kind: str) -> Response:
        (stream,) = incoming.requested.segments
        kinds = self.service.kinds
        if stream not in kinds:
            known = ", ".join(kinds)
            return refusal(Refused("not_found", f"There is no stream {abbreviated(stream)} here. Known: {known}."))
        if kinds[stream] != kind:
            return refusal(Refused("not_found", f"{stream!r} holds {kinds[stream]}s. Post to /{kinds[stream]}s/."))
        return await self._submit(incoming, stream, is_decision=False)

    async def _submit(self, incoming: Incoming, target: str, *, is_decision: bool) -> Response:
        try:
            async with asyncio.timeout(self.body_s):
                body = await _body(incoming, self.most_bytes)
        except TimeoutError:
            # Whoever stops sending would hold a connection for ever, and keep the server from stopping.
            return refusal(Refused("malformed", "The body did not arrive in time. Send it again, whole."))
        key = incoming.headers.get(b"idempotency-key")
        read = body if isinstance(body, Refused) else wire.read(body, None if key is None else key.decode("latin-1"))
        if isinstance(read, Refused):
            return refusal(read)
        requests, are_several = read
        tasks = [Task(target, request, is_decision, incoming.caller) for request in requests]
        answers = await asyncio.wrap_future(self.committer.submit(tasks))
        return wire.responses(answers) if are_several else wire.response(answers[0])

    async def _decision(self, incoming: Incoming) -> Response:
        *models, key = incoming.requested.segments
        model = self._model(tuple(models))
        if isinstance(model, Response):
            return model
        found = await asyncio.to_thread(self.service.decision, key, model=model)
        if found is None:
            return refusal(Refused("not_found", f"There is no decision {abbreviated(key)} of {model}."))
        place = {"model": model, "decision_id": key, "position": found.position, "at": found.logged.at}
        return Response(200, msgspec.json.encode(place | msgspec.to_builtins(found.decision)))


def _grant(tokens: Tokens, header: bytes) -> Grant | None:
    kind, _, token = header.partition(b" ")
    return tokens.grant(token.decode("latin-1")) if kind.lower() == b"bearer" and token else None


def _lost(requested: Requested) -> Response:
    if requested.allowed:
        allowed = ", ".join(requested.allowed)
        return refusal(Refused("method_not_allowed", f"This path takes {allowed} only."), {"allow": allowed})
    return refusal(Refused("not_found", "There is nothing at this path."))


async def _body(incoming: Incoming, most_bytes: int) -> bytes | Refused:
    """Read the body, and stop where it grows too large, whatever its header said."""
    too_large = Refused("too_large", f"The body is larger than {most_bytes} bytes. Send fewer requests at once.")
    announced = incoming.headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > most_bytes:
        return too_large
    parts, size, is_more = [], 0, True
    while is_more:
        message = await incoming.receive()
        if message["type"] != "http.request":
            return Refused("malformed", "The body ended early. Send it again, whole.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most_bytes:
            return too_large
        is_more = message.get("more_body", False)
    return b"".join(parts)


def _spoken(*, then: Handler) -> App:
    """Speak ASGI: turn its messages into a request, and a response into its messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        requested = resolve(scope["method"], scope.get("raw_path") or scope["path"].encode())
        answered = await then(Incoming(requested, dict(scope["headers"]), receive))
        headers = {"content-type": "application/json", "content-length": str(len(answered.body))} | dict(
            answered.headers
        )
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answered.status, "headers": pairs})
        await send({"type": "http.response.body", "body": answered.body})

    return app
