"""Output that is not UTF-8, as under cron: every verb prints, and its exit code is the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

CRON = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
PLAIN_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"PYTHONIOENCODING": "iso8859-1"}
EVERYWHERE = pytest.mark.parametrize("environment", [CRON, PLAIN_C, LATIN], ids=str)
GREETINGS = """import tallystick as ts

grüße = ts.Stream(
    "greetings", id="größe", time="wann", source="data/grüße.csv",
    fields={"straße": ts.key, "preis": ts.number(scale=2)},
)
rügen = ts.Stream("complaints", id="nr", time="wann", source="data/rügen.csv", fields={"größe": ts.key})


class Höhe(ts.FeatureSet, spine=grüße):
    überall = grüße.by("straße").count().over("1d")
    preis = grüße.preis


model = ts.Model(
    "review",
    features=Höhe,
    label=ts.Label(grüße.flagged_by(rügen, on="größe"), matures_after="2d"),
    split=ts.TimeSplit(train="20d", gap="2d", validate="5d", test="5d"),
    candidates=[ts.LogisticRegression()],
    policy=ts.Policy(ts.above(0.5)),
)
"""


def tally(folder: Path, environment: dict[str, str], *arguments: str, actor: str = "ada") -> tuple[int, bytes, str]:
    """Run a verb in an environment; return its exit code, stdout as it is, and stderr."""
    command = [sys.executable, "-m", "tallystick", "--project", str(folder), "--as", actor, *arguments]
    ran = subprocess.run(command, capture_output=True, check=False, env=os.environ | environment)
    return ran.returncode, ran.stdout, ran.stderr.decode("latin-1")


@pytest.fixture(scope="module")
def transfers(first_shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the shop in a folder, and with a source, that no ASCII spells."""
    folder = tmp_path_factory.mktemp("Zürich") / "Überweisungen"
    shutil.copytree(first_shop.folder, folder)
    (folder / "data" / "payments.parquet").rename(folder / "data" / "überweisungen.parquet")
    project = folder / "project.py"
    text = project.read_text(encoding="utf-8").replace("data/payments.parquet", "data/überweisungen.parquet")
    project.write_text(text, encoding="utf-8")
    return folder


@EVERYWHERE
@pytest.mark.parametrize(
    "words",
    [
        ["check"], ["show"], ["show", "--all"], ["features", "--describe"], ["monitor"], ["replay", "--sample", "3"],
        ["ledger", "show"], ["ledger", "verify"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_verb_prints_wherever_it_runs(environment: dict[str, str], words: list[str], transfers: Path) -> None:
    """In every encoding a verb ends as it does with UTF-8, and says nothing on stderr."""
    wanted = tally(transfers, {"PYTHONIOENCODING": "utf-8"}, *words)

    code, out, err = tally(transfers, environment, *words)

    assert (code, err) == (wanted[0], "")
    assert len(out.splitlines()) == len(wanted[1].splitlines())
    assert out


@EVERYWHERE
@pytest.mark.parametrize("words", [["features", "--describe"], ["check"], ["monitor"]], ids=" ".join)
def test_json_is_the_same_document(environment: dict[str, str], words: list[str], transfers: Path) -> None:
    """The document of --json can be read as ASCII, and holds every character all the same."""
    instant = ["--as-of", "2026-01-01"] if words == ["monitor"] else []
    _, wanted, _ = tally(transfers, {"PYTHONIOENCODING": "utf-8"}, *words, *instant, "--json")

    _, out, err = tally(transfers, environment, *words, *instant, "--json")

    assert err == ""
    assert out.isascii()
    assert msgspec.json.decode(out) == msgspec.json.decode(wanted)


def test_what_people_write_is_shown_by_stand_ins(shop: Any) -> None:
    """A reason with signs that ASCII lacks is remembered whole, and shown by what comes near them."""
    reason = "zu häufig \N{EN DASH} 5 € je Tag, 中"
    assert tally(shop.folder, CRON, "refuse", shop.sound, "--reason", reason, actor="vera")[0] == 0

    _, shown, _ = tally(shop.folder, CRON, "ledger", "show")
    _, document, _ = tally(shop.folder, CRON, "ledger", "show", "--json")

    assert "zu haufig - 5 EUR je Tag, \\u4e2d" in " ".join(shown.decode("ascii").split())
    assert reason in {entry["facts"].get("reason") for entry in msgspec.json.decode(document)}


@EVERYWHERE
def test_an_error_is_a_sentence_in_every_encoding(environment: dict[str, str], tmp_path: Path) -> None:
    """What is wrong with a name that the output cannot spell is said all the same, with exit code 2."""
    code, out, err = tally(tmp_path / "Größe", environment, "check")

    assert (code, out) == (2, b"")
    assert err.startswith("tally: There is no project file")


@EVERYWHERE
def test_names_of_fields_may_be_anything(environment: dict[str, str], tmp_path: Path) -> None:
    """Fields, features and sources named with umlauts are read, described and written as SQL, byte for byte."""
    (tmp_path / "data").mkdir()
    (tmp_path / "project.py").write_text(GREETINGS, encoding="utf-8")
    rows = "größe,wann,straße,preis\n1,2025-01-01T00:00:00Z,Süd,1.5\n2,2025-01-02T00:00:00Z,Süd,2\n"
    (tmp_path / "data" / "grüße.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "data" / "rügen.csv").write_text("nr,wann,größe\n7,2025-01-03T00:00:00Z,1\n", encoding="utf-8")

    read = tally(tmp_path, environment, "check")
    described = tally(tmp_path, environment, "features", "--describe")
    sql = tally(tmp_path, environment, "features", "--show-sql")

    assert [(code, err) for code, _, err in (read, described, sql)] == [(0, "")] * 3
    assert "überall" in sql[1].decode("utf-8")


def test_a_folder_whose_name_is_no_text_is_shown(tmp_path: Path) -> None:
    """A folder named in another encoding than UTF-8 is scaffolded, and named as well as can be."""
    folder = os.fsencode(tmp_path) + b"/\xdcber"
    os.mkdir(folder)  # noqa: PTH102 - bytes

    command = [*map(os.fsencode, [sys.executable, "-m", "tallystick", "--project"]), folder, b"new", b"shop", b"--json"]
    ran = subprocess.run(command, capture_output=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "\\udcdcber/shop" in msgspec.json.decode(ran.stdout)["project"]
