"""The application's answers when it cannot answer well: full, stopping, broken, cut off."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallystick.serving import tokens
from tallystick.serving.committer import Committer
from tallystick.serving.http import App, application
from tallystick.serving.requests import Request, Task
from tallystick.serving.service import Service
from tallystick.serving.tokens import Tokens
from tallystick.testing.world import World


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Return a token that may do everything."""
    return tokens.create(tmp_path / "tokens", "all", ["decide", "record", "read"])


@pytest.fixture
def committer(service: Service) -> Iterator[Committer]:
    """Return a committer that takes one task, and does not work yet."""
    committer = Committer(service.handle, most_waiting=1)
    yield committer
    if committer._thread.is_alive():
        committer.stop()


@pytest.fixture
def app(service: Service, committer: Committer, tmp_path: Path) -> App:
    """Return the application over both."""
    return application(service, committer, Tokens(tmp_path / "tokens"))


def ask(app: App, token: str, *messages: dict[str, Any], **scope: Any) -> tuple[int, Any, dict[bytes, bytes]]:
    """Send one request to an application, and return status, body and headers."""
    waiting = list(messages) or [{"type": "http.request", "body": b'{"payment_id": 1}'}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode()), *scope.pop("headers", [])]
    requested = {"type": "http", "method": "POST", "path": "/decisions", "headers": headers} | scope
    asyncio.run(app(requested, receive, send))
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"]), dict(sent[0]["headers"])


def test_a_full_queue_is_429(app: App, token: str, committer: Committer) -> None:
    """Who comes when no more may wait is told when to come again."""
    committer.submit([Task("payments", Request(b"{}"), is_decision=True)])

    status, body, headers = ask(app, token)

    assert (status, body["error"], headers[b"retry-after"]) == (429, "too_many", b"1")
    committer.start()


def test_a_stopping_service_is_503(app: App, token: str, committer: Committer) -> None:
    """Who comes while it goes down is told to come again."""
    committer.start()
    committer.stop()

    status, body, headers = ask(app, token)

    assert (status, body["error"], headers[b"retry-after"]) == (503, "unavailable", b"5")


def test_an_error_of_ours_shows_nothing_of_us(
    app: App, token: str, service: Service, committer: Committer, caplog: pytest.LogCaptureFixture
) -> None:
    """What breaks here is told in our own log, and to the caller only that it was not the caller's fault."""
    (state,) = service._states.values()
    state.online.store.close()
    committer.start()

    with caplog.at_level(logging.CRITICAL):
        status, body, _ = ask(app, token)

    assert status in {500, 503}
    assert "lmdb" not in str(body).lower()
    assert "Traceback" not in str(body)


def test_a_body_that_ends_early_is_refused(app: App, token: str, committer: Committer) -> None:
    """A caller that goes away in the middle of its body has asked for nothing."""
    part = {"type": "http.request", "body": b'{"payment_id": 1}', "more_body": True}

    status, body, _ = ask(app, token, part, {"type": "http.disconnect"})

    assert (status, body["error"]) == (400, "malformed")
    assert committer._n_waiting == 0


def test_a_body_that_never_ends_is_refused(service: Service, token: str, tmp_path: Path, committer: Committer) -> None:
    """A caller that stops in the middle of its body and stays is sent away, and holds nothing."""
    app = application(service, committer, Tokens(tmp_path / "tokens"), body_s=0.05)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode())]
    asyncio.run(app({"type": "http", "method": "POST", "path": "/decisions", "headers": headers}, receive, send))

    assert sent[0]["status"] == 400
    assert b"did not arrive in time" in sent[1]["body"]
    assert committer._n_waiting == 0


def test_a_stream_has_the_route_that_its_definition_says(app: App, token: str, committer: Committer) -> None:
    """Reports are posted as outcomes, whether or not features aggregate them too; the other route says so."""
    committer.start()
    body = {"report_id": "R", "reported_at": "2026-01-31T00:00:00Z", "payment_id": "P"}

    answers = [
        ask(app, token, {"type": "http.request", "body": msgspec.json.encode(body)}, path=f"/{kind}s/chargebacks")
        for kind in ("event", "outcome")
    ]

    assert [status for status, _, _ in answers] == [404, 200]
    assert "Post to /outcomes/" in answers[0][1]["message"]


def test_a_decision_says_who_asked(app: App, token: str, service: Service, committer: Committer, world: World) -> None:
    """The name of the token stands in the decision, and the model may be named in the path."""
    committer.start()
    message = {"type": "http.request", "body": world.payments(1)[0]}

    status, body, _ = ask(app, token, message, path="/models/card-fraud/decisions")

    found = service.decision(body["decision_id"], model="card-fraud")
    assert (status, body["model"]) == (200, "card-fraud")
    assert found is not None
    assert found.decision.caller == "all"


def test_a_model_that_is_not_served_is_a_sentence(app: App, token: str) -> None:
    """Another model's path names what is served here."""
    status, body, _ = ask(app, token, path="/models/credit/decisions")

    assert (status, body["error"]) == (404, "not_found")
    assert "card-fraud" in body["message"]


def test_a_key_in_a_header_is_ascii(app: App, token: str) -> None:
    """A key is the same text in header and body, so a header's bytes beyond ASCII are refused."""
    status, body, _ = ask(app, token, headers=[(b"idempotency-key", b"\xc3\xa9")])

    assert (status, body["error"]) == (400, "malformed")
