"""What is known: the records that sources hold until serving begins, and the log from then on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tallystick.data.merge import restricted
from tallystick.data.read import Screening
from tallystick.data.records import Dataset
from tallystick.definitions.progress import Step
from tallystick.features.spill.budget import rows_at_a_time
from tallystick.features.spill.pieces import Pieces
from tallystick.features.spill.sources import How, SourceFiles, n_stored_rows
from tallystick.journal import anchoring
from tallystick.journal.pieces import LoggedPieces
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
        """Return what a model's features and label need: the sources' history until serving began, then the log's.

        Places in the order of arrival are those among all records of the project.

        Parameters
        ----------
        step : called with how far it is
        model : whose, where a project declares several
        screened : called with what came of each source, where their files are read
        """
        plan = self.workspace.plan(self.workspace.definitions.model(model))
        if not self.workspace.places.log.exists():
            reading = self.sources.read(step)
            if screened is not None:
                screened(reading.screenings)
            return restricted(reading.dataset, (source.name for source in plan.sources))
        with open_log(self.workspace.places.log) as log:
            anchoring.verify(log, self.workspace.ledger)
            return records(log, plan)

    @contextmanager
    def pieces(self, model: str | None = None, *, memory: int, step: Step | None = None) -> Iterator[Pieces]:
        """Open the records that ``dataset`` gives, to be read piece by piece.

        Parameters
        ----------
        model : whose, where a project declares several
        memory : how many bytes the reading may take
        step : called with how far it is
        """
        workspace = self.workspace
        workspace.places.make()
        if not workspace.places.log.exists():
            how = How(
                now=workspace.clock.now(),
                folder=workspace.places.spill,
                at_a_time=rows_at_a_time(memory),
                max_refused_share=workspace.settings.data.max_refused_share,
                quarantine=workspace.places.quarantine,
                step=step,
            )
            yield SourceFiles(workspace.definitions.sources.values(), workspace.flags, workspace.root, how)
            return
        with open_log(workspace.places.log) as log:
            anchoring.verify(log, workspace.ledger)
            plan = workspace.plan(workspace.definitions.model(model))
            yield LoggedPieces(log, plan, log.head.position, rows_at_a_time(memory))

    def n_spine_rows(self, model: str | None = None) -> int:
        """Return about how many records of a model's spine there are, as far as it is told without reading them."""
        plan = self.workspace.plan(self.workspace.definitions.model(model))
        spine = plan.definition.spine.name
        if self.workspace.places.log.exists():
            with open_log(self.workspace.places.log) as log:
                return LoggedPieces(log, plan, log.head.position).n_rows[spine]
        source = self.workspace.definitions.sources.get(spine)
        # A table of a database or a lake does not tell without being asked, and what is empty has no file.
        if source is None or ":" in source.source or not source.source:
            return 0
        return n_stored_rows([source], self.workspace.root)
