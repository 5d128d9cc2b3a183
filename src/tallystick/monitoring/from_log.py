"""The columns that monitoring looks at, read from the log."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records, known_at
from tallystick.definitions.fields import Money
from tallystick.definitions.models import LabelDefinition, ModelDefinition
from tallystick.definitions.policies import AboveCost, Policy
from tallystick.journal.decision import decisions, logged
from tallystick.log.protocol import LogReader
from tallystick.monitoring.drift import Histogram
from tallystick.monitoring.outcomes import Action, Decided, Reported
from tallystick.monitoring.report import MonitoringReport
from tallystick.monitoring.watch import Reference, Settings, monitor, rate_at_most
from tallystick.release.open import Bundle
from tallystick.scoring.policy import missed_cost
from tallystick.settings import MonitoringSettings

ACTIONS = {"approve": Action.APPROVE, "refer": Action.REFER, "decline": Action.DECLINE}


def watch(
    log: LogReader, dataset: Dataset, bundle: Bundle, label: LabelDefinition, *, as_of: int, settings: Settings
) -> MonitoringReport:
    """Return what became of a bundle's decisions, as known at an instant.

    Parameters
    ----------
    dataset : history and what the log added, as the bundle's plan reads it
    label : what counts as bad
    """
    spine, known = bundle.plan.definition.spine.name, bundle.reference
    scores = Histogram(known.scores.edges, known.scores.counts)
    metrics = bundle.candidate.metrics["test"].average_precision
    reference = Reference(bundle.digest, rate_at_most(known.bad.n_bad, known.scores.n), scores, metrics)
    made = decided(log, dataset, bundle.policy, model=bundle.manifest.model, stream=spine, bundle=bundle.digest)
    return monitor(made, reported(dataset, label), reference, as_of=as_of, settings=settings)


def settings(model: ModelDefinition, chosen: MonitoringSettings) -> Settings:
    """Return what monitoring needs to know, from a model's definition and from tally.toml.

    Parameters
    ----------
    model : says what is bad, when that is final, and what it costs
    chosen : the section ``[monitoring]`` of tally.toml
    """
    money = [kind.currency for kind in model.features.spine.fields.values() if isinstance(kind, Money)]
    return Settings(
        maturity_us=model.label.matures_after_us,
        false_alarm_cost=getattr(model.policy.decline, "false_alarm", 0.0),
        currency=money[0] if money else "",
        tolerated_rise=chosen.tolerated_rise,
        false_alarms=chosen.false_alarms,
        clump=chosen.clump,
    )


def declined(log: LogReader) -> NDArray[np.int64]:
    """Return the positions of the events that some model declined: nobody ever finds out whether they were bad."""
    made = (logged(entry).decision for entry in log.read(kinds=("decision",)))
    events = [d.event for d in made if d.action == "decline" and d.event is not None]
    return np.array(events, dtype=np.int64)


class Unsettled(msgspec.Struct, frozen=True):
    """What a decision's columns are made of before they are columns."""

    id: str
    at: int
    event: int
    action: int
    score: float


def decided(
    log: LogReader, dataset: Dataset, policy: Policy, *, model: str, stream: str, bundle: str | None
) -> Decided:
    """Return the decisions of a bundle, or of all, as columns: of each event the first one that has a score.

    An event that was asked about again under other keys is one event: counted twice, it would thin out the bad ones.

    Parameters
    ----------
    log : where the decisions are
    dataset : history and what the log added: it has the events' times and amounts
    policy : what a missed bad event costs by
    model : whose decisions
    stream : what it decides about
    bundle : whose decisions, or None for everybody's
    """
    spine = dataset.records[stream]
    by_event: dict[int, Unsettled] = {}
    for made in decisions(log, model):
        d = made.decision
        if d.event is not None and d.score is not None and bundle in (None, d.bundle):
            by_event.setdefault(d.event, Unsettled(d.record_id, made.at, d.event, ACTIONS[d.action], d.score))
    found = list(by_event.values())
    rows = np.searchsorted(spine.position, np.array([d.event for d in found], dtype=np.int64))
    values = {name: column.in_units(rows) for name, column in spine.values.items()}
    rule = policy.decline
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
    """Return every report of the label's stream that names an event and says something, in order of arrival.

    Parameters
    ----------
    dataset : history and log
    label : says which stream reports, and about what
    """
    reports, flagged = dataset.records[label.flagged.by], label.flagged
    names = _named(reports, flagged.on)
    known = known_at(reports)
    if flagged.known_after_us is not None:
        spine = dataset.records[flagged.stream]
        place = pc.index_in(reports.ids, value_set=spine.ids)
        is_known = place.is_valid().to_numpy(zero_copy_only=False)
        place = place.fill_null(0).to_numpy(zero_copy_only=False)
        known = np.where(is_known, spine.time[place] + flagged.known_after_us, reports.time)
    is_bad, says = np.ones(len(reports), dtype=np.bool_), names.is_valid().to_numpy(zero_copy_only=False)
    if flagged.flag is not None:
        is_bad, says = reports.values[flagged.flag].values == 1, says & ~reports.values[flagged.flag].missing
    ids = np.array(names.filter(pa.array(says)).to_pylist(), dtype=np.str_)
    return Reported(ids, known[says], is_bad[says])


def _named(reports: Records, on: str) -> pa.Array:
    """Return the id that each report names, null where it names none; its own id may be the one."""
    if on not in reports.keys:
        return reports.ids
    keys = reports.keys[on]
    return keys.names.take(pa.array(keys.codes, mask=keys.codes < 0))
