"""HTTP adds nothing and forgets nothing: typed answers, exact bytes, a token for all but the health check."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallystick.log.opening import open_log
from tallystick.serving import tokens
from tallystick.serving.http import MOST_BYTES
from tallystick.serving.routes import ROUTES
from tallystick.testing.server_process import ServerProcess
from tallystick.testing.world import World

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture(scope="module")
def served(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Return a running server over a copy of the world, with a token that may do everything."""
    folder = _copied(first_world, tmp_path_factory.mktemp("served") / "project")
    token = tokens.create(folder / "tokens", "all", ["decide", "record", "read"])
    with ServerProcess(folder, first_world.bundle, token=token) as process:
        process.wait()
        yield process


def _copied(world: World, folder: Path) -> Path:
    shutil.copytree(world.folder, folder)
    return folder


def payment(name: str, **changes: Any) -> bytes:
    """Return a request about a payment of the world's last day."""
    fields = {
        "payment_id": name, "paid_at": "2026-02-14T12:00:00Z", "customer_id": "C00001", "terminal_id": "T00001",
        "amount": "12.30",
    }  # fmt: skip
    return msgspec.json.encode(fields | changes)


def test_a_decision_is_answered_and_found_again(served: ServerProcess) -> None:
    """POST decides, a retry gives the same answer, GET by id gives the whole entry."""
    first = served.ask("POST", "/decisions", payment("a/1"))
    repeated = served.ask("POST", "/decisions", payment("a/1"))
    found = served.ask("GET", "/decisions/a%2F1")

    assert first.status == repeated.status == found.status == 200
    assert first.body == repeated.body
    assert set(first.body) == {
        "model", "decision_id", "action", "score", "threshold", "reasons", "fallback", "bundle", "position",
    }  # fmt: skip
    assert (found.body["decision_id"], found.body["position"]) == ("a/1", first.body["position"])
    assert found.body["score"] == first.body["score"]


def test_several_records_keep_their_own_bytes(served: ServerProcess) -> None:
    """Each record of a body is logged as the slice it was, and each answer has the status it would have alone."""
    odd = b'{ "payment_id":"s1",  "paid_at":"2026-02-14T12:00:00Z","customer_id":1, "terminal_id":"T1","amount": 1.10}'
    body = b'{"requests": [{"record": ' + odd + b'}, {"record": {"payment_id": 2}, "key": "k"}]}'

    reply = served.ask("POST", "/decisions", body)

    assert [answer["status"] for answer in reply.body["answers"]] == [200, 422]
    position = reply.body["answers"][0]["position"]
    with open_log(_folder(served) / "log.sqlite") as log:
        event = log.entry(position - 1)
    assert event is not None
    assert event.body == odd


def _folder(served: ServerProcess) -> Path:
    return Path(str(served.process.args[3]))  # type: ignore[index]


def test_the_header_names_the_decision(served: ServerProcess) -> None:
    """An Idempotency-Key is the decision's id, and with another body it is a conflict."""
    headers = served.headers | {"idempotency-key": "order-7"}

    first = served.ask("POST", "/decisions", payment("h1"), headers)
    other = served.ask("POST", "/decisions", payment("h2"), headers)

    assert first.body["decision_id"] == "order-7"
    assert (other.status, other.body["error"]) == (409, "conflict")


def test_wrong_fields_are_all_named(served: ServerProcess) -> None:
    """422 names every field with a sentence."""
    reply = served.ask("POST", "/decisions", payment("w", amount="-1", colour="red"))

    assert reply.status == 422
    assert reply.body["error"] == "invalid"
    assert set(reply.body["fields"]) == {"amount", "colour"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"requests": []}',
        b'{"requests": [{"key": "k"}]}',
        b'{"a": 1} x',
        b'{"payment_id":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_what_is_no_request_is_400_or_422(served: ServerProcess, body: bytes) -> None:
    """Broken JSON and empty batches are refused with a sentence."""
    reply = served.ask("POST", "/decisions", body)

    assert reply.status == 400
    assert reply.body["error"] == "malformed"


def test_too_much_is_refused_before_it_is_read(served: ServerProcess) -> None:
    """A body over the limit is 413, announced or chunked, and the next request is served."""
    announced = served.ask("POST", "/decisions", b" " * (MOST_BYTES + 1))
    many = msgspec.json.encode({"requests": [{"record": {}}] * 101})
    chunked = _raw(
        served, b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n" % (MOST_BYTES + 1) + b" " * (MOST_BYTES + 1)
    )

    assert announced.status == 413
    assert announced.body["error"] == "too_large"
    assert chunked.startswith(b"HTTP/1.1 413")
    assert served.ask("POST", "/decisions", many).status == 400
    assert served.ask("GET", "/readyz").status == 200


def _raw(served: ServerProcess, rest: bytes) -> bytes:
    head = f"POST /decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token}\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head + rest)
        return connection.recv(4096)


def test_events_and_outcomes_go_to_their_own_routes(served: ServerProcess) -> None:
    """Reports are outcomes, records of the spine are events, and each route refuses the other's."""
    report = msgspec.json.encode({"report_id": "r1", "reported_at": "2026-02-14T13:00:00Z", "payment_id": "p1"})

    assert served.ask("POST", "/outcomes/chargebacks", report).status == 200
    assert served.ask("POST", "/outcomes/chargebacks", report).body["repeated"] is True
    assert served.ask("POST", "/events/payments", payment("e1")).status == 200
    assert served.ask("POST", "/events/chargebacks", report).status == 404
    assert served.ask("POST", "/outcomes/payments", payment("e2")).status == 404
    assert served.ask("POST", "/events/nowhere", payment("e2")).body["error"] == "not_found"


def test_every_route_and_verb_wants_a_token(served: ServerProcess) -> None:
    """Without a good token every path and verb is 401, known or not, but for GET /healthz."""
    paths = ["/" + "/".join(part.replace("{}", "payments") for part in route.path) for route in ROUTES]
    strange = [
        "/",
        "//healthz",
        "/healthz/",
        "/healthz/x",
        "/HEALTHZ",
        "/metrics",
        "/decisions/a/b",
        "/docs",
        "/%68ealthz",
    ]
    bad: list[dict[str, str]] = [{}, {"authorization": "Bearer x"}, {"authorization": f"Basic {served.token}"}]

    found = {
        (verb, path): {served.ask(verb, path, None, headers).status for headers in bad}
        for verb in VERBS
        for path in [*paths, *strange]
    }

    open_to_all = {requested for requested, statuses in found.items() if statuses != {401}}
    assert open_to_all <= {("GET", "/healthz"), ("GET", "/%68ealthz")}
    assert found["GET", "/healthz"] == {200}


def test_scopes_decide(served: ServerProcess, first_world: World) -> None:
    """A token does what its scopes say and nothing else: 403."""
    folder = _folder(served)
    token = tokens.create(folder / "tokens", "reader", ["read"])
    headers = {"authorization": f"Bearer {token}"}

    assert served.ask("GET", "/decisions/none", None, headers).status == 404
    assert served.ask("GET", "/readyz", None, headers).status == 200
    assert served.ask("POST", "/decisions", payment("x"), headers).status == 403
    assert served.ask("POST", "/events/payments", payment("x"), headers).status == 403
    assert served.ask("POST", "/outcomes/chargebacks", b"{}", headers).status == 403
    tokens.revoke(folder / "tokens", "reader")
    assert served.ask("GET", "/readyz", None, headers).status == 401


def test_unknown_paths_and_verbs_are_typed(served: ServerProcess) -> None:
    """404 and 405 are JSON with a sentence, and 405 says what is allowed."""
    lost, wrong = served.ask("GET", "/nowhere"), served.ask("PUT", "/decisions", b"{}")

    assert (lost.status, lost.body["error"]) == (404, "not_found")
    assert (wrong.status, wrong.body["error"], wrong.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_two_in_flight_with_one_key_get_one_answer(served: ServerProcess) -> None:
    """However many send one request at once, one decision is made and all hear it."""
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: served.ask("POST", "/decisions", payment("storm")), range(32)))

    assert {reply.status for reply in replies} == {200}
    assert len({reply.body["position"] for reply in replies}) == 1


def test_two_servers_never_share_a_port(served: ServerProcess, first_world: World, tmp_path: Path) -> None:
    """A port that answers for one project is refused to another, in a sentence."""
    folder = _copied(first_world, tmp_path / "project")
    command = [
        sys.executable,
        "-m",
        "tallystick.testing.world_server",
        str(folder),
        first_world.bundle,
        str(served.port),
    ]

    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert found.returncode != 0
    assert f"Nothing can listen on 127.0.0.1:{served.port}" in found.stderr


def test_a_stopped_server_answered_everything_and_signed_its_head(first_world: World, tmp_path: Path) -> None:
    """SIGTERM ends cleanly: exit 0, the state where the log is, its head signed; 5 s of work until ready again."""
    folder = _copied(first_world, tmp_path / "project")
    token = tokens.create(folder / "tokens", "all", ["decide"])
    world = replace(first_world, folder=folder)
    with ServerProcess(folder, first_world.bundle, token=token) as process:
        process.wait()
        sequences = [process.ask("POST", "/decisions", raw).body["position"] for raw in world.payments(5)]
        status = process.stop()

    with ServerProcess(folder, first_world.bundle, token=token) as process:
        process.wait()
        worked_s = process.cpu_s
    assert status == 0
    assert worked_s <= 5
    assert world.ledger.verified_entries("log_head")[-1].facts["position"] == sequences[-1]
