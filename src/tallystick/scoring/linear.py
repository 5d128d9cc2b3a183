"""Reasons of a linear model, in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.scoring.graph import Graph


@dataclass(frozen=True, slots=True)
class LinearTerms:
    """Weight times distance from the background's mean: the Shapley values of a sum are its terms.

    References
    ----------
    E. Strumbelj and I. Kononenko (2014), "Explaining prediction models and individual predictions with
    feature contributions", *Knowledge and Information Systems* 41, 647-665.
    """

    medians: NDArray[np.float64]
    slopes: NDArray[np.float64]
    means: NDArray[np.float64]
    base: float

    @classmethod
    def build(cls, graph: Graph, background: NDArray[np.float64]) -> "LinearTerms":
        """Read the weights out of a linear graph and centre them on background rows of shape [n, k].

        Parameters
        ----------
        graph : a model file of the linear wiring
        background : shape [n, k], n >= 1, rows that passed the model's boundary
        """
        constants = graph.constants
        medians = constants["medians"]
        slopes = constants["weights"][:, 0] / constants["scales"]
        means = _filled(background, medians).sum(axis=0) / len(background)
        terms = slopes * (means - constants["means"])
        return cls(medians, slopes, means, sum(terms.tolist(), float(constants["bias"])))

    def explain(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each feature's part of raw score minus base, for one vector of shape [k]."""
        return self.slopes * (_filled(vector, self.medians) - self.means)


def _filled(values: NDArray[np.float64], medians: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(values), medians, values)
