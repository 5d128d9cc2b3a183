"""What a verb loads: what it uses, and nothing that takes seconds to load for nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from tallystick.cli.main import tally
from tallystick.cli.verbs import VERBS

HEAVY = {
    "numba", "llvmlite", "granian", "onnx", "onnxruntime", "numpy", "pyarrow", "pandas", "lmdb", "duckdb", "pyspark",
    "sklearn", "lightgbm", "optuna", "scipy", "cryptography", "rich",
}  # fmt: skip
SHOWN = {"cryptography", "rich"}  # a ledger is held by keys, and a table is shown
READ = SHOWN | {"numpy", "pyarrow"}
PROVEN = READ | {"onnx", "onnxruntime"}  # a bundle is opened, which scores its self-test
PROGRAM = """
import sys
from pathlib import Path
from tallystick.__main__ import main
into = Path(sys.argv.pop())
try:
    main()
finally:
    into.write_text(" ".join({name.partition(".")[0] for name in sys.modules}))
"""


def loaded(folder: Path, into: Path, *arguments: str, actor: str = "ada") -> set[str]:
    """Run a verb as a process of its own, and return the packages it loaded."""
    command = [sys.executable, "-c", PROGRAM, "--project", str(folder), "--as", actor, *arguments, str(into)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(into.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("words", [["--version"], ["--help"]])
def test_the_command_itself_loads_nothing(words: list[str], tmp_path: Path) -> None:
    """Neither version nor help loads a library that takes time, nor any room but definitions."""
    found = loaded(tmp_path, tmp_path / "loaded", *words)

    assert found & HEAVY == set()


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["ledger", "show"], SHOWN),
        (["ledger", "verify"], SHOWN),
        (["show"], SHOWN | {"numpy"}),
        (["show", "--all"], SHOWN | {"numpy"}),
        (["features", "--describe"], READ),
        (["check"], READ),
    ],
)
def test_a_verb_that_looks_loads_what_it_looks_at(
    words: list[str], allowed: set[str], first_shop: Any, tmp_path: Path
) -> None:
    """No compiler, no server, no runtime of models and no training stack to read files, a ledger or a candidate."""
    found = loaded(first_shop.folder, tmp_path / "loaded", *words)

    assert found & HEAVY - allowed == set()


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["token", "till"], SHOWN),
        (["enrol", "eve", "--role", "operator"], SHOWN),
        (["refuse", "SOUND", "--reason", "a look"], PROVEN),
        (["release"], HEAVY - {"granian", "sklearn", "lightgbm", "optuna", "pyspark"}),
        (["replay", "--sample", "2"], HEAVY - {"granian", "sklearn", "lightgbm", "optuna", "pyspark"}),
    ],
)
def test_a_verb_that_acts_loads_what_it_acts_with(
    words: list[str], allowed: set[str], shop: Any, tmp_path: Path
) -> None:
    """People's verbs load no compiler and no server; what opens a bundle loads the runtime that proves it."""
    actor = "vera" if "refuse" in words else "ada"
    arguments = [shop.sound if word == "SOUND" else word for word in words]

    found = loaded(shop.folder, tmp_path / "loaded", *arguments, actor=actor)

    assert found & HEAVY - allowed == set()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_table_of_verbs_says_what_the_verbs_say(verb: Any) -> None:
    """The sentence by which a verb is listed is the one its own help begins with."""
    command = tally.get_command(click.Context(tally), verb.name)

    assert command is not None
    assert (command.name, command.short_help) == (verb.name, verb.sentence)


def test_help_lists_every_verb(tmp_path: Path) -> None:
    """``tally --help`` lists the verbs in the order of the journey."""
    ran = subprocess.run([sys.executable, "-m", "tallystick", "--help"], capture_output=True, text=True, check=True)

    places = [ran.stdout.find(f"\n  {verb.name} ") for verb in VERBS]
    assert -1 not in places
    assert places == sorted(places)
