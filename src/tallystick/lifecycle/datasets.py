"""What is known: the records that sources hold until serving begins, and the log from then on."""

from collections.abc import Callable
from dataclasses import dataclass

from tallystick.data.read import Screening
from tallystick.data.records import Dataset
from tallystick.definitions.progress import Step
from tallystick.journal import anchoring
from tallystick.journal.records import records
from tallystick.lifecycle.sources import Sources
from tallystick.log.opening import open_log
from tallystick.workspace import Workspace

Screened = Callable[[dict[str, Screening]], None]
"""Told what came of each source when it was read."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """The records of a project.

    Parameters
    ----------
    workspace : where they lie
    sources : what they are until there is a log
    """

    workspace: Workspace
    sources: Sources

    def dataset(
        self, step: Step | None = None, *, model: str | None = None, screened: Screened | None = None
    ) -> Dataset:
        """Return everything that is known: the sources' history until serving began, then what the log holds.

        Once there is a log, it is read as a model's features and label need it. Until then ``screened`` is told what
        came of each source.
        """
        if not self.workspace.places.log.exists():
            reading = self.sources.read(step)
            if screened is not None:
                screened(reading.screenings)
            return reading.dataset
        with open_log(self.workspace.places.log) as log:
            anchoring.verify(log, self.workspace.ledger)
            return records(log, self.workspace.plan(self.workspace.definitions.model(model)))
