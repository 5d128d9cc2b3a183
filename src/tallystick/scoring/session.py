"""Running a model file: one vector at a time, one thread, the same bits every time."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from tallystick.errors import ModelUnreadable, VectorWrong
from tallystick.scoring.boundary import cast
from tallystick.scoring.ensemble import read_forest
from tallystick.scoring.graph import INPUT, RAW, SCORE, TREES, Graph, read
from tallystick.scoring.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Session:
    """A model, ready to score.

    A batch of several rows, or several threads, may add up in another order and change the last bits. So
    every score anywhere, in self-test, serving and replay, is one row on one thread; ``many`` is a loop.
    """

    names: tuple[str, ...]
    _run: Any

    @classmethod
    def load(cls, model: bytes) -> "Session":
        """Check that a model file is one of ours, and load it."""
        graph = read(model)
        if graph.steps == TREES:
            read_forest(graph)  # a ring would keep onnxruntime walking for ever
        return cls.of(graph, model)

    @classmethod
    def of(cls, graph: Graph, model: bytes) -> "Session":
        """Load a model file that was read and checked.

        Parameters
        ----------
        graph : what ``read`` made of the file; of trees it is known that they are a forest
        model : the same file's bytes

        Raises
        ------
        ModelUnreadable
            If onnxruntime cannot load it.
        """
        try:
            return cls(
                graph.names, onnxruntime.InferenceSession(model, _options(), providers=["CPUExecutionProvider"]).run
            )
        except Exception as error:  # onnxruntime raises a class per status code, with no common base
            raise ModelUnreadable(str(error)) from error

    def raw_and_score(self, vector: ArrayLike) -> tuple[float, float]:
        """Return one vector's log-odds before calibration, and its calibrated probability.

        Raises
        ------
        VectorWrong
            If the vector has another length than the model has features.
        """
        row = cast(vector)
        if row.shape != (len(self.names),):
            raise VectorWrong(row.shape, names=self.names)
        raw, score = self._run([RAW, SCORE], {INPUT: row.reshape(1, -1)})
        return float(raw[0]), float(score[0])

    def many(self, matrix: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return raw scores and scores of rows of shape [n, k], each scored alone.

        Raises
        ------
        VectorWrong
            If the rows have another length than the model has features.
        """
        rows = cast(matrix)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise VectorWrong(rows.shape, names=self.names)
        run, wanted = self._run, [RAW, SCORE]
        found = [run(wanted, {INPUT: rows[i : i + 1]}) for i in range(len(rows))]
        pairs = np.array([(raw[0], score[0]) for raw, score in found], dtype=np.float64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()


def fingerprint() -> Runtime:
    """Return this machine's runtime: two equal fingerprints give equal bits."""
    return Runtime(onnxruntime.__version__, platform.machine(), _cpu_digest())


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # What the file says is what runs: no rewriting that another version might do differently.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    return options


def _cpu_digest() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    features = {line.split(":", 1)[1] for line in lines if line.lower().startswith(("flags", "features"))}
    words = sorted({word for text in features for word in text.split()}) or [platform.processor()]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()
