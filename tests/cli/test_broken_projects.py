"""What a project's files can be: wrong, missing, damaged. Each is told in a sentence, or mended silently."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.testing.command import CommandResult


def refused(ran: CommandResult, *words: str) -> None:
    """Hold what came of a verb to the promise."""
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("tally: ")
    assert "Traceback" not in ran.err
    assert [word for word in words if word not in ran.err] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("projet = 'x.py'", ["tally.toml", "Did you mean 'project'?"]),
        ("[serving\n", ["tally.toml is no TOML"]),
        ("[serving]\nport = 99999", ["tally.toml", "serving.port"]),
        ("[data]\nmax_refused_share = 7.0", ["tally.toml", "max_refused_share"]),
        ("[monitoring]\nfalse_alarms = 0.0", ["tally.toml", "false_alarms"]),
        ("project = 'other.py'", ["other.py"]),
    ],
)
def test_settings_are_told(text: str, words: list[str], bare: Any) -> None:
    """A mistake in tally.toml is told before anything runs."""
    (bare.folder / "tally.toml").write_text(text, encoding="utf-8")

    refused(bare.tally("check"), *words)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("x = (", ["project.py:", "not Python"]),
        ("raise ValueError(3)", ["project.py:", "ValueError"]),
        ("import sys; sys.exit(5)", ["project.py:", "SystemExit"]),
        ("payments.amout", ["no field 'amout'", "Did you mean 'amount'?"]),
    ],
)
def test_a_project_file_is_told_with_its_line(more: str, words: list[str], bare: Any) -> None:
    """Whatever a project file does, its line is named."""
    with (bare.folder / "project.py").open("a", encoding="utf-8") as file:
        file.write(more)

    refused(bare.tally("check"), *words)


def test_a_project_that_declares_nothing_is_told(bare: Any) -> None:
    """An empty project file says what to add."""
    (bare.folder / "project.py").write_text("", encoding="utf-8")

    refused(bare.tally("check"), "declares no model")


@pytest.mark.parametrize("verb", ["check", "train"])
def test_missing_data_is_told(verb: str, bare: Any) -> None:
    """A source's file that is not there is named."""
    refused(bare.tally(verb), "'payments' cannot be read from", "data/payments.parquet")


def test_damaged_data_is_told(bare: Any) -> None:
    """A file that is no Parquet is named."""
    (bare.folder / "data" / "payments.parquet").write_text("hi", encoding="utf-8")

    refused(bare.tally("check"), "data/payments.parquet", "Parquet")


def _amounts(folder: Path, change: Callable[[list[Any]], None]) -> None:
    path = folder / "data" / "payments.parquet"
    payments = pq.read_table(path)
    amounts = payments["amount"].to_pylist()
    change(amounts)
    place = payments.column_names.index("amount")
    pq.write_table(payments.set_column(place, "amount", pa.array(amounts)), path)


def _some_texts(amounts: list[Any]) -> None:
    amounts[:] = [str(amount) for amount in amounts]
    amounts[3], amounts[5] = "much", "NaN"


def _many_nans(amounts: list[Any]) -> None:
    amounts[:] = [float(amount) for amount in amounts]
    amounts[::2] = [math.nan] * len(amounts[::2])


def test_refused_rows_lie_in_quarantine(shop: Any) -> None:
    """Strings that are no amounts are refused one by one; how many, why, and where they lie is told."""
    _amounts(shop.folder, _some_texts)

    noted, document = shop.tally("check"), shop.document("check")

    assert noted.code == 0
    found = document["sources"][0]
    assert (found["source"], found["n_refused"]) == ("payments", 2)
    assert pq.read_metadata(found["quarantine"]).num_rows == 2
    assert found["quarantine"] in noted.out.replace("\n", "")


def test_too_many_refused_rows_stop_the_run(shop: Any) -> None:
    """When half of the rows are refused the run stops, and their quarantine is there and named."""
    _amounts(shop.folder, _many_nans)

    ran = shop.tally("check")

    refused(ran, "50.", "amount: missing", "at most 5.00%")
    written = list((shop.hidden / "quarantine").iterdir())
    assert [path.name for path in written if path.name not in ran.err] == []
    assert written != []


def _flip(path: Path, where: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(where) + 1] ^= 1
    path.write_bytes(content)


def test_a_changed_ledger_is_told(shop: Any) -> None:
    """A flipped byte in the ledger: verify answers no with exit 1, and whoever relies on it stops."""
    _flip(shop.hidden / "ledger.db", b'"vera"')

    noted, document = shop.tally("ledger", "verify"), shop.tally("ledger", "verify", "--json")

    assert (noted.code, document.code) == (1, 1)
    assert "is damaged at entry" in " ".join(noted.out.split())
    assert document.document["holds"] is False
    refused(shop.tally("serve"), "ledger", "is damaged at entry")
    refused(shop.tally("release"), "ledger", "is damaged at entry")


def test_a_ledger_that_is_none_is_told(shop: Any) -> None:
    """A ledger's file of other bytes is named, and kept."""
    path = shop.hidden / "ledger.db"
    path.write_bytes(b"no ledger at all")

    refused(shop.tally("show"), "ledger.db is damaged")
    assert path.read_bytes() == b"no ledger at all"


def test_a_changed_bundle_does_not_decide(shop: Any) -> None:
    """A flipped byte in the bundle's model: the file is named, nothing is served, and replay says bundle."""
    path = shop.hidden / "bundles" / shop.sound / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    refused(shop.tally("serve"), "model.onnx is not what was signed")
    replayed = shop.tally("replay", shop.decided)
    assert (replayed.code, "differs at bundle" in replayed.out) == (1, True)


def test_a_lost_bundle_is_told(shop: Any) -> None:
    """A bundle's folder that is gone is named."""
    shutil.rmtree(shop.hidden / "bundles" / shop.sound)

    refused(shop.tally("monitor"), "The bundle in", "is refused: it is no folder")


def test_a_changed_candidate_is_told(shop: Any) -> None:
    """A candidate whose bytes were changed is neither shown nor released."""
    for path in (shop.hidden / "candidates").glob("*/model.onnx"):
        path.write_bytes(path.read_bytes() + b"\n")

    refused(shop.tally("show"), "is damaged: model.onnx")
    refused(shop.tally("release"), "is damaged: model.onnx")


def test_lost_evidence_is_told(shop: Any) -> None:
    """Evidence that is gone is named."""
    shutil.rmtree(shop.hidden / "evidence")

    refused(shop.tally("show"), "The evidence cannot be used", "is not there")


def test_a_log_that_is_none_is_told(shop: Any) -> None:
    """A log of other bytes is named by everyone who reads it."""
    for path in shop.hidden.glob("log.db*"):
        path.write_bytes(b"no log at all" * 1_000)

    for verb in (["replay", shop.decided], ["monitor"], ["serve"], ["train"]):
        refused(shop.tally(*verb), "log.db is damaged")


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_state_is_a_cache(damage: str, shop: Any) -> None:
    """State that is gone, or no state at all, is rebuilt without a word; decisions replay."""
    for path in (shop.hidden / "state").glob("*/data.mdb"):
        path.write_bytes(b"garbage" * 2_000)
    if damage == "gone":
        shutil.rmtree(shop.hidden / "state")

    refused(shop.tally("serve", "--host", "203.0.113.9"), "Nothing can listen")
    assert shop.tally("replay", shop.decided).code == 0


def test_a_lost_key_is_told(shop: Any) -> None:
    """Who acts without a key is told where it should lie."""
    (shop.hidden / "keys" / "ada.pem").unlink()

    refused(shop.tally("train"), "no key of 'ada'")


def test_a_key_that_others_could_read_is_not_used(shop: Any) -> None:
    """A key open to others is refused with the command that closes it."""
    (shop.hidden / "keys" / "ada.pem").chmod(0o644)

    refused(shop.tally("enrol", "tom", "--role", "operator"), "chmod 600")


def test_a_file_in_the_way_is_told(bare: Any) -> None:
    """What the machine refuses is a sentence with the file's name."""
    bare.hidden.write_text("in the way", encoding="utf-8")

    refused(bare.tally("ledger", "show"), str(bare.hidden))
