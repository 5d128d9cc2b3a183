"""What serves and what replays loads nothing of the training stack."""

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "lightgbm", "optuna", "pandas", "shap", "duckdb")
ROOMS = (
    "tallystick.serving.server",
    "tallystick.replay.single",
    "tallystick.replay.period",
    "tallystick.replay.compare",
    "tallystick.release.open",
    "tallystick.scoring.scorer",
    "tallystick.features.online.executor",
)
PROBED_BY_NUMBA = "scipy"  # numba imports it where it is installed, and batch features are compiled by numba


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_loads_without_the_training_stack(room: str) -> None:
    """In a process of its own, importing the room leaves the heavy libraries out of sys.modules."""
    heavy = HEAVY if room.startswith("tallystick.replay") else (*HEAVY, PROBED_BY_NUMBA)
    noted = f"import sys, {room}; print(sorted(set({heavy!r}) & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", noted], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
