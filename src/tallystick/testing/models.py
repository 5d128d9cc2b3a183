"""A model without training: a logistic regression whose weights are written down, as a candidate with its record."""

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.models import ModelDefinition
from tallystick.features.plan import plan_of
from tallystick.features.table import FeatureTable
from tallystick.scoring.graph import Calibration
from tallystick.scoring.policy import background_rows, cost_fields
from tallystick.scoring.session import Session, fingerprint
from tallystick.training.actions import action_records
from tallystick.training.candidate import Candidate, Parts
from tallystick.training.examples import choose, examples
from tallystick.training.export import export_logistic
from tallystick.training.parity import Parity
from tallystick.training.record import FORMAT, Metrics, Record, SigmoidRecord
from tallystick.training.reference import BadRate, Reference, histogram
from tallystick.validation.evidence import FORMAT as EVIDENCE_FORMAT
from tallystick.validation.evidence import Evidence
from tallystick.validation.finding import Finding, Outcome

Doubles = NDArray[np.float64]

WEIGHTS = {"amount": 0.9, "n_1d": 0.5, "burst": 0.4, "risk_7d": 0.8, "risk_30d": 0.6, "night": 0.2}
BIAS = -3.0


def hand_written(
    model: ModelDefinition,
    table: FeatureTable,
    dataset: Dataset,
    *,
    builder: str,
    at: int,
    weights: dict[str, float] | None = None,
) -> Candidate:
    """Return a candidate whose weights are given: it judges plausibly, and nobody trained it.

    Parameters
    ----------
    model : what it is a candidate for
    table : features of all of the history
    dataset : the history
    builder, at : who says so, and when
    weights : by feature, on standardised values; zero where none is given
    """
    spine = dataset.records[model.features.spine.name]
    values = {name: column.in_units(np.arange(len(spine))) for name, column in spine.values.items()}
    file = _file(table, weights or WEIGHTS)
    raw, scores = Session.load(file).many(table.values)
    background = table.values[background_rows(model.policy, scores, values, n=100)]
    reference = Reference(int(table.time[0]), int(table.time[-1]), histogram(scores), BadRate(len(scores), 0))
    rows = choose(table.values, scores)
    sources = {name: records.source for name, records in dataset.records.items()}
    parts = Parts(
        definition=model,
        plan=plan_of(model, sources),
        model=file,
        background=background,
        reference=reference,
        examples=examples(table.values[rows], spine.values, rows, cost_fields(model.policy)),
    )
    record = Record(
        format=FORMAT,
        name=model.name,
        family="logistic_regression",
        model=model.digest,
        features=parts.plan.digest,
        dataset=dataset.fingerprint,
        names=table.names,
        builder=builder,
        created_at=at,
        data_ends_at=int(table.time[-1]),
        parts=(),
        params={},
        seed=0,
        metric="average_precision",
        trials=(),
        calibration=SigmoidRecord(1.0, 0.0, len(scores), 0),
        parity=Parity("bits", len(raw), len(raw), 0.0, 0.0),
        metrics={"test": Metrics(len(scores), 0, 0.5, 0.0, 0.0)},
        actions=action_records(model.policy, scores, np.zeros(len(scores), np.int8), values),
        libraries={},
        runtime=fingerprint(),
        files=parts.digests(),
    )
    return Candidate(record, parts)


def sound_evidence(candidate: Candidate, *, at: int) -> Evidence:
    """Return evidence of one check, which passed.

    Parameters
    ----------
    candidate : who was judged
    at : when
    """
    record = candidate.record
    return Evidence(
        format=EVIDENCE_FORMAT,
        candidate=candidate.digest,
        name=record.name,
        family=record.family,
        model=record.model,
        features=record.features,
        dataset=record.dataset,
        created_at=at,
        findings=(Finding("V101", Outcome.PASSED, "the world is small"),),
        figures={},
    )


def _file(table: FeatureTable, weights: dict[str, float]) -> bytes:
    medians = np.nan_to_num(np.nanmedian(table.values, axis=0))
    filled = np.where(np.isnan(table.values), medians, table.values)
    scales = filled.std(axis=0)
    return export_logistic(
        medians=medians,
        means=filled.mean(axis=0),
        scales=np.where(scales > 0.0, scales, 1.0),
        weights=[weights.get(name, 0.0) for name in table.names],
        bias=BIAS,
        calibration=Calibration(),
        names=table.names,
    )
