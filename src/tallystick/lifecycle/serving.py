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
from tallystick.journal import activation, anchoring
from tallystick.journal.catch_up import catch_up
from tallystick.journal.history import History, begin_log
from tallystick.lifecycle.bundles import Bundles
from tallystick.lifecycle.sources import Sources
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.serving.requests import Answer, Request
from tallystick.serving.service import SIGN_EVERY, Service
from tallystick.serving.state import Remade, open_states, remake_state
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
    def service(self, *bundles: str, sign_from: int = 1, step: Step | None = None) -> Iterator[Service]:
        """Open log and states, and serve approved bundles, one for each model, until the block is left.

        Parameters
        ----------
        bundles : what their digests begin with; by default of each model the one approved last
        sign_from : how many entries must have come since the last signed head for another to be signed now
        step : told how far the states are
        """
        work, opened = self.workspace, self.bundles.acting(bundles)
        signer = work.signer()
        if not work.places.log.exists():
            # All of history: another model may need what the first one to serve does not.
            begin_log(work.places.log, self.sources.read(step).dataset, work.places.segments)
        with SqliteLog.create_or_open(work.places.log) as log:
            signed = anchoring.signed(work.ledger)
            anchoring.check_last(log, signed)
            for bundle in opened:
                found = activation.latest(log, bundle.manifest.model)
                if found is None or found[1].bundle != bundle.digest:
                    record_deployment(work.ledger, bundle.digest, signer=signer, at=work.clock.now())
            plans = [bundle.plan for bundle in opened]
            with open_states(work.places.state, plans, work.settings.state.url) as states:
                service = Service(
                    opened,
                    log,
                    states,
                    work.clock,
                    sign_head=anchoring.signing(work.ledger, signer, work.clock),
                    signed=signed[-1].position if signed else -1,
                    sign_from=sign_from,
                    progress=named_step(step, "state"),
                )
                try:
                    yield service
                finally:
                    service.close()

    def rebuild_state(self, bundle: str | None = None, *, step: Step | None = None) -> Remade:
        """Make the state of a bundle's features anew from history and log, in the place of the one that is there.

        Parameters
        ----------
        bundle : what its digest begins with; the one approved last if None
        step : called with how far it is

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
            history = History.of(log, plan.sources)
            follow = partial(catch_up, log=log, history=history, progress=named_step(step, "state"))
            return remake_state(self.workspace.places.state, plan, follow, self.workspace.settings.state.url)

    def decide(self, *records: Mapping[str, Any], model: str | None = None) -> list[Answer]:
        """Decide about records as the server would, in one commit, and remember it.

        The ledger hears of it as often as of a server that runs: when another bundle begins to decide, and when many
        entries have come since the last signed head.

        Parameters
        ----------
        records : each by field
        model : which one decides; it need only be named where several are approved
        """
        with self.service(sign_from=SIGN_EVERY) as service:
            requests = [Request(msgspec.json.encode(dict(record))) for record in records]
            return service.decide(requests, model=model, caller=self.workspace.actor)
