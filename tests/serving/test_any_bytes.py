"""Whatever is sent, the answer is typed: no bytes break the service, and none become what they are not."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.definitions.clock import SettableClock
from tallystick.log.sqlite import SqliteLog
from tallystick.serving import tokens
from tallystick.serving.committer import Committer
from tallystick.serving.http import App, application
from tallystick.serving.service import Service
from tallystick.serving.state import open_state
from tallystick.serving.tokens import Tokens
from tallystick.testing.world import NOW, World

GOOD = b'{"payment_id":"p1","paid_at":"2026-02-14T12:00:00Z","customer_id":1,"terminal_id":"T1","amount":12.30}'
MANY = b'{"requests": [{"record": ' + GOOD + b', "key": "k"}]}'

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1e400", "-0", "2026-13-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["payment_id", "paid_at", "customer_id", "terminal_id", "amount", "requests", "x"])
objects = st.dictionaries(fields, values, max_size=7).map(msgspec.json.encode)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a good body with some bytes exchanged, taken out or put in."""
    body = bytearray(draw(st.sampled_from([GOOD, MANY])))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(body)


@pytest.fixture(scope="module")
def serving(first_world: World) -> Iterator[tuple[App, str]]:
    """Return an application over a log of its own, and a token."""
    with tempfile.TemporaryDirectory() as name, SqliteLog.create_or_open(Path(name) / "log.sqlite") as log:
        folder, bundle = Path(name), first_world.open_bundle()
        online = open_state(folder / "state", bundle.plan)
        service = Service([bundle], log, {bundle.plan.state_digest: online}, SettableClock(NOW))
        committer = Committer(service.handle)
        committer.start()
        token = tokens.create(folder / "tokens", "all", ["decide", "record", "read"])
        yield application(service, committer, Tokens(folder / "tokens")), token
        committer.stop()
        online.close()


@given(body=st.one_of(st.binary(max_size=80), objects, mutated()), key=st.none() | st.binary(max_size=8))
@settings(max_examples=300)
def test_any_body_gets_a_typed_answer(serving: tuple[App, str], body: bytes, key: bytes | None) -> None:
    """Every body is decided, or refused as malformed, invalid or in conflict; never an error of ours."""
    app, token = serving
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode())] + ([] if key is None else [(b"idempotency-key", key)])
    asyncio.run(app({"method": "POST", "path": "/decisions", "type": "http", "headers": headers}, receive, send))

    answer = msgspec.json.decode(sent[1]["body"])
    assert sent[0]["status"] in {200, 400, 409, 422}
    assert {"answers", "decision_id", "error"} & set(answer)
    assert sent[0]["status"] == 200 or answer["message"]
