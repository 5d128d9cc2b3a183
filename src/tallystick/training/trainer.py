"""What a family of models must be able to do: suggest settings, fit, and leave as plain numbers."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tallystick.scoring.graph import Calibration
from tallystick.training.parity import Parity

Params = dict[str, float | int]


class Fitted(Protocol):
    """A fitted model while it still lives in its framework. It leaves as data only, never as an object."""

    def raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the framework's own log-odds of rows of shape [n, k] that passed the model's boundary."""
        ...

    def export(self, calibration: Calibration, names: Sequence[str]) -> bytes:
        """Return the model file.

        Parameters
        ----------
        calibration : of the raw score
        names : of the features, in the order of the columns it was fitted on
        """
        ...

    def prove(self, features: NDArray[np.float64], raw: NDArray[np.float64], model: bytes) -> Parity:
        """Hold the file's raw scores of rows to the framework, by the standard of the family.

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        raw : shape (n,), what the model file says of them
        model : the file's bytes
        """
        ...


class Trainer(Protocol):
    """A family that can be fitted.

    Law: the same features, labels, settings and seed give the same model file, byte for byte. ``suggest`` asks
    for the same settings in the same order each time. ``defaults`` is one of the answers it may get.
    """

    @property
    def name(self) -> str:
        """The family's name, as in a project's digest."""
        ...

    @property
    def libraries(self) -> tuple[str, ...]:
        """The distributions whose versions decide the result."""
        ...

    @property
    def defaults(self) -> Params:
        """The settings of the first trial."""
        ...

    def suggest(self, trial: Any) -> Params:
        """Ask an Optuna trial for one value of each searched setting."""
        ...

    def fit(self, features: NDArray[np.float64], labels: NDArray[np.int8], params: Params, *, seed: int) -> Fitted:
        """Fit on rows of shape [n, k] that passed the model's boundary, and labels of shape [n].

        Parameters
        ----------
        features : shape [n, k], rows that passed the model's boundary
        labels : shape [n], 0 or 1
        params : one value of each searched setting, as ``suggest`` returns them
        seed : of whatever the framework draws
        """
        ...
