"""A period of decisions, made again: every one of them, or a seeded sample."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from tallystick.definitions.progress import Progress
from tallystick.errors import NothingDecided
from tallystick.features.plan import Plan
from tallystick.journal.decision import decision_entries
from tallystick.replay.archive import Archive
from tallystick.replay.batch_replay import replay_entries
from tallystick.replay.verdict import Stage, Verdict
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Table
from tallystick.reporting.text import Text, dim, fail, ok

MOST_SHOWN = 10
_DIFFERING = (
    Column("decision"),
    Column("made at (UTC)", "instant", missing=""),
    Column("action", missing=""),
    Column("differs at"),
    Column("reason"),
)


@dataclass(frozen=True, slots=True)
class ReplayReport(Displayed):
    """What became of a period's decisions.

    Parameters
    ----------
    n_decisions : how many there are in the period
    verdicts : of those that were replayed, in order of their position
    """

    n_decisions: int
    verdicts: tuple[Verdict, ...]

    @property
    def n_identical(self) -> int:
        """How many were computed again bit for bit."""
        return sum(verdict.is_identical for verdict in self.verdicts)

    @property
    def is_identical(self) -> bool:
        """Whether all that were replayed are identical."""
        return self.n_identical == len(self.verdicts)

    @property
    def stages(self) -> dict[str, int]:
        """How many differ first at each stage, in the order of the stages."""
        counted = Counter(verdict.stage for verdict in self.verdicts if verdict.stage)
        return {stage: counted[stage] for stage in get_args(Stage) if counted[stage]}

    def to_plain(self) -> dict[str, Any]:
        """Return the report as plain data: the counts, and every verdict that differs."""
        return {
            "identical": self.is_identical,
            "n_decisions": self.n_decisions,
            "n_replayed": len(self.verdicts),
            "n_identical": self.n_identical,
            "stages": self.stages,
            "differing": [verdict.to_plain() for verdict in self.verdicts if not verdict.is_identical],
        }

    def report(self) -> Report:
        """Return the counts, and the first of the decisions that differ."""
        headline = f"{self.n_identical:,} of {len(self.verdicts):,} replayed decisions are identical, bit for bit"
        inside = Text.of(dim(f"The period has {self.n_decisions:,} decisions."))
        if self.is_identical:
            return Report("Replay", (Section("", (Text.of(ok(headline)), inside)),))
        counted = ", ".join(f"{stage} {n:,}" for stage, n in self.stages.items())
        rows = [
            (verdict.decision, verdict.at, verdict.action, verdict.stage, verdict.reason)
            for verdict in self.verdicts
            if not verdict.is_identical
        ]
        return Report(
            "Replay",
            (
                Section("", (Text.of(fail(headline)), inside, Text.of(f"differ first at: {counted}"))),
                Section("Decisions that differ", (Table.of(_DIFFERING, rows, most=MOST_SHOWN),)),
            ),
        )


def replay_period(
    archive: Archive,
    model: str,
    *,
    since: int | None = None,
    until: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    progress: Progress | None = None,
) -> ReplayReport:
    """Make the decisions of ``since <= at < until`` again, with one fold of the log.

    Parameters
    ----------
    archive : what was kept
    model : whose decisions
    since, until : instants in microseconds since 1970 UTC
    sample : how many to choose at random; all if None
    seed : of the choice
    plan : features to compute instead of the bundles' own: the project's definitions as they are today
    progress : told how many of how many are done

    Raises
    ------
    NothingDecided
        If the period holds no decision.
    """
    entries = list(decision_entries(archive.log, model, since, until))
    if not entries:
        raise NothingDecided(since, until)
    chosen = entries
    if sample is not None and sample < len(entries):
        places = np.random.default_rng(seed).choice(len(entries), sample, replace=False)
        chosen = [entries[place] for place in sorted(places.tolist())]
    return ReplayReport(len(entries), tuple(replay_entries(archive, chosen, plan=plan, progress=progress)))
