"""The whole journey through the command line, as a user makes it: each verb for a person, and as JSON."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from tallystick import lifecycle
from tallystick.cli.main import main
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.serving.requests import Decided, Request
from tallystick.simulation.cards import Network
from tallystick.testing import card_project
from tallystick.testing.command import CommandResult, connected, ended, free_port, run, start
from tallystick.testing.server_process import Reply, send

LIVE_DAYS = 20
AS_OF = "2025-06-01"


@dataclass(slots=True)
class Journey:
    """A project's folder and everything that was said on the way."""

    folder: Path
    network: Network
    stated: dict[str, CommandResult] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)

    def tally(self, *arguments: str, actor: str = "ada") -> CommandResult:
        """Run a verb."""
        return run(main, "--project", str(self.folder), "--as", actor, *arguments)

    def document(self, *arguments: str, actor: str = "ada") -> Any:
        """Run a verb with --json and return its document."""
        return self.tally(*arguments, "--json", actor=actor).document


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Make the journey once: new, train, release, enrol, approve, live days, a day over HTTP, retrain."""
    folder = tmp_path_factory.mktemp("journey") / "card-fraud"
    made = Journey(folder, card_project.network())
    made.stated["new"] = run(main, "--project", str(folder.parent), "new", folder.name)
    card_project.fill_project(folder, made.network)
    made.stated["train"] = made.tally("train", "--json")
    made.stated["release"] = made.tally("release", "--json")
    made.stated["enrol"] = made.tally("enrol", "vera", "--role", "validator", "--json")
    bundle = str(made.stated["release"].document["bundle"])
    made.stated["approve"] = made.tally("approve", bundle[:8], "--json", actor="vera")
    _live(made)
    made.stated["token"] = made.tally("token", "till", "--scope", "decide", "--scope", "read", "--json")
    _over_http(made)
    made.stated["retrain"] = made.tally("retrain", "--json")
    return made


def _live(made: Journey) -> None:
    """Let days pass through the service object."""
    clock = SettableClock(card_project.LIVE)
    project = lifecycle.open(made.folder, actor="ada", clock=clock)
    with project.service() as service:
        for day in range(LIVE_DAYS):
            clock.at = card_project.LIVE + (day + 1) * DAY_US
            answers = service.decide([Request(raw) for raw in card_project.payments(made.network, day)])
            assert all(isinstance(answer, Decided) for answer in answers)
            service.record("chargebacks", [Request(raw) for raw in card_project.chargebacks(made.network, day)])


def _over_http(made: Journey) -> None:
    """Ask ``tally serve`` once, as a process of its own, and end it with SIGTERM."""
    raw = card_project.payments(made.network, LIVE_DAYS)[0]
    token = {"authorization": f"Bearer {made.stated['token'].document['token']}"}
    port = free_port()
    process = start(
        "--project", str(made.folder), "--as", "ada", "serve", "--json",
        "--port", str(port), "--rehearse-at", "2025-05-12T00:00:00Z",
    )  # fmt: skip
    connection = connected(port)
    made.replies["decide"] = send(connection, "POST", "/decisions", raw, token)
    made.replies["stranger"] = send(connection, "POST", "/decisions", raw, {})
    made.replies["read"] = send(connection, "GET", f"/decisions/{_id(raw)}", None, token)
    connection.close()
    process.send_signal(signal.SIGTERM)
    made.stated["serve"] = ended(process)
    made.stated["HTTP decision"] = CommandResult(0, _id(raw), "")


def _id(raw: bytes) -> str:
    return str(msgspec.json.decode(raw)["payment_id"])


def test_new_says_what_to_do_next(journey: Journey) -> None:
    """A new project's folder holds its definitions, and the verb says where the data belongs."""
    assert "tally check" in journey.stated["new"].out
    assert {path.name for path in journey.folder.iterdir()} >= {"project.py", "tally.toml", "data", ".gitignore"}


def test_check_counts_every_row(journey: Journey) -> None:
    """``check`` names every source with its rows, and the features of every model."""
    noted, document = journey.tally("check"), journey.document("check")

    n_rows = pq.read_metadata(journey.folder / "data" / "payments.parquet").num_rows
    assert f"{n_rows:,}" in noted.out
    assert document["sources"][0] | {"n_rows": n_rows, "n_refused": 0} == document["sources"][0]
    assert "burst" in document["models"]["card-fraud"]


def test_features_writes_the_table(journey: Journey, tmp_path: Path) -> None:
    """``features`` writes one row for each event of the period, known ones of the log included."""
    out = tmp_path / "matrix.parquet"

    document = journey.document("features", str(out), "--from", "2025-04-20", "--to", "2025-04-24")

    table = pq.read_table(out)
    assert document["rows"] == table.num_rows > 0
    assert table.column_names == ["payment_id", "position", "time", *document["features"]]


def test_train_puts_the_soundest_first(journey: Journey) -> None:
    """``train`` exits 0 where a candidate is without a failed check, and that one comes first."""
    trained = journey.stated["train"]

    assert trained.code == 0
    assert [made["failed"] > 0 for made in trained.document] == [False, True]


def test_show_tells_what_was_found(journey: Journey) -> None:
    """``show`` tells of parts, metrics and every check, by default about the best of the last training."""
    best = journey.stated["retrain"].document["candidate"]

    noted, document = journey.tally("show"), journey.document("show", best[:10])

    assert best[:12] in noted.out
    assert "V101" in noted.out
    assert document["record"]["family"] in noted.out
    assert len(journey.document("show", "--all")) == 4


def test_another_than_the_builder_approves(journey: Journey) -> None:
    """Ada builds, vera approves, and the ledger remembers both."""
    entries = journey.document("ledger", "show")

    kinds = {entry["kind"]: entry["actor"] for entry in entries}
    assert (kinds["released"], kinds["approved"]) == ("ada", "vera")
    assert journey.stated["approve"].document["actor"] == "vera"
    assert "vera" in journey.tally("ledger", "show").out


def test_serve_decides_over_http(journey: Journey) -> None:
    """With a token a payment is decided and found again; without one nothing is; SIGTERM ends in exit 0."""
    assert journey.replies["decide"].status == 200
    assert journey.replies["decide"].body["action"] in {"approve", "refer", "decline"}
    assert journey.replies["read"].body["action"] == journey.replies["decide"].body["action"]
    assert journey.replies["stranger"].status == 401
    assert journey.stated["serve"].code == 0
    assert journey.stated["serve"].document["models"] == {"card-fraud": journey.stated["release"].document["bundle"]}


def test_replay_makes_a_decision_again(journey: Journey) -> None:
    """A decision made over HTTP replays bit for bit."""
    name = journey.stated["HTTP decision"].out

    noted, document = journey.tally("replay", name), journey.document("replay", name)

    assert noted.code == 0
    assert "identical" in noted.out
    assert document["identical"]


def test_replay_makes_a_period_again(journey: Journey) -> None:
    """A period, and a sample of it, replay bit for bit."""
    period = journey.document("replay", "--since", "2025-04-22", "--until", "2025-04-23T12:00:00Z")
    sample = journey.tally("replay", "--sample", "50")

    assert period["identical"]
    assert period["n_replayed"] == period["n_decisions"] > 0
    assert "50 of 50 replayed decisions are identical" in sample.out


def test_replay_with_other_definitions_names_the_stage(journey: Journey) -> None:
    """With a changed definition of today the features differ, and the exit code is 1."""
    project = journey.folder / "project.py"
    written = project.read_text(encoding="utf-8")
    project.write_text(written.replace("hour() <= 6", "hour() <= 23"), encoding="utf-8")

    differing = journey.tally("replay", "--sample", "20", "--todays-definitions", "--json")

    project.write_text(written, encoding="utf-8")
    assert differing.code == 1
    assert set(differing.document["stages"]) == {"features"}


def test_monitor_answers_as_of_an_instant(journey: Journey) -> None:
    """``monitor`` tells what was known at an instant; its exit code is the alarm's."""
    bundle = journey.stated["release"].document["bundle"]

    noted = journey.tally("monitor", bundle[:8], "--as-of", AS_OF)
    document = journey.document("monitor", bundle[:8], "--as-of", AS_OF)

    assert f"bundle {bundle[:12]}" in noted.out
    assert noted.code == int(document["alarm"]["is_alarmed"])
    assert document["alarm"]["n"] > 0


def test_retrain_compares_on_the_same_decisions(journey: Journey) -> None:
    """``retrain`` makes a challenger that is not approved, beside the champion on matured decisions."""
    retrained = journey.stated["retrain"]
    compared = retrained.document["comparison"]

    assert retrained.code == int(retrained.document["failed"] > 0)
    assert compared["n_matured"] == sum(swap["n"] for swap in compared["swaps"]) > 0
    refused = journey.tally("serve", retrained.document["challenger"][:10])
    assert (refused.code, "approve" in refused.err) == (2, True)


def test_the_ledger_holds(journey: Journey) -> None:
    """After everything, every entry and signature of the ledger holds."""
    noted, document = journey.tally("ledger", "verify"), journey.document("ledger", "verify")

    assert noted.code == 0
    assert document["holds"]
    assert f"{document['n_entries']:,} entries" in noted.out


def test_a_token_is_taken_back(journey: Journey) -> None:
    """A revoked token is known no more."""
    assert journey.document("token", "till", "--revoke") == {"revoked": "till"}
    assert journey.tally("token", "till", "--revoke").code == 2
