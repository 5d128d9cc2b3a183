"""A model without training: a logistic regression whose weights are written down, as a candidate with its record."""

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.models import ModelDefinition
from tallystick.features.matrix import Matrix
from tallystick.features.plan import Plan
from tallystick.scoring.graph import Calibration
from tallystick.scoring.policy import background_rows
from tallystick.scoring.session import Session, fingerprint
from tallystick.training.candidate import Candidate, contents
from tallystick.training.export import export_logistic
from tallystick.training.parity import Parity
from tallystick.training.record import Metrics, Record, SigmoidRecord
from tallystick.training.reference import BadRate, Reference, histogram

Doubles = NDArray[np.float64]

WEIGHTS = {"amount": 0.9, "n_1d": 0.5, "burst": 0.4, "risk_7d": 0.8, "risk_30d": 0.6, "night": 0.2}
BIAS = -3.0


def hand_written(
    model: ModelDefinition,
    matrix: Matrix,
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
    matrix : features of all of the history
    dataset : the history
    builder, at : who says so, and when
    weights : by feature, on standardised values; zero where none is given
    """
    spine = dataset.records[model.features.spine.name]
    values = {name: column.in_units(np.arange(len(spine))) for name, column in spine.values.items()}
    file = _file(matrix, weights or WEIGHTS)
    raw, scores = Session.load(file).many(matrix.values)
    background = matrix.values[background_rows(model.policy, scores, values, n=100)]
    reference = Reference(int(matrix.time[0]), int(matrix.time[-1]), histogram(scores), BadRate(len(scores), 0))
    files = {name: digest_bytes(content) for name, content in contents(file, background, reference).items()}
    record = Record(
        name=model.name,
        family="logistic_regression",
        model=model.digest,
        features=Plan(model.features, tuple(r.source for r in dataset.records.values())).digest,
        dataset=dataset.fingerprint,
        names=matrix.names,
        builder=builder,
        created_at=at,
        data_ends_at=int(matrix.time[-1]),
        parts=(),
        params={},
        seed=0,
        metric="average_precision",
        trials=(),
        calibration=SigmoidRecord(1.0, 0.0, len(scores), 0),
        parity=Parity("bits", len(raw), len(raw), 0.0, 0.0),
        metrics={"test": Metrics(len(scores), 0, 0.5, 0.0, 0.0)},
        libraries={},
        runtime=fingerprint(),
        seconds=0.0,
        files=files,
    )
    return Candidate(record, file, background, reference)


def _file(matrix: Matrix, weights: dict[str, float]) -> bytes:
    medians = np.nan_to_num(np.nanmedian(matrix.values, axis=0))
    filled = np.where(np.isnan(matrix.values), medians, matrix.values)
    scales = filled.std(axis=0)
    return export_logistic(
        medians=medians,
        means=filled.mean(axis=0),
        scales=np.where(scales > 0.0, scales, 1.0),
        weights=[weights.get(name, 0.0) for name in matrix.names],
        bias=BIAS,
        calibration=Calibration(),
        names=matrix.names,
    )
