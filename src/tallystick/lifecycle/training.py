"""From records to judged candidates, and again once decisions have matured: train, retrain."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.digest import digest_of
from tallystick.definitions.progress import Step, named_step
from tallystick.errors import NothingServed
from tallystick.features.batch.executor import compute
from tallystick.features.matrix import Matrix
from tallystick.governance.trainings import CHECKED, READ, TRAINED, checked_facts, trained_facts
from tallystick.lifecycle.audit import Audit
from tallystick.lifecycle.candidates import rank
from tallystick.lifecycle.datasets import Datasets
from tallystick.lifecycle.releases import Releases
from tallystick.log.opening import open_log
from tallystick.monitoring import from_log
from tallystick.release.open import Bundle
from tallystick.replay.compare import Comparison, compare
from tallystick.training.fit import train
from tallystick.validation.check import Question
from tallystick.validation.checks import validate
from tallystick.validation.judged import Judged
from tallystick.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Retrained:
    """A challenger, and how it does beside the champion."""

    judged: Judged
    challenger: Bundle
    comparison: Comparison

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"challenger": self.challenger.digest, "comparison": self.comparison.to_plain()}


@dataclass(frozen=True, slots=True)
class Training:
    """The training of a project's models.

    Parameters
    ----------
    workspace : where the project lies
    datasets : its records
    releases : packs a challenger
    audit : opens what was decided, which a challenger is compared on
    """

    workspace: Workspace
    datasets: Datasets
    releases: Releases
    audit: Audit

    def train(self, model: str | None = None, *, step: Step | None = None) -> list[Judged]:
        """Train every family, judge each candidate, keep both, and record it in the ledger; the best comes first.

        Best is who failed no check and no limit; among those, who ranks best on the validate part.
        """
        definition, signer = self.workspace.definitions.model(model), self.workspace.signer()
        dataset, plan = self.datasets.dataset(step, model=definition.name), self.workspace.plan(definition)
        matrix = compute(plan, dataset, threads=2, progress=named_step(step, "features"))
        made = train(
            definition,
            matrix,
            dataset,
            builder=signer.actor,
            at=self.workspace.clock.now(),
            exclude=self._unlabelled(matrix),
            progress=named_step(step, "search and fit"),
        )
        ledger, clock = self.workspace.ledger, self.workspace.clock
        read = ledger.record(READ, {"dataset": dataset.fingerprint}, signer, clock.now())
        judged = []
        questions = [Question.about(each, model=definition, dataset=dataset, matrix=matrix) for each in made]
        found = validate(questions, at=clock.now(), progress=named_step(step, "checks"))
        for candidate, evidence in zip((each.candidate for each in made), found, strict=True):
            candidate.save(self.workspace.places.candidates)
            evidence.save(self.workspace.places.evidence)
            ledger.record(TRAINED, trained_facts(candidate, training=read.number), signer, clock.now())
            ledger.record(CHECKED, checked_facts(evidence), signer, clock.now())
            judged.append(Judged(candidate, evidence))
        return sorted(judged, key=rank)

    def retrain(self, model: str | None = None, *, step: Step | None = None) -> Retrained:
        """Train on what is known by now, release the best as a challenger, and compare it with the champion.

        Both are held to the same matured decisions, those of the challenger's test part, which it never learnt from.
        The champion goes on deciding until somebody approves the challenger.

        Raises
        ------
        NothingServed
            If nothing was ever decided here: there is no champion.
        """
        if not self.workspace.places.log.exists():
            raise NothingServed
        best = self.train(model, step=step)[0]
        challenger = self.releases.release(best.candidate.digest)
        tested = best.candidate.record.part("test")
        with self.audit.archive() as archive:
            comparison = compare(
                archive,
                challenger,
                challenger.definition.label,
                at=self.workspace.clock.now(),
                since=tested.start,
                until=tested.end,
            )
        facts = {"challenger": challenger.digest, "comparison": digest_of(comparison.to_plain())}
        self.workspace.ledger.record("retrained", facts, self.workspace.signer(), self.workspace.clock.now())
        return Retrained(best, challenger, comparison)

    def _unlabelled(self, matrix: Matrix) -> NDArray[np.bool_] | None:
        """Say which rows can have no label: what was declined never gets one."""
        if not self.workspace.places.log.exists():
            return None
        with open_log(self.workspace.places.log) as log:
            return np.isin(matrix.position, from_log.declined(log))
