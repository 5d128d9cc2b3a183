"""What the sources' files hold: every record they have, screened and numbered."""

from dataclasses import dataclass

from tallystick.data.read import Reading, read
from tallystick.definitions.progress import Step
from tallystick.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a project.

    Parameters
    ----------
    workspace : which names them, and where refused rows go
    """

    workspace: Workspace

    def read(self, step: Step | None = None) -> Reading:
        """Read, screen and number the history that the sources name; refused rows go to quarantine."""
        self.workspace.places.make()
        return read(
            self.workspace.definitions.sources,
            self.workspace.flags,
            self.workspace.root,
            now=self.workspace.clock.now(),
            max_refused_share=self.workspace.settings.data.max_refused_share,
            quarantine_dir=self.workspace.places.quarantine,
            progress=step,
        )
