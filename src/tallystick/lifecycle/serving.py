"""Deciding from an approved bundle: the service, and the state that makes its features fast."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from tallystick.definitions.progress import Step, named_step
from tallystick.errors import NothingServed
from tallystick.governance.releases import record_deployment
from tallystick.lifecycle.bundles import Bundles
from tallystick.lifecycle.sources import Sources
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.serving import anchoring
from tallystick.serving.catch_up import catch_up
from tallystick.serving.history import History, begin_log
from tallystick.serving.requests import Answer, Request
from tallystick.serving.service import Service
from tallystick.serving.state import Remade, open_state, remake_state
from tallystick.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Serving:
    """The decisions of a project.

    Parameters
    ----------
    workspace : where the project lies
    sources : what the log begins with
    bundles : those that decide
    """

    workspace: Workspace
    sources: Sources
    bundles: Bundles

    @contextmanager
    def service(self, bundle: str | None = None, *, step: Step | None = None) -> Iterator[Service]:
        """Open log and state, and serve from an approved bundle until the block is left."""
        opened, signer = self.bundles.bundle(bundle), self.workspace.signer()
        if not self.workspace.places.log.exists():
            # All of history: another model may need what the first one to serve does not.
            begin_log(self.workspace.places.log, self.sources.read(step).dataset, self.workspace.places.segments)
        with SqliteLog.create_or_open(self.workspace.places.log) as log:
            anchoring.check_last(log, anchoring.signed(self.workspace.ledger))
            online = open_state(self.workspace.places.state, opened.plan, self.workspace.settings.state.url)
            try:
                record_deployment(self.workspace.ledger, opened.digest, signer=signer, at=self.workspace.clock.now())
                signing = anchoring.signing(self.workspace.ledger, signer, self.workspace.clock)
                on_progress = named_step(step, "state")
                service = Service(opened, log, online, self.workspace.clock, sign_head=signing, progress=on_progress)
                try:
                    yield service
                finally:
                    service.close()
            finally:
                online.close()

    def rebuild_state(self, bundle: str | None = None, *, step: Step | None = None) -> Remade:
        """Make the state of a bundle's features anew from history and log, in the place of the one that is there.

        Raises
        ------
        NothingServed
            If there is no log yet: the first start makes one, and the state with it.
        """
        plan = self.bundles.bundle(bundle).plan
        if not self.workspace.places.log.exists():
            raise NothingServed
        with open_log(self.workspace.places.log) as log:
            anchoring.check_last(log, anchoring.signed(self.workspace.ledger))
            sources = {source.name: source for source in plan.sources}
            follow = partial(
                catch_up,
                log=log,
                sources=sources,
                history=History.of(log, plan.sources),
                progress=named_step(step, "state"),
            )
            return remake_state(self.workspace.places.state, plan, follow, self.workspace.settings.state.url)

    def decide(self, record: Mapping[str, Any]) -> Answer:
        """Decide about one record, as the server would, and remember it."""
        with self.service() as service:
            return service.decide([Request(msgspec.json.encode(dict(record)))])[0]
