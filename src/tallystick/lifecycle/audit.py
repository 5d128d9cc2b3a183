"""What became of decisions, and whether they can be made again: replay and monitoring."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tallystick.definitions.progress import Step, named_step
from tallystick.errors import NothingServed
from tallystick.features.plan import Plan
from tallystick.lifecycle.bundles import Bundles
from tallystick.lifecycle.datasets import NOW_ON
from tallystick.log.opening import open_log
from tallystick.monitoring import from_log
from tallystick.monitoring.report import MonitoringReport
from tallystick.replay.archive import Archive
from tallystick.replay.fold import fold
from tallystick.replay.period import ReplayReport, replay_period
from tallystick.replay.single import replay
from tallystick.replay.verdict import Verdict
from tallystick.serving import anchoring
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
        """Make one decision again from its raw request, positions and digests, and compare every bit."""
        with self.archive() as archive:
            stream, plan = self._replayed(model, with_todays_definitions)
            return replay(archive, stream, name, plan=plan)

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
        """Make the decisions of a period again, all of them or a seeded sample."""
        with self.archive() as archive:
            stream, plan = self._replayed(model, with_todays_definitions)
            on_progress = named_step(step, "replay")
            return replay_period(
                archive, stream, since=since, until=until, sample=sample, plan=plan, progress=on_progress
            )

    def _replayed(self, model: str | None, with_todays_definitions: bool) -> tuple[str, Plan | None]:
        """Return the stream that was decided about, which a model need only be named for where there are several."""
        spines = {definition.features.spine.name for definition in self.workspace.definitions.models.values()}
        if model is None and len(spines) == 1 and not with_todays_definitions:
            return spines.pop(), None
        definition = self.workspace.definitions.model(model)
        return definition.features.spine.name, self.workspace.plan(definition) if with_todays_definitions else None

    def monitor(self, as_of: int | None = None, *, bundle: str | None = None) -> MonitoringReport:
        """Say what became of a bundle's decisions, as known at an instant; by default now."""
        opened = self.bundles.bundle(bundle)
        definition = opened.definition
        with self.archive() as archive:
            anchoring.verify(archive.log, self.workspace.ledger)
            return from_log.watch(
                archive.log,
                fold(archive.log, opened.plan, until=NOW_ON),
                opened,
                definition.label,
                as_of=self.workspace.clock.now() if as_of is None else as_of,
                settings=from_log.settings(definition, self.workspace.settings.monitoring),
            )
