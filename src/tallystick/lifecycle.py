"""The table of contents and the library's face: every stage of the journey, called in order."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick import settings as settings_file
from tallystick.definitions import project as project_file
from tallystick.definitions.clock import Clock, SystemClock
from tallystick.definitions.digest import digest_of
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.progress import Step
from tallystick.errors import BundleInconsistent, EvidenceDamaged, NothingApproved, NothingServed
from tallystick.features.batch.executor import compute
from tallystick.features.matrix import Matrix
from tallystick.features.plan import Plan
from tallystick.governance.approval_status import APPROVED, Approval
from tallystick.governance.approvals import Approvals, approve, refuse
from tallystick.governance.releases import record_deployment, record_release
from tallystick.ground import named, user
from tallystick.inputs import NOW_ON, Inputs, named_step
from tallystick.ledger.entry import LedgerEntry
from tallystick.log.opening import open_log
from tallystick.log.sqlite import SqliteLog
from tallystick.monitoring import from_log
from tallystick.monitoring.report import Report
from tallystick.release.make import Ingredients
from tallystick.release.make import release as make_bundle
from tallystick.release.open import Bundle, open_bundle
from tallystick.replay.archive import Archive
from tallystick.replay.compare import Comparison, compare
from tallystick.replay.fold import fold
from tallystick.replay.period import Report as ReplayReport
from tallystick.replay.period import replay_period
from tallystick.replay.single import replay
from tallystick.replay.verdict import Verdict
from tallystick.serving import anchoring
from tallystick.serving.catch_up import catch_up
from tallystick.serving.history import History, begin_log
from tallystick.serving.requests import Answer, Request
from tallystick.serving.service import Service
from tallystick.serving.state import Remade, open_state, remake_state
from tallystick.training.candidate import Candidate, open_candidate
from tallystick.training.fit import train
from tallystick.validation.check import Question
from tallystick.validation.checks import validate
from tallystick.validation.evidence import Evidence, read_evidence


def open(folder: Path | str = ".", *, actor: str | None = None, clock: Clock | None = None) -> "Project":  # noqa: A001 - ts.open reads as it acts
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
    return Project(root, settings, definitions, actor or settings.actor or user(), clock or SystemClock())


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with what the checks found of it."""

    candidate: Candidate
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Retrained:
    """A challenger, and how it does beside the champion."""

    judged: Judged
    challenger: Bundle
    comparison: Comparison

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"challenger": self.challenger.digest, "comparison": self.comparison.to_plain()}


class Project(Inputs):
    """A project's folder, and everything that can be done with it."""

    # ---- train and judge ---------------------------------------------------------------------------------

    def train(self, model: str | None = None, *, step: Step | None = None) -> list[Judged]:
        """Train every family, judge each candidate, keep both, and record it in the ledger; the best comes first.

        Best is who failed no check and no limit; among those, who ranks best on the validate part.
        """
        definition, signer = self.definitions.model(model), self.signer()
        dataset, plan = self.dataset(step, model=definition.name), self.plan(definition)
        matrix = compute(plan, dataset, threads=2, progress=named_step(step, "features"))
        made = train(
            definition,
            matrix,
            dataset,
            builder=signer.actor,
            at=self.clock.now(),
            exclude=self._unlabelled(definition, matrix),
            progress=named_step(step, "search and fit"),
        )
        self.ledger.record("dataset_read", {"dataset": dataset.fingerprint}, signer, self.clock.now())
        judged = []
        questions = [Question.about(each, model=definition, dataset=dataset, matrix=matrix) for each in made]
        found = validate(questions, at=self.clock.now(), progress=named_step(step, "checks"))
        for candidate, evidence in zip((each.candidate for each in made), found, strict=True):
            candidate.save(self.places.candidates)
            evidence.save(self.places.evidence)
            facts = {"candidate": candidate.digest, "dataset": dataset.fingerprint, "model": candidate.record.model}
            self.ledger.record("trained", facts, signer, self.clock.now())
            checked = {"candidate": candidate.digest, "evidence": evidence.digest, "failed": len(evidence.failed)}
            self.ledger.record("checked", checked, signer, self.clock.now())
            judged.append(Judged(candidate, evidence))
        return sorted(judged, key=_worse)

    def candidates(self) -> list[Judged]:
        """Return every candidate with its latest evidence, the newest first."""
        checked = [entry.facts for entry in self.ledger.entries("checked")]
        latest = {str(facts["candidate"]): str(facts["evidence"]) for facts in checked}
        return [
            Judged(open_candidate(self.places.candidates / name), self._evidence(evidence))
            for name, evidence in reversed(latest.items())
            if (self.places.candidates / name).is_dir()
        ]

    def _evidence(self, digest: str) -> Evidence:
        path = self.places.evidence / f"{digest}.json"
        if not path.is_file():
            raise EvidenceDamaged(f"{path} is not there")
        return read_evidence(path.read_bytes(), digest=digest)

    def candidate(self, name: str | None = None) -> Judged:
        """Return the candidate whose digest begins so; by default the best of the last training.

        Raises
        ------
        NameUnclear
            If no candidate's digest begins so, or several do.
        """
        judged = {made.candidate.digest: made for made in self.candidates()}
        if name is None and judged:
            newest = max(made.candidate.record.created_at for made in judged.values())
            return min((m for m in judged.values() if m.candidate.record.created_at == newest), key=_worse)
        return judged[named("candidate", name or "", list(judged), remedy="tally train")]

    # ---- release and approve -----------------------------------------------------------------------------

    def release(self, candidate: str | None = None, *, step: Step | None = None) -> Bundle:
        """Pack, prove and sign a candidate, and record it in the ledger."""
        judged, signer = self.candidate(candidate), self.signer()
        definition = self.definitions.model(judged.candidate.record.name)
        dataset, evidence = self.dataset(step, model=definition.name), judged.evidence.to_plain()
        ingredients = Ingredients(definition, self.plan(definition), judged.candidate, evidence, dataset)
        bundle = make_bundle(ingredients, self.places.bundles, signer=signer, at=self.clock.now())
        facts = {"candidate": judged.candidate.digest, "plan": bundle.manifest.plan}
        record_release(
            self.ledger, bundle.digest, bundle.manifest.evidence, signer=signer, at=self.clock.now(), facts=facts
        )
        return bundle

    def bundle(self, name: str | None = None, *, is_approved: bool = True) -> Bundle:
        """Open the bundle whose digest begins so; by default the one approved last.

        Raises
        ------
        NothingApproved
            If no bundle is named and none is approved.
        NameUnclear
            If no bundle's digest begins so, or several do.
        BundleInconsistent
            If another bundle lies under that digest.
        """
        approvals = Approvals(self.ledger)
        if name is None:
            words = [str(entry.facts["bundle"]) for entry in self.ledger.verified_entries(APPROVED)]
            approved = [digest for digest in words if approvals.of(digest)]
            if not approved:
                raise NothingApproved
            name = approved[-1]
        released = [str(entry.facts["bundle"]) for entry in self.ledger.entries("released")]
        digest = named("bundle", name, list(dict.fromkeys(released)), remedy="tally release")
        folder = self.places.bundles / digest
        opened = open_bundle(folder, trusted_keys=self.trusted_keys(), approvals=approvals if is_approved else None)
        if opened.digest != digest:
            # Who approves or serves this one would answer for another.
            raise BundleInconsistent("manifest.json", folder=folder, reason=f"it is bundle {opened.digest[:12]}")
        return opened

    def approve(self, bundle: str) -> Approval:
        """Allow a bundle to decide: said by a validator who did not build it, on evidence without failures."""
        opened = self.bundle(bundle, is_approved=False)
        builder, signer, at = opened.manifest.builder, self.signer(), self.clock.now()
        approval = approve(self.ledger, opened.digest, opened.evidence, builder=builder, signer=signer, at=at)
        self.ledger.checkpoint(signer, at)
        return approval

    def refuse(self, bundle: str, *, reason: str) -> LedgerEntry:
        """Forbid a bundle to decide; an approval that stands falls."""
        opened = self.bundle(bundle, is_approved=False)
        signer, at = self.signer(), self.clock.now()
        entry = refuse(self.ledger, opened.digest, reason=reason, signer=signer, at=at)
        # Cut off the ledger's end, a refusal would leave the approval before it standing.
        self.ledger.checkpoint(signer, at)
        return entry

    # ---- serve and decide --------------------------------------------------------------------------------

    @contextmanager
    def service(self, bundle: str | None = None, *, step: Step | None = None) -> Iterator[Service]:
        """Open log and state, and serve from an approved bundle until the block is left."""
        opened, signer = self.bundle(bundle), self.signer()
        if not self.places.log.exists():
            # All of history: another model may need what the first one to serve does not.
            begin_log(self.places.log, self.read(step).dataset, self.places.segments)
        with SqliteLog.create_or_open(self.places.log) as log:
            anchoring.check_last(log, anchoring.signed(self.ledger))
            online = open_state(self.places.state, opened.plan, self.settings.state.url)
            try:
                record_deployment(self.ledger, opened.digest, signer=signer, at=self.clock.now())
                signing = anchoring.signing(self.ledger, signer, self.clock)
                on_progress = named_step(step, "state")
                service = Service(opened, log, online, self.clock, sign_head=signing, progress=on_progress)
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
        plan = self.bundle(bundle).plan
        if not self.places.log.exists():
            raise NothingServed
        with open_log(self.places.log) as log:
            anchoring.check_last(log, anchoring.signed(self.ledger))
            sources = {source.name: source for source in plan.sources}
            follow = partial(
                catch_up,
                log=log,
                sources=sources,
                history=History.of(log, plan.sources),
                progress=named_step(step, "state"),
            )
            return remake_state(self.places.state, plan, follow, self.settings.state.url)

    def decide(self, record: Mapping[str, Any]) -> Answer:
        """Decide about one record, as the server would, and remember it."""
        with self.service() as service:
            return service.decide([Request(msgspec.json.encode(dict(record)))])[0]

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """Open what was kept, for reading only: what replays and comparisons are made from.

        Raises
        ------
        NothingServed
            If nothing was ever decided here.
        """
        if not self.places.log.exists():
            raise NothingServed
        with open_log(self.places.log) as log:
            yield Archive(log, self.places.bundles, self.trusted_keys(), self.ledger)

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
        spines = {definition.features.spine.name for definition in self.definitions.models.values()}
        if model is None and len(spines) == 1 and not with_todays_definitions:
            return spines.pop(), None
        definition = self.definitions.model(model)
        return definition.features.spine.name, self.plan(definition) if with_todays_definitions else None

    # ---- monitor -----------------------------------------------------------------------------------------

    def monitor(self, as_of: int | None = None, *, bundle: str | None = None) -> Report:
        """Say what became of a bundle's decisions, as known at an instant; by default now."""
        opened = self.bundle(bundle)
        definition = self.definitions.model(opened.manifest.model)
        with self.archive() as archive:
            anchoring.verify(archive.log, self.ledger)
            return from_log.watch(
                archive.log,
                fold(archive.log, opened.plan, until=NOW_ON),
                opened,
                definition.label,
                as_of=self.clock.now() if as_of is None else as_of,
                settings=from_log.settings(definition, self.settings.monitoring),
            )

    def retrain(self, model: str | None = None, *, step: Step | None = None) -> Retrained:
        """Train on what is known by now, release the best as a challenger, and compare it with the champion.

        Both are held to the same matured decisions, those of the challenger's test part, which it never learnt from.
        The champion goes on deciding until somebody approves the challenger.

        Raises
        ------
        NothingServed
            If nothing was ever decided here: there is no champion.
        """
        if not self.places.log.exists():
            raise NothingServed
        best = self.train(model, step=step)[0]
        challenger = self.release(best.candidate.digest)
        definition = self.definitions.model(model)
        tested = best.candidate.record.part("test")
        with self.archive() as archive:
            comparison = compare(
                archive, challenger, definition.label, at=self.clock.now(), since=tested.start, until=tested.end
            )
        facts = {"challenger": challenger.digest, "comparison": digest_of(comparison.to_plain())}
        self.ledger.record("retrained", facts, self.signer(), self.clock.now())
        return Retrained(best, challenger, comparison)

    def _unlabelled(self, model: ModelDefinition, matrix: Matrix) -> NDArray[np.bool_] | None:
        """Say which rows can have no label: stopped payments never get one."""
        if not self.places.log.exists():
            return None
        with open_log(self.places.log) as log:
            return np.isin(matrix.position, from_log.stopped(log, model.features.spine.name))


def _worse(made: Judged) -> tuple[bool, float]:
    record = made.candidate.record
    return bool(made.evidence.failed), -float(getattr(record.metrics["validate"], record.metric))


__all__ = ["Judged", "Project", "open"]
