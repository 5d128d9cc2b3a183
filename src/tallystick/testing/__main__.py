"""``python -m tallystick.testing`` builds the tiny world once: the kernels are compiled then, and kept for later."""

import tempfile
from pathlib import Path

from tallystick.testing.world import build


def main() -> None:
    """Build a world and throw it away."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "world")


if __name__ == "__main__":
    main()
