"""Wrong use of any verb: one sentence on stderr, exit code 2, and never a trace."""

from pathlib import Path
from typing import Any

import pytest

from tallystick.cli.main import main
from tallystick.cli.verbs import VERBS
from tallystick.testing.command import CommandResult, run

NAMES = [str(verb.name) for verb in VERBS]
ARGUMENTS: dict[str, list[str]] = {
    "features": ["out.parquet"],
    "enrol": ["vera", "--role", "validator"],
    "approve": ["abc"],
    "refuse": ["abc", "--reason", "x"],
    "token": ["till"],
    "replay": ["some-decision"],
    "ledger": ["verify"],
    "state": ["rebuild"],
}


def refused(ran: CommandResult, *words: str, code: int = 2) -> None:
    """Hold what came of a verb to the promise."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("tally: ")
    assert "Traceback" not in ran.err
    assert [word for word in words if word not in ran.err] == []


@pytest.mark.parametrize("verb", [name for name in NAMES if name not in {"demo", "new"}])
def test_no_verb_runs_without_a_project(verb: str, tmp_path: Path) -> None:
    """Without a project file every verb says how to begin one."""
    ran = run(main, "--project", str(tmp_path), verb, *ARGUMENTS.get(verb, []))

    refused(ran, "There is no project file", "tally new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["train", "release", "approve", "refuse", "serve", "enrol"])
def test_an_unknown_actor_acts_nowhere(verb: str, first_shop: Any) -> None:
    """Whoever is not enrolled is told who is."""
    arguments = ARGUMENTS.get(verb, [])
    named = [first_shop.sound if word == "abc" else word for word in arguments]

    refused(first_shop.tally(verb, *named, actor="mallory"), "knows no actor 'mallory'", "ada, vera")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "zz"], ["No candidate begins with 'zz'"]),
        (["release", "zz"], ["No candidate begins with 'zz'"]),
        (["approve", "zz"], ["No bundle begins with 'zz'"]),
        (["serve", "zz"], ["No bundle begins with 'zz'"]),
        (["monitor", "zz"], ["No bundle begins with 'zz'"]),
        (["replay"], ["Name a decision, or a period"]),
        (["replay", "nobody"], ["no decision 'nobody'"]),
        (["replay", "--since", "2020-01-01", "--until", "2020-01-02"], ["no decision in this period"]),
        (["replay", "--since", "2020-01-02", "--until", "2020-01-01"], ["--until", "not after"]),
        (["replay", "--sample", "0"], ["--sample"]),
        (["monitor", "--as-of", "soon"], ["--as-of", "'soon' is no day or instant", "2026-03-01"]),
        (["features", "o.parquet", "--from", "x"], ["--from", "'x' is no day or instant"]),
        (["features", "nowhere/o.parquet"], ["OUT", "no folder 'nowhere'"]),
        (["features", "o.parquet", "--model", "nope"], ["no model 'nope'", "Declared: shop"]),
        (["train", "--model", "nope"], ["no model 'nope'"]),
        (["enrol", "vera", "--role", "validator"], ["'vera' cannot be enrolled"]),
        (["enrol", "../x", "--role", "validator"], ["'../x' cannot be enrolled"]),
        (["enrol", "tom"], ["Missing option '--role'"]),
        (["token", "Till!"], ["token 'Till!' is refused"]),
        (["token", "till", "--revoke"], ["none of this name"]),
        (["serve", "--port", "99999"], ["--port"]),
        (["serve", "--as", "ada"], ["--as stands before the verb"]),
        (["serve", "--host", "203.0.113.9"], ["Nothing can listen on 203.0.113.9"]),
        (["sevre"], ["No such command 'sevre'"]),
    ],
)
def test_wrong_words_are_told(arguments: list[str], words: list[str], first_shop: Any) -> None:
    """A name, an instant or a place that is none is named, with what to do."""
    refused(first_shop.tally(*arguments), *words)


def test_nothing_asked_is_help() -> None:
    """The bare command shows its help on stderr and is wrong use."""
    ran = run(main)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: tally")


def test_help_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """No summary of a verb is cut, every exit code is told, and nothing of the code shows through."""
    monkeypatch.setenv("COLUMNS", "80")

    noted = run(main, "--help").out

    assert [line for line in noted.splitlines() if line.endswith("...") and "Usage" not in line] == []
    assert [code for code in ("0 ", "1 ", "2 ", "3 ", "130") if f"  {code}" not in noted] == []
    assert [name for name in NAMES if "Raises" in run(main, name, "--help").out] == []


def test_an_ambiguous_beginning_is_told(first_shop: Any) -> None:
    """A digest's beginning that several bundles have names them."""
    ran = first_shop.tally("approve", "", actor="vera")

    refused(ran, "2 bundles begin with", first_shop.sound[:12], first_shop.unsound[:12])


def test_the_builder_does_not_approve(first_shop: Any) -> None:
    """Who built a bundle is sent to somebody else."""
    refused(first_shop.tally("approve", first_shop.unsound[:8]), "'ada' built bundle", "another validator")


def test_failed_evidence_is_not_approved(first_shop: Any) -> None:
    """A bundle with a failed check is not approved; the check is named."""
    ran = first_shop.tally("approve", first_shop.unsound[:8], actor="vera")

    refused(ran, "cannot be approved", "1 failed finding (V2")


def test_an_approval_stands_once(first_shop: Any) -> None:
    """What is approved is not approved again."""
    refused(first_shop.tally("approve", first_shop.sound[:8], actor="vera"), first_shop.sound[:12])


@pytest.mark.parametrize("verb", ["serve", "monitor"])
def test_nothing_approved_decides_nothing(verb: str, bare: Any) -> None:
    """Without an approved bundle there is nothing to serve or watch."""
    refused(bare.tally(verb), "No bundle is approved", "tally release")


@pytest.mark.parametrize("arguments", [["replay", "x"], ["replay", "--sample", "3"], ["retrain"]])
def test_nothing_decided_is_nothing_replayed(arguments: list[str], bare: Any) -> None:
    """Without a log there is nothing to replay, and no champion to challenge."""
    refused(bare.tally(*arguments), "There is no log here", "tally serve")


@pytest.mark.parametrize("verb", ["show", "release"])
def test_nothing_trained_is_nothing_shown(verb: str, bare: Any) -> None:
    """Without a candidate the verb that makes one is named."""
    refused(bare.tally(verb), "tally train")


def test_new_overwrites_nothing(bare: Any) -> None:
    """A folder that holds something stays as it is."""
    ran = run(main, "--project", str(bare.folder.parent), "new", "bare")

    refused(ran, "exists and is not empty")


def test_a_new_name_is_one_that_python_can_hold(tmp_path: Path) -> None:
    """The name of a project goes into its file, so it has no quotes."""
    refused(run(main, "--project", str(tmp_path), "new", 'a"b'), "no name for a project")
    assert list(tmp_path.iterdir()) == []
