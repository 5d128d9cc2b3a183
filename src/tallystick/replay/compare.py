"""Champion and challenger on the same matured decisions: what each did, and who was right where they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Record
from tallystick.definitions.models import LabelDefinition
from tallystick.definitions.policies import ACTIONS, Action
from tallystick.errors import MetricUndefined, NothingDecided
from tallystick.journal.decision import Decision, decisions
from tallystick.journal.history import record_at
from tallystick.journal.records import records
from tallystick.release.open import Bundle
from tallystick.replay.archive import Archive
from tallystick.replay.vectors import Question, features, row_at
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Row, Table
from tallystick.scoring.policy import decide, row_values
from tallystick.training.labels import read_labels
from tallystick.training.metrics import auc, average_precision

_SWAPS = (
    Column("champion"),
    Column("challenger"),
    Column("decisions", "count"),
    Column("reported", "count"),
    Column("unknown", "count"),
)
_SIDES = (
    Column(""),
    Column("average precision", "number", digits=3, missing="unknown"),
    Column("AUC", "number", digits=3, missing="unknown"),
    Column("reported and approved", "count"),
)


class Swap(msgspec.Struct, frozen=True):
    """Decisions by what both did: how many, how many of them were reported, and how many nobody can judge.

    A payment that was declined is seldom reported, because nothing was lost: unreported, it tells nothing.
    """

    champion: Action
    challenger: Action
    n: int
    n_bad: int
    n_unknown: int


class Side(msgspec.Struct, frozen=True):
    """What one of the two would have reached on the decisions whose label is known.

    Parameters
    ----------
    bundles : digests; a champion may have been several in turn
    actions : how often each
    n_bad_approved : reported, and approved by this one
    average_precision, auc : of its scores; None where labels are all equal
    """

    bundles: tuple[str, ...]
    actions: dict[str, int]
    n_bad_approved: int
    average_precision: float | None
    auc: float | None


class Comparison(Displayed, msgspec.Struct, frozen=True):
    """Champion against challenger.

    Parameters
    ----------
    n_decisions : the champion's in the period, fallbacks left out
    n_matured : those of them that are compared
    n_unknown : compared, declined by the champion and never reported: in no metric
    """

    n_decisions: int
    n_matured: int
    n_unknown: int
    champion: Side
    challenger: Side
    swaps: tuple[Swap, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def report(self) -> Report:
        """Return what both did with the same decisions, who was right where they disagree, and what each reached."""
        swaps = [
            Row(
                (swap.champion, swap.challenger, swap.n, swap.n_bad, swap.n_unknown),
                "plain" if swap.champion == swap.challenger else "strong",
            )
            for swap in self.swaps
        ]
        sides = [
            (name, side.average_precision, side.auc, side.n_bad_approved)
            for name, side in (("champion", self.champion), ("challenger", self.challenger))
        ]
        return Report(
            f"Champion and challenger on the same {self.n_matured:,} matured decisions",
            (Section("", (Table.of(_SWAPS, swaps),)), Section("", (Table.of(_SIDES, sides),))),
        )


@dataclass(frozen=True, slots=True)
class _Compared:
    """One row per matured decision: what the champion did, what the challenger does, and the label."""

    decisions: Sequence[Decision]
    scores: NDArray[np.float64]
    actions: Sequence[Action]
    labels: NDArray[np.int8]

    @property
    def is_known(self) -> NDArray[np.bool_]:
        let_pass = np.array([decision.action != "decline" for decision in self.decisions], np.bool_)
        known: NDArray[np.bool_] = let_pass | (self.labels == 1)
        return known


def compare(
    archive: Archive,
    challenger: Bundle,
    label: LabelDefinition,
    *,
    at: int,
    since: int | None = None,
    until: int | None = None,
) -> Comparison:
    """Let a challenger decide what the champion decided, each record as of the same position in the log.

    Parameters
    ----------
    archive : what was kept
    challenger : opened, approved or not; the decisions are those of its own model
    label : what counts as bad, and when that is final
    at : the present; only records whose label has matured by then are compared
    since, until : when the champion decided, in microseconds since 1970 UTC

    Raises
    ------
    NothingDecided
        If no decision in the period has matured.
    """
    found = (logged.decision for logged in decisions(archive.log, challenger.manifest.model, since, until))
    stored = [decision for decision in found if not decision.fallback]
    dataset = records(archive.log, challenger.plan)
    compared = _compared(challenger, dataset, stored, label, at)
    if not compared.decisions:
        raise NothingDecided(since, until)
    champions = tuple(dict.fromkeys(decision.bundle for decision in compared.decisions))
    champion_scores = np.array([decision.score for decision in compared.decisions], np.float64)
    return Comparison(
        n_decisions=len(stored),
        n_matured=len(compared.decisions),
        n_unknown=int((~compared.is_known).sum()),
        champion=_side(champions, champion_scores, [d.action for d in compared.decisions], compared),
        challenger=_side((challenger.digest,), compared.scores, compared.actions, compared),
        swaps=tuple(_swaps(compared)),
    )


def _compared(
    challenger: Bundle, dataset: Dataset, stored: Sequence[Decision], label: LabelDefinition, at: int
) -> _Compared:
    spine = dataset.records[challenger.plan.definition.spine.name]
    labels = read_labels(dataset, label)
    placed = [(decision, row_at(challenger.plan, dataset, decision.event)) for decision in stored]
    # What the challenger's contract cannot read it would not have decided about.
    read = [(decision, row) for decision, row in placed if row is not None]
    rows = np.array([row for _, row in read], np.int64)
    kept = np.flatnonzero(labels.is_matured(at)[rows])
    compared = [read[place][0] for place in kept.tolist()]
    table = features(challenger.plan, dataset, [Question(d.event or 0, d.as_of) for d in compared])
    _, scores = challenger.scorer.session.many(table.values)
    found = [record_at(spine, int(row)) for row in rows[kept]]
    pairs = zip(scores.tolist(), found, strict=True)
    actions = [_action(challenger, score, record) for score, record in pairs]
    return _Compared(compared, scores, actions, labels.at(at)[rows[kept]])


def _action(bundle: Bundle, score: float, record: Record) -> Action:
    return decide(bundle.policy, score, row_values(bundle.plan.definition.spine, record)).action


def _side(
    bundles: tuple[str, ...], scores: NDArray[np.float64], actions: Sequence[Action], compared: _Compared
) -> Side:
    known, bad = compared.is_known, compared.labels == 1
    approved = np.array([action == "approve" for action in actions], np.bool_)
    counts: dict[str, int] = {action: sum(done == action for done in actions) for action in ACTIONS}
    try:
        figures: tuple[float | None, float | None] = (
            average_precision(compared.labels[known], scores[known]),
            auc(compared.labels[known], scores[known]),
        )
    except MetricUndefined:
        figures = (None, None)
    return Side(bundles, counts, int((approved & bad).sum()), *figures)


def _swaps(compared: _Compared) -> list[Swap]:
    then = np.array([decision.action for decision in compared.decisions])
    now, known = np.array(compared.actions), compared.is_known
    found = []
    for champion in ACTIONS:
        for challenger in ACTIONS:
            both = (then == champion) & (now == challenger)
            n_bad = int((both & (compared.labels == 1)).sum())
            found.append(Swap(champion, challenger, int(both.sum()), n_bad, int((both & ~known).sum())))
    return [swap for swap in found if swap.n]
