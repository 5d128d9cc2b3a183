"""The runtime that scores keeps to itself: it reports to nobody, and leaves nothing in the home."""

import os
import subprocess
import sys
from pathlib import Path


def files_left(home: Path, *, program: str) -> list[str]:
    """Run a program whose home is an empty folder, and return the files it leaves there."""
    home.mkdir()
    clean = {
        name: value for name, value in os.environ.items() if name not in {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
    }
    subprocess.run([sys.executable, "-c", program], check=True, env=clean | {"HOME": str(home)})
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Loading a session's module loads onnxruntime without its telemetry, which would store an id of the machine."""
    program = "import sys, tallystick.scoring.session; assert 'onnxruntime' in sys.modules"

    assert files_left(tmp_path / "home", program=program) == []
