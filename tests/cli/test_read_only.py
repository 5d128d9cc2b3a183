"""A machine where only the project's folder can be written: the package, the home and the caches cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tallystick
from tallystick.testing.command import CommandResult

MOUNTED = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount -o remount,bind,ro /
for place in $(awk '{ print $2 }' /proc/self/mounts); do
  case "$place" in
    "$0" | / | /proc* | /dev* | /sys*) ;;
    *) mount -o remount,bind,ro "$place" 2> /dev/null || true ;;
  esac
done
cd "$0"
exec "$@"
"""


def environment(library: Path) -> dict[str, str]:
    """Return what a container gives a process: no home, no cache, no folder for anything."""
    paths = os.pathsep.join([str(library), *(path for path in sys.path if path)])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "HOME": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the package that has compiled nothing yet."""
    library = tmp_path_factory.mktemp("library")
    folder = Path(tallystick.__file__).parent
    shutil.copytree(folder, library / "tallystick", ignore=shutil.ignore_patterns("__pycache__"))
    return library


def alone(library: Path, shop: Any, *arguments: str, actor: str = "ada", **more: str) -> CommandResult:
    """Run a verb where everything but the project's folder is read-only."""
    command = [sys.executable, "-m", "tallystick", "--as", actor, *arguments]
    ran = subprocess.run(
        ["unshare", "--mount", "bash", "-c", MOUNTED, str(shop.folder), *command],
        capture_output=True,
        text=True,
        check=False,
        env=environment(library) | more,
    )
    return CommandResult(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture(scope="module")
def can_mount() -> None:
    """Skip where this user may not mount: only a mount is read-only to everybody."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("this user may not mount anything read-only here")


@pytest.mark.slow
def test_the_journey_writes_only_into_the_project(can_mount: None, library: Path, shop: Any) -> None:
    """Every verb of the journey works where nothing but the project's folder can be written."""
    for words in (
        ["new", "another"],
        ["check"],
        ["features", "all.parquet"],
        ["train"],
        ["show", "--html", "shown.html"],
        ["release"],
        ["enrol", "eve", "--role", "validator"],
        ["token", "till"],
        ["replay", shop.decided],
        ["monitor"],
        ["prove", "--rows", "20"],
        ["state", "rebuild"],
        ["ledger", "verify"],
    ):
        ran = alone(library, shop, *words)

        assert (ran.code, ran.err) == (0, ""), words


@pytest.mark.slow
def test_an_image_is_compiled_when_it_is_built(can_mount: None, library: Path, shop: Any) -> None:
    """What ``python -m tallystick.testing`` compiled into the package is used where that cannot be written any more."""
    build = [sys.executable, "-m", "tallystick.testing"]
    subprocess.run(build, check=True, env=environment(library), capture_output=True)

    ran = alone(library, shop, "features", "all.parquet", NUMBA_DEBUG_CACHE="1")

    loaded = [line for line in ran.out.splitlines() if line.startswith("[cache] data loaded from")]
    assert ran.code == 0
    assert loaded
    assert [line for line in loaded if str(library) not in line] == []
    assert "saved to" not in ran.out
