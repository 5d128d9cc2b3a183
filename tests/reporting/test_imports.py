"""One place knows the library that draws on terminals; whoever only makes reports does not load it."""

import re
import subprocess
import sys
from pathlib import Path

import tallystick

SOURCES = Path(tallystick.__file__).parent


def test_rich_is_imported_by_the_terminal_and_the_screen_only() -> None:
    """Every other room gives reports as values."""
    importing = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if re.search(r"^\s*(import|from) rich\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert importing == {"reporting/terminal.py", "cli/screen.py"}


def test_reports_load_no_terminal() -> None:
    """A project file, and what replays a decision, load neither rich nor a renderer of it."""
    modules = ("tallystick", "tallystick.replay.verdict", "tallystick.reporting.html", "tallystick.reporting.json")
    program = f"import sys, {', '.join(modules)}; print('rich' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"


def test_a_renderer_is_loaded_when_something_is_shown() -> None:
    """A project file, and what replays, make values without any renderer; the first that is shown loads its own."""
    program = (
        "import sys; from tallystick.replay.verdict import Verdict\n"
        "loaded = lambda: sorted({'tallystick.reporting.html', 'tallystick.reporting.layout'} & set(sys.modules))\n"
        "before, verdict = loaded(), Verdict('m', 'P1', 1, None, None, None)\n"
        "str(verdict); print(before, loaded())"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[] ['tallystick.reporting.layout']"
