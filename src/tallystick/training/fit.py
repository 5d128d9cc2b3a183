"""Training: from a matrix and its labels to one candidate per family, best first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.models import ModelDefinition
from tallystick.errors import MatrixForeign, ParityBroken, RowsMismatched
from tallystick.features.matrix import Matrix
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.policy import background_rows, check_policy, thresholds
from tallystick.scoring.session import Session, fingerprint
from tallystick.training.calibration import fit_sigmoid
from tallystick.training.candidate import Candidate, contents
from tallystick.training.families import trainer
from tallystick.training.labels import data_ends_at, read_labels
from tallystick.training.metrics import auc, average_precision, brier
from tallystick.training.record import Parity, PartRecord, Reached, Record, SigmoidRecord
from tallystick.training.reference import Reference, bad_rate, histogram
from tallystick.training.search import Best, Found, Judged, Progress, find
from tallystick.training.splits import Rows, Split, rows_of, split
from tallystick.training.trainer import Fitted, Trainer

ALLOWED_DIFFERENCE, PARITY_ROWS, FIT_ROWS = 1e-9, 100_000, 100_000


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with what the final model file says of them.

    Parameters
    ----------
    rows : shape (m,): positions in the matrix
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
    matrix: Matrix,
    dataset: Dataset,
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
    matrix : features of records of the spine; rows outside the split are not looked at
    dataset : what the features were made of; it has the labels and the amounts the policy asks for
    builder : who trains
    at : the current instant, for the record
    exclude : shape (n,), True for rows that can have no label, such as stopped payments
    progress : told how many of how many fits are done

    Returns
    -------
    one per family, the best by the search's metric on the validate part first

    Raises
    ------
    RowsMismatched
        If ``exclude`` is not as long as the matrix.
    MatrixForeign
        If the matrix holds other columns than the model's features.
    ParityBroken
        If a model file does not score as its framework.

    Also whatever ``split``, ``rows_of``, ``find``, ``fit_sigmoid``, ``check_policy`` and ``background_rows`` raise.
    """
    check_policy(model.policy, model.features.spine)
    work = _Work.prepare(model, matrix, dataset, exclude)
    trainers = [trainer(family) for family in model.candidates]
    tell = progress or _silence
    found = find(trainers, work.judged(), model.search, progress=lambda done, of: tell(done, of + len(trainers)))
    trained = []
    for family, best in zip(trainers, found.best, strict=True):
        trained.append(_finish(work, family, best, found, builder=builder, at=at))
        tell(len(found.trials) + len(trained), len(found.trials) + len(trainers))
    by_metric = {best.trial.family: best.trial.metric or 0.0 for best in found.best}
    return sorted(trained, key=lambda made: -by_metric[made.candidate.record.family])


def _silence(done: int, of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything that the families share."""

    model: ModelDefinition
    matrix: Matrix
    dataset: Dataset
    spine_rows: NDArray[np.int64]
    ends_at: int
    split: Split
    train: Rows
    validate: Rows
    fit: Rows
    test: Rows

    @classmethod
    def prepare(
        cls, model: ModelDefinition, matrix: Matrix, dataset: Dataset, exclude: NDArray[np.bool_] | None
    ) -> "_Work":
        if exclude is not None and len(exclude) != len(matrix.seq):
            raise RowsMismatched("exclude", found=len(exclude), wanted=len(matrix.seq))
        if matrix.names != model.features.names:
            raise MatrixForeign(matrix.names, wanted=model.features.names)
        spine_rows = np.searchsorted(dataset.records[model.features.spine.name].seq, matrix.seq)
        labels = read_labels(dataset, model.label).take(spine_rows)
        ends_at = data_ends_at(dataset)
        parts = split(model.split, labels, ends_at=ends_at)
        allowed = np.ones(len(matrix.seq), dtype=np.bool_) if exclude is None else ~exclude
        rows = [rows_of(part, labels, allowed=allowed) for part in parts.parts]
        return cls(model, matrix, dataset, spine_rows, ends_at, parts, *rows)

    def features(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return cast(self.matrix.values[rows])

    def judged(self) -> Judged:
        train, validate = self.features(self.train.rows), self.features(self.validate.rows)
        return Judged(train, self.train.labels, validate, self.validate.labels)

    def amounts(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return the spine's numbers in their units, as the policy's costs need them; missing as NaN."""
        places = self.spine_rows[rows]
        columns = self.dataset.records[self.model.features.spine.name].values
        return {
            name: np.where(column.missing[places], np.nan, column.values[places] / 10**column.decimals)
            for name, column in columns.items()
        }

    def parts(self) -> tuple[PartRecord, ...]:
        return tuple(
            PartRecord(p.part.name, p.part.start, p.part.end, p.part.labels_as_of, len(p.rows), p.n_positives)
            for p in (self.train, self.validate, self.fit, self.test)
        )


def _finish(work: _Work, family: Trainer, best: Best, found: Found, *, builder: str, at: int) -> Trained:
    names, seed = work.matrix.names, work.model.search.seed
    calibration = fit_sigmoid(best.raw, work.validate.labels)
    started = time.perf_counter()  # how long it took, not when it was
    fitted = family.fit(work.features(work.fit.rows), work.fit.labels, best.trial.params, seed=seed)
    seconds = round(time.perf_counter() - started, 3)
    model = fitted.export(calibration, names)
    session = Session.load(model)
    fit, test = _scored(session, work, _drawn(work.fit, seed)), _scored(session, work, work.test)
    amounts = work.amounts(fit.rows)
    background = work.features(fit.rows[background_rows(work.model.policy, fit.scores, amounts)])
    reference = _reference(work, test)
    record = Record(
        name=work.model.name,
        family=family.name,
        model=work.model.digest,
        features=work.model.features.digest,
        dataset=work.dataset.fingerprint,
        names=tuple(names),
        builder=builder,
        created_at=at,
        data_ends_at=work.ends_at,
        parts=work.parts(),
        params=best.trial.params,
        seed=seed,
        metric=work.model.search.metric,
        trials=found.trials,
        calibration=SigmoidRecord(
            calibration.slope, calibration.intercept, len(work.validate.rows), work.validate.n_positives
        ),
        parity=_parity(family.name, fitted, session, work, (fit, test)),
        reached={
            "validate": _reached(work.validate.labels, _calibrated(best.raw, calibration)),
            "test": _reached(test.labels, test.scores),
        },
        libraries={name: version(name) for name in (*family.libraries, "numpy", "onnx", "onnxruntime", "optuna")},
        runtime=fingerprint(),
        seconds=seconds,
        files={name: digest_bytes(content) for name, content in contents(model, background, reference).items()},
    )
    return Trained(Candidate(record, model, background, reference), fit, test)


def _drawn(rows: Rows, seed: int) -> Rows:
    """Draw rows where there are many: scoring them one by one takes longer than fitting on them."""
    if len(rows.rows) <= FIT_ROWS:
        return rows
    kept = np.sort(np.random.default_rng(seed).choice(len(rows.rows), FIT_ROWS, replace=False))
    return Rows(rows.part, rows.rows[kept], rows.labels[kept])


def _scored(session: Session, work: _Work, rows: Rows) -> Scored:
    raw, scores = session.many(work.matrix.values[rows.rows])
    return Scored(rows.rows, rows.labels, raw, scores)


def _reference(work: _Work, test: Scored) -> Reference:
    limits = thresholds(work.model.policy, work.amounts(test.rows))
    is_allowed = np.all([test.scores <= limit for limit in limits], axis=0)
    part = work.test.part
    return Reference(part.start, part.end, histogram(test.scores), bad_rate(is_allowed, test.labels))


def _parity(family: str, fitted: Fitted, session: Session, work: _Work, scored: Sequence[Scored]) -> Parity:
    """Hold the file's raw scores to the framework's: on all rows scored so far, and on more where those are few."""
    rows = np.concatenate([part.rows for part in scored])
    raw = np.concatenate([part.raw for part in scored])
    others = np.setdiff1d(np.arange(len(work.matrix.seq)), rows)
    chance = np.random.default_rng(work.model.search.seed)
    more = np.sort(chance.permutation(others)[: max(0, PARITY_ROWS - len(rows))])
    raw = np.concatenate([raw, session.many(work.matrix.values[more])[0]])
    theirs = fitted.raw(work.features(np.concatenate([rows, more])))
    largest = float(np.abs(raw - theirs).max())
    if not largest <= ALLOWED_DIFFERENCE:
        raise ParityBroken(family, largest=largest, allowed=ALLOWED_DIFFERENCE, n_rows=len(raw))
    return Parity(len(raw), largest, int((raw == theirs).sum()), ALLOWED_DIFFERENCE)


def _calibrated(raw: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (calibration.slope * raw + calibration.intercept))))


def _reached(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> Reached:
    return Reached(
        n_rows=len(labels),
        n_positives=int(labels.sum()),
        auc=auc(labels, scores),
        average_precision=average_precision(labels, scores),
        brier=brier(labels, scores),
    )
