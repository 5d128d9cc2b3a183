"""The parts behind the library's face, each loaded when it is first asked for: a verb loads what it uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tallystick.loading import load

if TYPE_CHECKING:
    from tallystick.lifecycle.audit import Audit
    from tallystick.lifecycle.bundles import Bundles
    from tallystick.lifecycle.candidates import Candidates
    from tallystick.lifecycle.datasets import Datasets
    from tallystick.lifecycle.features import Features
    from tallystick.lifecycle.releases import Releases
    from tallystick.lifecycle.reviews import Reviews
    from tallystick.lifecycle.serving import Serving
    from tallystick.lifecycle.sources import Sources
    from tallystick.lifecycle.training import Training
    from tallystick.workspace import Workspace


@dataclass(frozen=True)
class Parts:
    """What does the work of the stages.

    Parameters
    ----------
    workspace : where they work
    """

    workspace: Workspace

    @cached_property
    def sources(self) -> Sources:
        """The sources' files."""
        made: Sources = _part("Sources")(self.workspace)
        return made

    @cached_property
    def datasets(self) -> Datasets:
        """The records: the sources' until there is a log, and then the log's."""
        made: Datasets = _part("Datasets")(self.workspace, self.sources)
        return made

    @cached_property
    def features(self) -> Features:
        """What is computed from them."""
        made: Features = _part("Features")(self.workspace, self.datasets)
        return made

    @cached_property
    def candidates(self) -> Candidates:
        """What was trained and is kept."""
        made: Candidates = _part("Candidates")(self.workspace)
        return made

    @cached_property
    def training(self) -> Training:
        """What makes candidates."""
        made: Training = _part("Training")(self.workspace, self.datasets, self.releases, self.audit)
        return made

    @cached_property
    def releases(self) -> Releases:
        """What makes bundles of candidates."""
        made: Releases = _part("Releases")(self.workspace, self.candidates)
        return made

    @cached_property
    def reviews(self) -> Reviews:
        """What a validator looks at of a candidate."""
        made: Reviews = _part("Reviews")(self.workspace, self.candidates)
        return made

    @cached_property
    def bundles(self) -> Bundles:
        """What was released, and whether it may decide."""
        made: Bundles = _part("Bundles")(self.workspace)
        return made

    @cached_property
    def serving(self) -> Serving:
        """What decides."""
        made: Serving = _part("Serving")(self.workspace, self.sources, self.bundles)
        return made

    @cached_property
    def audit(self) -> Audit:
        """What holds decisions to account."""
        made: Audit = _part("Audit")(self.workspace, self.bundles)
        return made


def _part(name: str) -> Any:
    """Return the class of a part, which lies in the module of its name."""
    return getattr(load(f"tallystick.lifecycle.{name.lower()}"), name)
