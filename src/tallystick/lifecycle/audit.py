"""What became of decisions, and whether they can be made again: replay and monitoring."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tallystick.definitions.progress import Step, named_step
from tallystick.errors import NothingServed
from tallystick.features.plan import Plan
from tallystick.journal import anchoring
from tallystick.journal.records import records
from tallystick.lifecycle.bundles import Bundles
from tallystick.log.opening import open_log
from tallystick.monitoring import from_log
from tallystick.monitoring.report import MonitoringReport
from tallystick.replay.archive import Archive
from tallystick.replay.attribution import decided_by
from tallystick.replay.period import ReplayReport, replay_period
from tallystick.replay.single import replay
from tallystick.replay.verdict import Verdict
from tallystick.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Audit:
    """What a project kept of its decisions.

    Parameters
    ----------
    workspace : where it lies
    bundles : those that decided
    """

    workspace: Workspace
    bundles: Bundles

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """Open what was kept, for reading only: what replays and comparisons are made from.

        Raises
        ------
        NothingServed
            If nothing was ever decided here.
        """
        if not self.workspace.places.log.exists():
            raise NothingServed
        with open_log(self.workspace.places.log) as log:
            yield Archive(log, self.workspace.places.bundles, self.workspace.trusted_keys(), self.workspace.ledger)

    def replay(self, name: str, *, model: str | None = None, with_todays_definitions: bool = False) -> Verdict:
        """Make one decision again from its raw request, positions and digests, and compare every bit.

        Parameters
        ----------
        name : the decision's id
        model : whose; needed where several models have a decision of this id
        with_todays_definitions : compute the project file's features instead of the bundle's
        """
        with self.archive() as archive:
            model = self._model(archive, model, name)
            return replay(archive, model, name, plan=self._todays_plan(model) if with_todays_definitions else None)

    def replay_period(
        self,
        since: int | None = None,
        until: int | None = None,
        *,
        sample: int | None = None,
        model: str | None = None,
        with_todays_definitions: bool = False,
        step: Step | None = None,
    ) -> ReplayReport:
        """Make the decisions of a period again, all of them or a seeded sample.

        Parameters
        ----------
        since, until : instants in microseconds since 1970 UTC; open where None
        sample : how many to choose at random; all if None
        model : whose; needed where several models made decisions
        with_todays_definitions : compute the project file's features instead of the bundle's
        step : told how far it is
        """
        with self.archive() as archive:
            model = self._model(archive, model, None)
            plan = self._todays_plan(model) if with_todays_definitions else None
            on_progress = named_step(step, "replay")
            return replay_period(
                archive, model, since=since, until=until, sample=sample, plan=plan, progress=on_progress
            )

    def _model(self, archive: Archive, requested: str | None, key: str | None) -> str:
        """Return whose decisions are meant: those of the model named, or of the only one that has them."""
        declared = self.workspace.definitions.models
        if requested is None and declared:
            return decided_by(archive.log, tuple(declared), key)
        # A model that is declared no longer has its decisions still.
        if requested is None or archive.log.last("decision", requested) is None:
            return self.workspace.definitions.model(requested).name
        return requested

    def _todays_plan(self, model: str) -> Plan:
        return self.workspace.plan(self.workspace.definitions.model(model))

    def monitor(self, as_of: int | None = None, *, bundle: str | None = None) -> MonitoringReport:
        """Say what became of a bundle's decisions, as known at an instant; by default now.

        Parameters
        ----------
        as_of : outcomes known by then count, in microseconds since 1970 UTC; now if None
        bundle : what its digest begins with; the one approved last if None
        """
        opened = self.bundles.bundle(bundle)
        definition = opened.definition
        with self.archive() as archive:
            anchoring.verify(archive.log, self.workspace.ledger)
            return from_log.watch(
                archive.log,
                records(archive.log, opened.plan),
                opened,
                definition.label,
                as_of=self.workspace.clock.now() if as_of is None else as_of,
                settings=from_log.settings(definition, self.workspace.settings.monitoring),
            )
