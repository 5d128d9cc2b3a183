"""Training: from a feature table and its labels to one candidate per family, best first."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.progress import Progress
from tallystick.errors import ParityBroken
from tallystick.features.table import FeatureTable
from tallystick.scoring.graph import Calibration
from tallystick.scoring.policy import background_rows, check_policy, cost_fields, thresholds
from tallystick.scoring.session import Session, fingerprint
from tallystick.training.actions import action_records
from tallystick.training.calibration import fit_sigmoid
from tallystick.training.candidate import Candidate, Parts
from tallystick.training.example import Example
from tallystick.training.examples import choose, examples
from tallystick.training.facts import RowFacts
from tallystick.training.families.registry import trainer
from tallystick.training.metrics import auc, average_precision, brier
from tallystick.training.parity import Parity
from tallystick.training.record import FORMAT, Metrics, Record, SigmoidRecord
from tallystick.training.reference import Reference, bad_rate, histogram
from tallystick.training.search import Best, Found, find
from tallystick.training.splits import Rows
from tallystick.training.trainer import Trainer
from tallystick.training.training_data import TrainingData

Doubles = NDArray[np.float64]

PARITY_ROWS, FIT_ROWS, TRIED_ROWS = 100_000, 100_000, 4_000
LIBRARIES = ("numpy", "onnx", "onnxruntime", "optuna")  # besides the family's own


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with what the final model file says of them.

    Parameters
    ----------
    rows : shape (m,): places in the table
    labels : shape (m,): as the part may know them
    raw, scores : shape (m,): log-odds, and calibrated probability, each row scored alone as in serving
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int8]
    raw: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trained:
    """A candidate, and its scores for those who judge it.

    Parameters
    ----------
    candidate : the candidate
    fit : rows it learnt from; of more than 100,000, so many drawn at random
    test : all matured rows of the test part
    """

    candidate: Candidate
    fit: Scored
    test: Scored


def train(
    model: ModelDefinition,
    table: FeatureTable,
    facts: RowFacts,
    *,
    builder: str,
    at: int,
    exclude: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> list[Trained]:
    """Search, fit, calibrate, export and prove one candidate per family.

    Settings are searched on the train part and judged on the validate part. The final model is fitted with the
    best settings on the same split shifted forward (``Split``). Its sigmoid is fitted on the raw scores that the
    model of the train part, with the same settings, gave to the validate part: rows it had not seen. That is
    scikit-learn's ``CalibratedClassifierCV(ensemble=False)`` with one split in time.

    Nothing is written: ``Candidate.save`` does that, whole or not at all.

    Parameters
    ----------
    model : what is wanted
    table : features of records of the spine; rows outside the split are not looked at
    facts : labels of the table's rows, and the amounts that the policy asks for
    builder : who trains
    at : the current instant, for the record
    exclude : shape (n,), True for rows that can have no label, such as declined payments
    progress : told how many of how many fits are done

    Returns
    -------
    one per family, the best by the search's metric on the validate part first

    Raises
    ------
    ParityBroken
        If a model file does not score as its framework.

    Also whatever ``TrainingData.cut``, ``split``, ``rows_of``, ``find``, ``fit_sigmoid``, ``check_policy`` and
    ``background_rows`` raise.
    """
    check_policy(model.policy, model.features.spine)
    work = TrainingData.cut(model, table, facts, exclude)
    trainers = [trainer(family) for family in model.candidates]
    tell = progress or _silence
    found = find(trainers, work.judged(), model.search, progress=lambda done, of: tell(done, of + len(trainers)))
    trained = []
    for family, best in zip(trainers, found.best, strict=True):
        trained.append(_finish(work, family, best, found, builder=builder, at=at))
        tell(len(found.trials) + len(trained), len(found.trials) + len(trainers))
    metrics = [best.trial.metric or 0.0 for best in found.best]
    return [trained[place] for place in sorted(range(len(trained)), key=lambda place: -metrics[place])]


def _silence(done: int, of: int) -> None:
    """Tell nobody."""


def _finish(work: TrainingData, family: Trainer, best: Best, found: Found, *, builder: str, at: int) -> Trained:
    seed = work.model.search.seed
    calibration = fit_sigmoid(best.raw, work.validate.labels)
    fitted = family.fit(work.features(work.fit.rows), work.fit.labels, best.trial.params, seed=seed)
    model = fitted.export(calibration, work.table.names)
    session = Session.load(model)
    fit, test = _scored(session, work, _drawn(work.fit, seed)), _scored(session, work, work.test)
    parts = _parts(work, model, fit, test)
    validated = _calibrated(best.raw, calibration)
    record = Record(
        format=FORMAT,
        name=work.model.name,
        family=family.name,
        model=work.model.digest,
        features=work.table.origin.plan,
        dataset=work.table.origin.data,
        names=tuple(work.table.names),
        builder=builder,
        created_at=at,
        data_ends_at=work.facts.ends_at,
        parts=work.parts(),
        params=best.trial.params,
        seed=seed,
        metric=work.model.search.metric,
        trials=found.trials,
        calibration=_sigmoid(work, calibration),
        parity=_proven(family.name, fitted.prove(*_compared(session, work, (fit, test)), model)),
        metrics={
            "validate": _metrics(work.validate.labels, best.raw, validated),
            "test": _metrics(test.labels, test.raw, test.scores),
        },
        actions=action_records(work.model.policy, test.scores, test.labels, work.amounts(test.rows)),
        libraries={name: version(name) for name in (*family.libraries, *LIBRARIES)},
        runtime=fingerprint(),
        files=parts.digests(),
    )
    return Trained(Candidate(record, parts), fit, test)


def _parts(work: TrainingData, model: bytes, fit: Scored, test: Scored) -> Parts:
    nearest = background_rows(work.model.policy, fit.scores, work.amounts(fit.rows))
    return Parts(
        definition=work.model,
        plan=work.facts.plan,
        model=model,
        background=work.features(fit.rows[nearest]),
        reference=_reference(work, test),
        examples=_examples(work, test),
    )


def _examples(work: TrainingData, test: Scored) -> tuple[Example, ...]:
    """Choose among the latest rows of the test part: they are most like those to come."""
    latest, scores = test.rows[-TRIED_ROWS:], test.scores[-TRIED_ROWS:]
    rows = latest[choose(work.table.values[latest], scores)]
    return examples(work.table.values[rows], work.facts.amounts, rows, cost_fields(work.model.policy))


def _sigmoid(work: TrainingData, calibration: Calibration) -> SigmoidRecord:
    n_rows, n_positives = len(work.validate.rows), work.validate.n_positives
    return SigmoidRecord(calibration.slope, calibration.intercept, n_rows, n_positives)


def _drawn(rows: Rows, seed: int) -> Rows:
    """Draw rows where there are many: scoring them one by one takes longer than fitting on them."""
    if len(rows.rows) <= FIT_ROWS:
        return rows
    kept = np.sort(np.random.default_rng(seed).choice(len(rows.rows), FIT_ROWS, replace=False))
    return Rows(rows.part, rows.rows[kept], rows.labels[kept])


def _scored(session: Session, work: TrainingData, rows: Rows) -> Scored:
    raw, scores = session.many(work.table.values[rows.rows])
    return Scored(rows.rows, rows.labels, raw, scores)


def _reference(work: TrainingData, test: Scored) -> Reference:
    limits = thresholds(work.model.policy, work.amounts(test.rows))
    is_allowed = np.all([test.scores <= limit for limit in limits], axis=0)
    part = work.test.part
    return Reference(part.start, part.end, histogram(test.scores), bad_rate(is_allowed, test.labels))


def _compared(session: Session, work: TrainingData, scored: Sequence[Scored]) -> tuple[Doubles, Doubles]:
    """Return the rows on which file and framework are compared, and the file's raw scores of them.

    They are all rows scored so far, and more where those are few.
    """
    rows = np.concatenate([part.rows for part in scored])
    raw = np.concatenate([part.raw for part in scored])
    others = np.setdiff1d(np.arange(len(work.table)), rows)
    chance = np.random.default_rng(work.model.search.seed)
    more = np.sort(chance.permutation(others)[: max(0, PARITY_ROWS - len(rows))])
    raw = np.concatenate([raw, session.many(work.table.values[more])[0]])
    return work.features(np.concatenate([rows, more])), raw


def _proven(family: str, parity: Parity) -> Parity:
    if not parity.holds:
        raise ParityBroken(family, found=parity.sentence)
    return parity


def _calibrated(raw: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (calibration.slope * raw + calibration.intercept))))


def _metrics(labels: NDArray[np.int8], raw: NDArray[np.float64], scores: NDArray[np.float64]) -> Metrics:
    return Metrics(
        n_rows=len(labels),
        n_positives=int(labels.sum()),
        auc=auc(labels, raw),
        average_precision=average_precision(labels, raw),
        brier=brier(labels, scores),
    )
