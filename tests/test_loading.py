"""What is loaded late is loaded whole."""

import signal
import sys
from pathlib import Path

import pytest

from tallystick.loading import load

INTERRUPTED = """
import os, signal
os.kill(os.getpid(), signal.SIGINT)
is_whole = True
"""


def test_ctrl_c_waits_until_a_module_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a module's loading strikes when it is whole, and is heard as before afterwards."""
    (tmp_path / "interrupted_late.py").write_text(INTERRUPTED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            load("interrupted_late")

        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert sys.modules["interrupted_late"].is_whole


def test_what_is_not_there_is_an_import_error() -> None:
    """A module that is not installed is named."""
    with pytest.raises(ImportError, match="no_such_module"):
        load("no_such_module")
