"""Why a raw score is what it is: exact interventional Shapley values against a frozen background."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tallystick.errors import VectorWrong
from tallystick.scoring.boundary import cast
from tallystick.scoring.ensemble import read_forest
from tallystick.scoring.graph import TREES, Graph, read
from tallystick.scoring.linear import LinearTerms
from tallystick.scoring.tables import TreeTables


@dataclass(frozen=True, slots=True)
class Reasons:
    """Splits raw score minus base among the features.

    **Exact.** The values are those of full enumeration over the whole background, up to rounding.
    **Additive.** They sum to the raw score minus ``base``, the mean raw score of the background.
    **Fixed.** Sums run in one written order: the same file, background and vector give the same bits.

    References
    ----------
    S. Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for
    trees", *Nature Machine Intelligence* 2, 56-67 (interventional values).
    A. Nadel and R. Wettenstein, "From Decision Trees to Boolean Logic: A Fast and Unified SHAP Algorithm",
    arXiv 2511.09376 (patterns of background rows).
    """

    names: tuple[str, ...]
    _terms: TreeTables | LinearTerms

    @classmethod
    def from_model(cls, model: bytes, background: ArrayLike) -> "Reasons":
        """Read a model file and prepare it against background rows of shape [n, k], n >= 1.

        Parameters
        ----------
        model : the bytes of the ONNX file
        background : the rows that a score is compared with; more of them cost time here, not at each request
        """
        return cls.from_graph(read(model), background)

    @classmethod
    def from_graph(cls, graph: Graph, background: ArrayLike) -> "Reasons":
        """Prepare a model that was read against background rows of shape [n, k], n >= 1.

        Parameters
        ----------
        graph : the model
        background : shape [n, k], features in the order of the graph's names, NaN where missing

        Raises
        ------
        VectorWrong
            If the background is empty or has another number of columns than the model has features.
        """
        rows = cast(background)
        if rows.ndim != 2 or not len(rows) or rows.shape[1] != len(graph.names):
            raise VectorWrong(rows.shape, names=graph.names)
        if graph.steps == TREES:
            return cls(graph.names, TreeTables.build(list(read_forest(graph).leaves()), rows))
        return cls(graph.names, LinearTerms.build(graph, rows))

    @property
    def base(self) -> float:
        """The mean raw score of the background: what the contributions are counted from."""
        return self._terms.base

    def explain(self, vector: ArrayLike) -> NDArray[np.float64]:
        """Return each feature's contribution to the raw score of one vector, shape [k], in log-odds.

        Raises
        ------
        VectorWrong
            If the vector has another length than the model has features.
        """
        row = cast(vector)
        if row.shape != (len(self.names),):
            raise VectorWrong(row.shape, names=self.names)
        return self._terms.explain(row)
