"""A period of decisions, made again: every one of them, or a seeded sample."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

import numpy as np
from rich.console import Group
from rich.text import Text

from tallystick.definitions.progress import Progress
from tallystick.errors import NothingDecided
from tallystick.features.plan import Plan
from tallystick.replay.archive import Archive
from tallystick.replay.batch_replay import replay_entries
from tallystick.replay.verdict import Stage, Verdict
from tallystick.tables import table

MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Report:
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

    def __rich__(self) -> Group:
        headline = Text(f"{self.n_identical:,} of {len(self.verdicts):,} replayed decisions are identical, bit for bit")
        headline.stylize("bold green" if self.is_identical else "bold red")
        inside = Text(f"The period has {self.n_decisions:,} decisions.", style="dim")
        if self.is_identical:
            return Group(headline, inside)
        differing = [verdict for verdict in self.verdicts if not verdict.is_identical]
        counted = ", ".join(f"{stage} {n:,}" for stage, n in self.stages.items())
        shown = table("", "decision", "made at (UTC)", "action", "differs at", "reason")
        for verdict in differing[:MOST_SHOWN]:
            at = "" if verdict.at is None else _written(verdict.at)
            shown.add_row(verdict.decision, at, verdict.action or "", verdict.stage, verdict.reason)
        left = len(differing) - MOST_SHOWN
        more = [Text(f"and {left:,} more; --json tells all", style="dim")] if left > 0 else []
        return Group(headline, inside, f"differ first at: {counted}", "", shown, *more)


def replay_period(
    archive: Archive,
    stream: str,
    *,
    since: int | None = None,
    until: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    progress: Progress | None = None,
) -> Report:
    """Make the decisions of ``since <= at < until`` again, with one fold of the log.

    Parameters
    ----------
    archive : what was kept
    stream : the stream that was decided about
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
    entries = list(archive.decisions(stream, since, until))
    if not entries:
        raise NothingDecided(since, until)
    chosen = entries
    if sample is not None and sample < len(entries):
        places = np.random.default_rng(seed).choice(len(entries), sample, replace=False)
        chosen = [entries[place] for place in sorted(places.tolist())]
    return Report(len(entries), tuple(replay_entries(archive, chosen, plan=plan, progress=progress)))


def _written(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
