"""Compiled code is kept where a place for it is found, and by one process at a time."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import sys
import numpy as np
from doubling import doubled
print(doubled(np.array([float(word) if "." in word else int(word) for word in sys.argv[1:]])).tolist())
"""
MODULE = '''"""A function to compile."""
import numpy as np
from tallystick.features.batch.native import native

@native
def doubled(values):
    return values + values
'''
WAITS_S = 2.0


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Write a module with a function to compile, in a folder whose ``__pycache__`` cannot be written."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "doubling.py").write_text(MODULE, encoding="utf-8")
    (folder / "__pycache__").write_text("", encoding="utf-8")  # a file, so that nobody can write below it, root neither
    return folder


def started(module: Path, *numbers: str, **environment: str) -> subprocess.Popen[str]:
    """Start a process that compiles the function and calls it."""
    paths = os.pathsep.join([str(module), *sys.path])
    clean = {name: value for name, value in os.environ.items() if name not in {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}}
    return subprocess.Popen(
        [sys.executable, "-B", "-c", PROGRAM, *numbers],
        env=clean | {"PYTHONPATH": paths} | environment,
        cwd=module.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stated(process: subprocess.Popen[str]) -> str:
    """Wait for a process, and return what it printed."""
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return out.strip()


def kept(folder: Path) -> list[Path]:
    """Return the compiled code below a folder."""
    return sorted(folder.rglob("*.nbc"))


@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/home", ""])
def test_where_nothing_can_be_written_it_is_compiled_in_memory(home: str, module: Path, tmp_path: Path) -> None:
    """Without a place for compiled code the function works, and nothing is left anywhere."""
    before = sorted(tmp_path.rglob("*"))

    assert stated(started(module, "1", "2", HOME=home)) == "[2, 4]"

    assert sorted(tmp_path.rglob("*")) == before


def test_it_is_kept_in_the_folder_that_is_named(module: Path, tmp_path: Path) -> None:
    """``NUMBA_CACHE_DIR`` names a place for it."""
    assert stated(started(module, "1", NUMBA_CACHE_DIR=str(tmp_path / "cache"), HOME="/dev/null")) == "[2]"

    assert len(kept(tmp_path / "cache")) == 1


def test_it_is_kept_in_the_users_cache(module: Path, tmp_path: Path) -> None:
    """Where the package cannot be written, the user's cache folder is the place."""
    assert stated(started(module, "1", HOME=str(tmp_path / "home"))) == "[2]"

    assert len(kept(tmp_path / "home" / ".cache")) == 1


def test_one_process_writes_at_a_time(module: Path, tmp_path: Path) -> None:
    """While one process holds the folder another's code waits; both are kept under names of their own."""
    cache = tmp_path / "cache"
    assert stated(started(module, "1", NUMBA_CACHE_DIR=str(cache))) == "[2]"
    (lock,) = cache.rglob(".tally.lock")
    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        other = started(module, "0.5", NUMBA_CACHE_DIR=str(cache))
        time.sleep(WAITS_S)
        meanwhile = len(kept(cache))

    assert stated(other) == "[1.0]"

    assert (meanwhile, len(kept(cache))) == (1, 2)
    assert stated(started(module, "3", NUMBA_CACHE_DIR=str(cache))) == "[6]"


def test_code_that_cannot_be_kept_is_used_all_the_same(module: Path, tmp_path: Path) -> None:
    """A place that takes no file, as on a full disk, is no error."""
    cache = tmp_path / "cache"
    assert stated(started(module, "1", NUMBA_CACHE_DIR=str(cache))) == "[2]"
    (index,) = cache.rglob("*.nbi")
    index.unlink()
    index.mkdir()  # it can neither be read nor replaced

    assert stated(started(module, "0.5", NUMBA_CACHE_DIR=str(cache))) == "[1.0]"
