"""Promises about the package itself: what it offers, and what it does not load."""

import subprocess
import sys
from pathlib import Path

import pytest

import tallystick as ts
from tallystick import lifecycle

ROOMS_OF_TRAINING = ("sklearn", "lightgbm", "optuna", "pandas", "numba", "onnxruntime", "pyarrow")


def test_all_is_there() -> None:
    """Every name that the package offers exists."""
    assert [name for name in ts.__all__ if not hasattr(ts, name)] == []


def test_open_is_the_lifecycle() -> None:
    """``ts.open`` is the library's face."""
    assert ts.open is lifecycle.open


def test_an_unknown_name_is_an_attribute_error() -> None:
    """Asking for what is not offered fails as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        ts.opne  # noqa: B018 - asking is the test


def test_a_project_file_needs_only_definitions() -> None:
    """Importing the package loads no engine and no training library."""
    program = f"import sys, tallystick; print([m for m in {ROOMS_OF_TRAINING!r} if m in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_the_first_line_of_every_test_file_says_what_it_is_about() -> None:
    """A test file starts with a sentence, as every module does."""
    silent = [
        str(path)
        for path in Path(__file__).parent.rglob("test_*.py")
        if not path.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""'))
    ]

    assert silent == []
