"""The columns that monitoring looks at, read from the log."""

import msgspec
import numpy as np
import pyarrow.compute as pc

from tallystick.data.records import Dataset
from tallystick.definitions.models import LabelDefinition
from tallystick.definitions.policies import AboveCost, Policy
from tallystick.log.reader import LogReader
from tallystick.monitoring.outcomes import Action, Decided, Reported
from tallystick.scoring.policy import missed_cost
from tallystick.serving.record import decode

ACTIONS = {"allow": Action.ALLOW, "refer": Action.REFER, "stop": Action.STOP}


class Unsettled(msgspec.Struct, frozen=True):
    """What a decision's columns are made of before they are columns."""

    id: str
    at: int
    event: int
    action: int
    score: float


def decided(log: LogReader, dataset: Dataset, policy: Policy, *, stream: str, bundle: str | None) -> Decided:
    """Return the decisions of a bundle, or of all, as columns; fallbacks without a score are left out.

    Parameters
    ----------
    dataset : history and what the log added: it has the events' times and amounts
    stream : the spine
    bundle : whose decisions, or None for everybody's
    """
    spine = dataset.records[stream]
    found = [
        Unsettled(d.record_id, d.at, d.event, ACTIONS[d.action], d.score)
        for d in (decode(entry.body) for entry in log.read(after=0, kinds=("decision",)))
        if d.event is not None and d.score is not None and not d.shadow and bundle in (None, d.bundle)
    ]
    rows = np.searchsorted(spine.seq, np.array([d.event for d in found], dtype=np.int64))
    values = {
        name: np.where(column.missing[rows], np.nan, column.values[rows] / 10**column.decimals)
        for name, column in spine.values.items()
    }
    rule = policy.stop
    cost = missed_cost(rule, values, len(found)) if isinstance(rule, AboveCost) else np.zeros(len(found))
    return Decided(
        ids=np.array([d.id for d in found], dtype=np.str_),
        at=np.array([d.at for d in found], dtype=np.int64),
        time=spine.time[rows],
        action=np.array([d.action for d in found], dtype=np.int8),
        score=np.array([d.score for d in found], dtype=np.float64),
        missed_cost=cost,
    )


def reported(dataset: Dataset, label: LabelDefinition) -> Reported:
    """Return every report of the label's stream as columns, in order of arrival."""
    reports, flagged = dataset.records[label.flagged.by], label.flagged
    names = np.array(reports.keys[flagged.on].names.to_pylist(), dtype=np.str_)
    ids = names[reports.keys[flagged.on].codes] if len(names) else np.empty(0, dtype=np.str_)
    known_at = reports.time
    if flagged.known_after_us is not None:
        spine = dataset.records[flagged.stream]
        place = pc.index_in(reports.ids, value_set=spine.ids)
        is_known = place.is_valid().to_numpy(zero_copy_only=False)
        place = place.fill_null(0).to_numpy(zero_copy_only=False)
        known_at = np.where(is_known, spine.time[place] + flagged.known_after_us, reports.time)
    is_bad = np.ones(len(reports), dtype=np.bool_)
    if flagged.flag is not None:
        is_bad = reports.values[flagged.flag].values == 1
    return Reported(ids, known_at, is_bad)
