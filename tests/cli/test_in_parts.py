"""``tally features --memory``: the same matrix by parts of the entities, and what it says of it."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from tallystick.cli.main import main
from tallystick.features import table_file
from tallystick.lifecycle import features
from tallystick.testing import card_project
from tallystick.testing.command import CommandResult, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with data and no past."""
    root = tmp_path_factory.mktemp("parts")
    assert run(main, "--project", str(root), "new", "shop").code == 0
    card_project.fill_project(root / "shop", card_project.network())
    return root / "shop"


def _features(folder: Path, *arguments: str) -> CommandResult:
    return run(main, "--project", str(folder), "--as", "ada", "features", *arguments)


def test_memory_gives_the_same_matrix_by_parts(folder: Path, tmp_path: Path) -> None:
    """The file is the same as without, and a line says in how many parts it was computed."""
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    assert _features(folder, str(whole)).code == 0

    ran = _features(folder, str(parts), "--memory", "1GiB")

    assert (ran.code, ran.err) == (0, "")
    assert "Computed by parts within 1.0 GiB" in " ".join(ran.out.split())
    assert pq.read_table(parts).equals(pq.read_table(whole))
    assert table_file.read_header(parts) == table_file.read_header(whole)
    assert list((folder / ".tally" / "spill").iterdir()) == []


def test_what_does_not_fit_is_computed_by_parts(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has too little free memory, parts are taken without being asked for."""
    monkeypatch.setattr(features, "available_memory", lambda: 100 << 20)

    noted = _features(folder, str(tmp_path / "out.parquet"), "--json")

    assert (noted.code, msgspec.json.decode(noted.out)["parts"]) == (0, 1)


def test_wrong_amounts_and_engines_are_sentences(folder: Path, tmp_path: Path) -> None:
    """An amount that is none, and another engine, each get a sentence and 2."""
    out = str(tmp_path / "out.parquet")

    ran = [_features(folder, out, "--memory", "much"), _features(folder, out, "--memory", "1G", "--engine", "duckdb")]

    assert [each.code for each in ran] == [2, 2]
    assert "an amount such as 4GiB" in ran[0].err
    assert "only the engine 'batch'" in ran[1].err


def test_a_project_that_serves_is_computed_by_parts(first_shop: Any, tmp_path: Path) -> None:
    """Once there is a log, parts give the same table of history and log as memory does."""
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"

    ran = [first_shop.tally("features", str(whole)), first_shop.tally("features", str(parts), "--memory", "1GiB")]

    assert [each.code for each in ran] == [0, 0]
    assert pq.read_table(parts).equals(pq.read_table(whole))
    assert table_file.read_header(parts) == table_file.read_header(whole)
