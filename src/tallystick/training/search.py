"""The search for settings: Optuna's trials, each recorded whole."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.models import Search
from tallystick.definitions.progress import Progress
from tallystick.errors import FitFailed, SearchFailed
from tallystick.training.libraries import need
from tallystick.training.metrics import METRICS
from tallystick.training.record import Trial
from tallystick.training.trainer import Fitted, Trainer

_FEWEST_TRIALS = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows to learn from and rows to be judged on; features of shape [n, k] passed the model's boundary."""

    train: NDArray[np.float64]
    train_labels: NDArray[np.int8]
    validate: NDArray[np.float64]
    validate_labels: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial of one family, with its model on the train part and its raw scores of the validate part."""

    trial: Trial
    fitted: Fitted
    raw: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the best of each family, in the order declared, and every trial."""

    best: tuple[Best, ...]
    trials: tuple[Trial, ...]


def find(trainers: Sequence[Trainer], rows: Judged, search: Search, *, progress: Progress | None = None) -> Found:
    """Search each family's settings, the first trial being its defaults.

    The trials are shared out by how many settings a family has to find. Each family has its own seeded
    sampler, so that adding a family does not change what another one tries. Nothing is written anywhere: a
    search that is interrupted leaves nothing behind.

    Parameters
    ----------
    trainers : of the families, in the order that results come in
    rows : what is learnt from and judged on; no row of the test part
    search : how many trials all families share, by which metric they are judged, and the seed
    progress : called with how many of how many trials are done

    Raises
    ------
    SearchFailed
        If no trial of a family could be fitted.
    """
    wanted = shares(search.trials, [len(trainer.defaults) for trainer in trainers])
    best: list[Best] = []
    trials: list[Trial] = []
    for trainer, n_trials in zip(trainers, wanted, strict=True):
        study, leader = _study(search.seed), None
        # The defaults come first: however few the trials, on validate no search ends below having made none.
        study.enqueue_trial(trainer.defaults)
        for _ in range(n_trials):
            tried = _attempt(trainer, study, rows, search, number=len(trials))
            trials.append(tried.trial)
            leader = _better(leader, tried)
            if progress is not None:
                progress(len(trials), sum(wanted))
        if leader is None:
            raise SearchFailed(trainer.name, n_trials=n_trials, reason=trials[-1].reason)
        best.append(leader)
    return Found(tuple(best), tuple(trials))


def shares(trials: int, settings: Sequence[int]) -> list[int]:
    """Share trials out among families by how many settings each has to find, at least three to each.

    Parameters
    ----------
    trials : of the whole search
    settings : of each family, how many settings it has to find

    Examples
    --------
    >>> shares(20, [1, 6])
    [3, 17]
    >>> shares(20, [6])
    [20]
    """
    total = sum(settings)
    lowest = [max(_FEWEST_TRIALS, trials * n // total) for n in settings]
    widest = max(range(len(settings)), key=lambda place: settings[place])
    # What rounding leaves over goes to the family that has most to find.
    lowest[widest] = max(_FEWEST_TRIALS, trials - sum(lowest) + lowest[widest])
    return lowest


@dataclass(frozen=True, slots=True)
class _Tried:
    trial: Trial
    fitted: Fitted | None
    raw: NDArray[np.float64] | None


def _study(seed: int) -> Any:
    optuna = need("optuna")
    # Optuna prints trials by itself; here the record holds them, and who calls says what is shown.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _attempt(trainer: Trainer, study: Any, rows: Judged, search: Search, *, number: int) -> _Tried:
    requested = study.ask()
    params = trainer.suggest(requested)
    try:
        fitted = trainer.fit(rows.train, rows.train_labels, params, seed=search.seed)
        raw = fitted.raw(rows.validate)
    except FitFailed as error:
        study.tell(requested, state=need("optuna").trial.TrialState.FAIL)
        return _Tried(Trial(number, trainer.name, params, None, "failed", str(error)), None, None)
    metric = METRICS[search.metric](rows.validate_labels, raw)
    study.tell(requested, metric)
    return _Tried(Trial(number, trainer.name, params, metric, "complete"), fitted, raw)


def _better(leader: Best | None, tried: _Tried) -> Best | None:
    if tried.fitted is None or tried.raw is None:
        return leader
    # Of equals the earlier one stays, and the defaults are the earliest: nothing is changed for nothing.
    if leader is not None and _value(tried.trial) <= _value(leader.trial):
        return leader
    return Best(tried.trial, tried.fitted, tried.raw)


def _value(trial: Trial) -> float:
    return -math.inf if trial.metric is None else trial.metric
