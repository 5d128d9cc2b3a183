"""The journey's stages, called in order: a thin face, and a part for each stage behind it."""

from tallystick.lifecycle.opening import open  # noqa: A004 - ts.open reads as it acts
from tallystick.lifecycle.project import Project

__all__ = ["Project", "open"]
