"""What a later version promises: a field more, with a default, and what was kept before opens as it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tallystick

GROWN = {
    "definitions/streams.py": ("    lateness_us: int | None = None\n", "    retention_us: int | None = None\n"),
    "definitions/models.py": ("    limits: tuple[Limit, ...]\n", '    owner: str = "nobody"\n'),
    "definitions/families.py": ("    max_leaves: int = 31\n", "    max_depth: int = 0\n"),
    "definitions/policies.py": ("    refer: Above | AboveCost | None = None\n", "    review_share: float = 0.0\n"),
    "definitions/expressions.py": ("    cap: int = 0\n", "    weights: tuple[float, ...] = ()\n"),
    "definitions/limits.py": ("    at_least: float\n", '    on: str = "test"\n'),
    "scoring/runtime.py": ("    cpu: str  # digest of the processor's features\n", '    system: str = ""\n'),
    "training/parity.py": ("    allowed: float\n", "    n_skipped: int = 0\n"),
    "training/record.py": ("    files: dict[str, str]\n", "    notes: dict[str, str] = {}\n"),
    "validation/evidence.py": ("    figures: dict[str, dict[str, float]]\n", "    waived: tuple[str, ...] = ()\n"),
    "release/bundle.py": ("    files: tuple[File, ...]\n", '    licence: str = ""\n'),
    "release/prove.py": ("    vectors: tuple[Vector, ...]\n", "    n_skipped: int = 0\n"),
}  # fmt: skip
"""By file of the package: the last field of a stored struct, and the one that a later version adds behind it."""

OPEN = """
import sys
from pathlib import Path

import tallystick
from tallystick.definitions.families import XGBoost
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policies import Policy
from tallystick.release.open import open_bundle
from tallystick.scoring.runtime import Runtime
from tallystick.validation.evidence import Evidence

assert Path(tallystick.__file__).is_relative_to(sys.argv[3]), tallystick.__file__
assert "owner" in ModelDefinition.__struct_fields__ and "review_share" in Policy.__struct_fields__
assert "max_depth" in XGBoost.__struct_fields__ and "system" in Runtime.__struct_fields__
bundle = open_bundle(Path(sys.argv[1]), trusted_keys=[Path(sys.argv[2])])
print(bundle.digest, bundle.plan.digest, bundle.plan.state_digest, bundle.definition.digest, bundle.evidence.digest)
"""


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """Return where a copy of the package lies whose stored structs have a field more."""
    package = tmp_path / "later" / "tallystick"
    shutil.copytree(Path(tallystick.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (last, added) in GROWN.items():
        text = (package / name).read_text(encoding="utf-8")
        assert last in text, f"{name} has no field {last!r}"
        (package / name).write_text(text.replace(last, last + added), encoding="utf-8")
    return package.parent


def test_a_bundle_of_today_opens_under_its_digest(world: Any, later: Path) -> None:
    """With a defaulted field more in every kept struct, all digests are the same and the self-test passes."""
    arguments = [sys.executable, "-c", OPEN, str(world.folder), str(world.builder.public_path), str(later)]

    found = subprocess.run(
        arguments, env=os.environ | {"PYTHONPATH": str(later)}, capture_output=True, text=True, check=False
    )

    assert found.stderr == ""
    assert {family.__struct_config__.tag for family in world.candidate.definition.candidates} >= {"xgboost"}
    plan, definition = world.candidate.plan, world.candidate.definition
    evidence = world.folder / "evidence.json"
    assert found.stdout.split()[:4] == [world.folder.name, plan.digest, plan.state_digest, definition.digest]
    assert found.stdout.split()[4] in (world.folder / "manifest.json").read_text()
    assert evidence.is_file()
