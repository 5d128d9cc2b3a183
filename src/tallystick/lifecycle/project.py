"""The library's face: every stage of the journey, each handed on to the part that does it.

Its signatures name the values of every room, and a verb that shows a ledger must not load a compiler: so the rooms
are imported here for types alone. The parts import what they use, as every other module does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tallystick.definitions.lineage import Lineage, lineage
from tallystick.features.engine_names import LOCAL
from tallystick.lifecycle.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any

    from tallystick.data.read import Reading
    from tallystick.data.records import Dataset
    from tallystick.definitions.changes import Change
    from tallystick.definitions.clock import Clock
    from tallystick.definitions.describe import Description
    from tallystick.definitions.models import ModelDefinition
    from tallystick.definitions.progress import Step
    from tallystick.definitions.project import Definitions
    from tallystick.features.plan import Plan
    from tallystick.features.prove import ParityProof
    from tallystick.features.spill.executor import SpillResult
    from tallystick.features.table import FeatureTable
    from tallystick.features.table_file import Header
    from tallystick.governance.approval_status import Approval
    from tallystick.governance.review import Review
    from tallystick.ledger.entry import LedgerEntry
    from tallystick.ledger.keys import Signer
    from tallystick.ledger.ledger import Ledger, Verified
    from tallystick.lifecycle.datasets import Screened
    from tallystick.lifecycle.training import Retrained
    from tallystick.monitoring.report import MonitoringReport
    from tallystick.release.open import Bundle
    from tallystick.replay.archive import Archive
    from tallystick.replay.period import ReplayReport
    from tallystick.replay.verdict import Verdict
    from tallystick.serving.requests import Answer
    from tallystick.serving.service import Service
    from tallystick.serving.state import Remade
    from tallystick.settings import Places, Settings
    from tallystick.validation.judged import Judged
    from tallystick.workspace import Workspace


@dataclass(frozen=True)
class Project:
    """A project's folder, and everything that can be done with it.

    Parameters
    ----------
    workspace : the folder, its settings and definitions, and who acts
    """

    workspace: Workspace

    @cached_property
    def _parts(self) -> Parts:
        return Parts(self.workspace)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.workspace.root

    @property
    def settings(self) -> Settings:
        """What tally.toml says."""
        return self.workspace.settings

    @property
    def definitions(self) -> Definitions:
        """What the project file declares."""
        return self.workspace.definitions

    @property
    def actor(self) -> str:
        """Who acts."""
        return self.workspace.actor

    @property
    def clock(self) -> Clock:
        """What tells the time."""
        return self.workspace.clock

    @property
    def places(self) -> Places:
        """Where the things of the project lie."""
        return self.workspace.places

    @property
    def ledger(self) -> Ledger:
        """Who did what."""
        return self.workspace.ledger

    def signer(self) -> Signer:
        """Return who acts, with the key in hand; the first actor of an empty ledger enrols itself."""
        return self.workspace.signer()

    def enrol(self, name: str, *roles: str) -> LedgerEntry:
        """Make a key for another actor on this machine, and enrol it under the name of who acts.

        Parameters
        ----------
        name : the actor's
        roles : what it may do: builder, validator, operator
        """
        return self.workspace.enrol(name, *roles)

    def trusted_keys(self) -> tuple[str, ...]:
        """Return the public keys of everybody enrolled."""
        return self.workspace.trusted_keys()

    def verify(self) -> Verified:
        """Prove the ledger from its first byte."""
        return self.workspace.verify()

    def plan(self, model: ModelDefinition) -> Plan:
        """Return the plan of a model's features, with the sources it and its label need."""
        return self.workspace.plan(model)

    def describe(self, *, model: str | None = None) -> Description:
        """Return what each feature of a model means in words, its inputs, windows, unit and cost."""
        return self.definitions.model(model).features.describe(self.definitions.sources)

    def lineage(self, *, model: str | None = None) -> Lineage:
        """Return the columns, streams and files that a model's features, label and policy come from."""
        return lineage(self.definitions.model(model), self.definitions.sources)

    def read(self, step: Step | None = None) -> Reading:
        """Read, screen and number the history that the sources name; refused rows go to quarantine."""
        return self._parts.sources.read(step)

    def dataset(
        self, step: Step | None = None, *, model: str | None = None, screened: Screened | None = None
    ) -> Dataset:
        """Return what a model's features and label need: the sources' history until serving began, then the log's.

        Parameters
        ----------
        step : called with how far it is
        model : whose, where a project declares several
        screened : called with what came of each source
        """
        return self._parts.datasets.dataset(step, model=model, screened=screened)

    def features(
        self,
        begin: int | None = None,
        end: int | None = None,
        *,
        model: str | None = None,
        engine: str = "batch",
        step: Step | None = None,
        screened: Screened | None = None,
    ) -> FeatureTable:
        """Compute the table of the records with begin <= time < end, each as it would have been served.

        Parameters
        ----------
        begin, end : microseconds since 1970 UTC; without a bound where None
        model : whose features, where a project declares several
        engine : the executor, "batch" or "duckdb"; which one changes no bit
        step : called with how far it is
        screened : called with what came of each source, where their files are read
        """
        return self._parts.features.features(begin, end, model=model, engine=engine, step=step, screened=screened)

    def features_with_spark(
        self,
        out: str,
        begin: int | None = None,
        end: int | None = None,
        *,
        model: str | None = None,
        master: str = LOCAL,
        step: Step | None = None,
    ) -> Header:
        """Compute the features with Spark, write their table as a folder of Parquet files, and return its header.

        Parameters
        ----------
        out : a new folder for Parquet files, or an address such as ``s3a://bank/features``
        begin, end, model, step : as for ``features``
        master : Spark's, such as ``local[2]`` or ``spark://host:7077``
        """
        return self._parts.features.features_with_spark(out, begin, end, model=model, master=master, step=step)

    def features_in_parts(
        self,
        out: Path,
        begin: int | None = None,
        end: int | None = None,
        *,
        model: str | None = None,
        memory: int,
        step: Step | None = None,
        screened: Screened | None = None,
    ) -> SpillResult:
        """Compute the features and write their table to a Parquet file, with little in memory at a time.

        Parameters
        ----------
        out : the file; it is there whole or not at all
        begin, end, model, step, screened : as for ``features``
        memory : how many bytes that may take
        """
        made = self._parts.features
        return made.features_in_parts(out, begin, end, model=model, memory=memory, step=step, screened=screened)

    def memory_to_take(self, model: str | None = None) -> int | None:
        """Return how many bytes a computation by parts may take here; None where it need not be by parts."""
        return self._parts.features.memory_to_take(model)

    def features_sql(self, dialect: str = "duckdb", *, model: str | None = None) -> str:
        """Return a model's features in the SQL of "duckdb" or "spark", in the form right in any order of arrival."""
        return self._parts.features.features_sql(dialect, model=model)

    def prove(
        self, n_rows: int = 10_000, *, model: str | None = None, master: str | None = None, step: Step | None = None
    ) -> ParityProof:
        """Compute the last rows' features with every executor that is installed, and compare all bits.

        Parameters
        ----------
        n_rows : how many of the last records
        model : whose features, where a project declares several
        master : Spark's, such as ``local[2]`` or ``spark://host:7077``; Spark is asked only where it is named
        step : called with how far it is
        """
        return self._parts.features.prove(n_rows, model=model, master=master, step=step)

    def train(
        self,
        model: str | None = None,
        *,
        features: Path | None = None,
        memory: int | None = None,
        step: Step | None = None,
    ) -> list[Judged]:
        """Train every family, judge each candidate, keep both, and record it in the ledger; the best comes first.

        Parameters
        ----------
        model : which, where a project declares several
        features : a table that ``tally features`` wrote, of this model and of today's records; computed here if None
        memory : with a table, how many bytes the reading of records may take beside it; all of them at once if None
        step : called with how far it is
        """
        return self._parts.training.train(model, features=features, memory=memory, step=step)

    def retrain(self, model: str | None = None, *, step: Step | None = None) -> Retrained:
        """Train on what is known by now, release the best as a challenger, and compare it with the champion.

        ``model`` says which where a project declares several; ``step`` is called with how far it is.
        """
        return self._parts.training.retrain(model, step=step)

    def candidates(self) -> list[Judged]:
        """Return every candidate with its latest evidence, the newest first."""
        return self._parts.candidates.candidates()

    def candidate(self, name: str | None = None) -> Judged:
        """Return the candidate whose digest begins so; by default the best of the last training."""
        return self._parts.candidates.candidate(name)

    def release(self, candidate: str | None = None) -> Bundle:
        """Pack, prove and sign a candidate as it was judged, and record it; by default the last training's best."""
        return self._parts.releases.release(candidate)

    def changes(self, definition: ModelDefinition) -> tuple[Change, ...]:
        """Return what the project's file says otherwise by now than a definition that was judged."""
        return self._parts.reviews.changes(definition)

    def review(self, name: str | None = None, *, is_released: bool = False) -> Review:
        """Return what a validator looks at: of a bundle or a candidate; by default of the last training's best.

        Parameters
        ----------
        name : how the digest of either begins
        is_released : refuse a candidate that nobody released
        """
        if is_released or self._parts.reviews.is_released(name):
            return self._parts.bundles.review(name or "")
        return self._parts.reviews.review(name)

    def bundle(self, name: str | None = None, *, model: str | None = None, is_approved: bool = True) -> Bundle:
        """Open a bundle.

        Parameters
        ----------
        name : how its digest begins; by default the one of a model that was approved last
        model : whose, where none is named and bundles of several models are approved
        is_approved : refuse one that nobody approved
        """
        return self._parts.bundles.bundle(name, model=model, is_approved=is_approved)

    def approve(self, bundle: str) -> Approval:
        """Allow a bundle to decide: said by a validator who did not build it, on evidence without failures."""
        return self._parts.bundles.approve(bundle)

    def refuse(self, bundle: str, *, reason: str) -> LedgerEntry:
        """Forbid a bundle to decide; an approval that stands falls.

        Parameters
        ----------
        bundle : how its digest begins
        reason : why; it stands in the ledger for ever
        """
        return self._parts.bundles.refuse(bundle, reason=reason)

    def service(self, *bundles: str, step: Step | None = None) -> AbstractContextManager[Service]:
        """Open log and states, and serve approved bundles, one for each model, until the block is left.

        Parameters
        ----------
        bundles : how their digests begin; by default of each model the one approved last
        step : called with how far it is
        """
        return self._parts.serving.service(*bundles, step=step)

    def rebuild_state(self, bundle: str | None = None, *, step: Step | None = None) -> Remade:
        """Make the state of a bundle's features anew from history and log, in the place of the one that is there.

        Parameters
        ----------
        bundle : how its digest begins; by default the one approved last
        step : called with how far it is
        """
        return self._parts.serving.rebuild_state(bundle, step=step)

    def decide(self, *records: Mapping[str, Any], model: str | None = None) -> list[Answer]:
        """Decide about records, as the server would, and remember it.

        Parameters
        ----------
        records : each by field; together they are one commit
        model : which one decides; it need only be named where several are approved
        """
        return self._parts.serving.decide(*records, model=model)

    def archive(self) -> AbstractContextManager[Archive]:
        """Open what was kept, for reading only: what replays and comparisons are made from."""
        return self._parts.audit.archive()

    def replay(self, name: str, *, model: str | None = None, with_todays_definitions: bool = False) -> Verdict:
        """Make one decision again from its raw request, positions and digests, and compare every bit.

        Parameters
        ----------
        name : the decision's id
        model : whose; it need only be named where several have a decision of this id
        with_todays_definitions : compute the project file's features instead of the bundle's
        """
        return self._parts.audit.replay(name, model=model, with_todays_definitions=with_todays_definitions)

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
        since, until : microseconds since 1970 UTC; without a bound where None
        sample : how many of them; all where None
        model, with_todays_definitions : as for ``replay``
        step : called with how far it is
        """
        return self._parts.audit.replay_period(
            since, until, sample=sample, model=model, with_todays_definitions=with_todays_definitions, step=step
        )

    def monitor(self, as_of: int | None = None, *, bundle: str | None = None) -> MonitoringReport:
        """Say what became of a bundle's decisions.

        Parameters
        ----------
        as_of : the instant as known at which, in microseconds since 1970 UTC; by default now
        bundle : how its digest begins; by default the one approved last
        """
        return self._parts.audit.monitor(as_of, bundle=bundle)
