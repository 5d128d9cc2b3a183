"""``tally features --memory``: the same matrix by parts of the entities, and what it says of it."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from tallystick.cli.main import main
from tallystick.lifecycle import features
from tallystick.testing import cards
from tallystick.testing.command import Ran, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with data and no past."""
    root = tmp_path_factory.mktemp("parts")
    assert run(main, "--project", str(root), "new", "shop").code == 0
    cards.furnish(root / "shop", cards.network())
    return root / "shop"


def _features(folder: Path, *arguments: str) -> Ran:
    return run(main, "--project", str(folder), "--as", "ada", "features", *arguments)


def test_memory_gives_the_same_matrix_by_parts(folder: Path, tmp_path: Path) -> None:
    """The file is the same as without, and a line says in how many parts it was computed."""
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    assert _features(folder, str(whole)).code == 0

    ran = _features(folder, str(parts), "--memory", "1GiB")

    assert (ran.code, ran.err) == (0, "")
    assert "Computed by parts within 1.0 GiB" in " ".join(ran.out.split())
    assert pq.read_table(parts).equals(pq.read_table(whole))
    assert list((folder / ".tally" / "spill").iterdir()) == []


def test_what_does_not_fit_is_computed_by_parts(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has too little free memory, parts are taken without being asked for."""
    monkeypatch.setattr(features, "available", lambda: 100 << 20)

    noted = _features(folder, str(tmp_path / "out.parquet"), "--json")

    assert (noted.code, msgspec.json.decode(noted.out)["parts"]) == (0, 1)


def test_wrong_amounts_and_engines_are_sentences(folder: Path, first_shop: Any, tmp_path: Path) -> None:
    """An amount that is none, another engine, and a project that serves each get a sentence and 2."""
    out = str(tmp_path / "out.parquet")

    ran = [_features(folder, out, "--memory", "much"), _features(folder, out, "--memory", "1G", "--engine", "duckdb")]
    ran.append(first_shop.tally("features", out, "--memory", "1GiB"))
    ran.append(first_shop.tally("features", out, "--engine", "spark"))

    assert [each.code for each in ran] == [2, 2, 2, 2]
    assert all("serving has begun" in " ".join(each.err.split()) for each in ran[2:])
    assert "an amount such as 4GiB" in ran[0].err
    assert "only the engine 'batch'" in ran[1].err
    assert "serving has begun" in ran[2].err
