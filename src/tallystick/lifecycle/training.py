"""From records to judged candidates, and again once decisions have matured: train, retrain."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.digest import digest_of
from tallystick.definitions.progress import Step, named_step
from tallystick.errors import NothingServed
from tallystick.features.table import FeatureTable
from tallystick.governance.trainings import CHECKED, READ, TRAINED, checked_facts, trained_facts
from tallystick.lifecycle.audit import Audit
from tallystick.lifecycle.candidates import rank
from tallystick.lifecycle.datasets import Datasets
from tallystick.lifecycle.releases import Releases
from tallystick.lifecycle.training_input import training_input
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

    def train(
        self,
        model: str | None = None,
        *,
        features: Path | None = None,
        memory: int | None = None,
        step: Step | None = None,
    ) -> list[Judged]:
        """Train every family, judge each candidate, keep both, and record it in the ledger; the best comes first.

        Best is who failed no check and no limit; among those, who ranks best on the validate part.

        Parameters
        ----------
        model : which, where a project declares several
        features : a feature table that ``tally features`` wrote, of this model's features and today's records;
            computed here if None
        memory : with a table, how many bytes the reading of records may take beside it; they are then read piece by
            piece, several times. All at once if None
        step : called with how far it is

        Raises
        ------
        TableOfOtherPlan, TableOfOtherData
            If the table is of other features, or of other records.
        """
        definition, signer = self.workspace.definitions.model(model), self.workspace.signer()
        ledger, clock = self.workspace.ledger, self.workspace.clock
        with training_input(self.datasets, definition, features, memory, step) as (table, facts, records):
            made = train(
                definition,
                table,
                facts,
                builder=signer.actor,
                at=clock.now(),
                exclude=self._unlabelled(table),
                progress=named_step(step, "search and fit"),
            )
            read = ledger.record(READ, {"dataset": table.origin.data}, signer, clock.now())
            # All candidates of one training are asked about the same rows, so the records of one serve all.
            dataset, bounds = records.of(made[0])
        questions = [
            Question.about(each, model=definition, dataset=dataset, table=table, bounds=bounds) for each in made
        ]
        judged = []
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

        Parameters
        ----------
        model : which, where a project declares several
        step : called with how far it is

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

    def _unlabelled(self, table: FeatureTable) -> NDArray[np.bool_] | None:
        """Say which rows can have no label: what was declined never gets one."""
        if not self.workspace.places.log.exists():
            return None
        with open_log(self.workspace.places.log) as log:
            return np.isin(table.position, from_log.declined(log))
