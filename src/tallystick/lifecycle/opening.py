"""Opening a project: its definitions and its settings are read, and its workspace is made."""

from pathlib import Path

from tallystick import settings as settings_file
from tallystick.definitions import project as project_file
from tallystick.definitions.clock import Clock, SystemClock
from tallystick.lifecycle.project import Project
from tallystick.loading import load


def open(folder: Path | str = ".", *, actor: str | None = None, clock: Clock | None = None) -> Project:  # noqa: A001 - ts.open reads as it acts
    """Open a project's folder: its definitions and settings are read, nothing else happens.

    Parameters
    ----------
    folder : where project.py and, if there is one, tally.toml lie
    actor : who acts; by default what tally.toml says, else the name of the user at this machine
    clock : tells the time; by default the machine's
    """
    root = Path(folder)
    settings = settings_file.read(root)
    definitions = project_file.load(root / settings.project)
    workspace = load("tallystick.workspace")
    who = actor or settings.actor or workspace.user()
    return Project(workspace.Workspace(root, settings, definitions, who, clock or SystemClock()))
