"""V503: all executors agree."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.features import prove
from tallystick.features.plan import Plan
from tallystick.validation.agreement import ExecutorsAgree
from tallystick.validation.check import Question
from tallystick.validation.finding import Outcome


def test_installed_executors_agree(question: Question) -> None:
    """Online, DuckDB and the oracle give the last records of a small world batch's bits."""
    finding = ExecutorsAgree().ask(question)

    assert finding.outcome is Outcome.PASSED
    assert finding.figures["n_rows"] == {"batch": 500, "online": 500, "oracle": 300, "duckdb": 500}


def test_an_executor_that_differs_is_named(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor that is off in one value fails the check, which names feature, record and executor."""
    honest = prove.available_executors()

    def off(executor: prove.Executor) -> prove.Executor:
        def compute(plan: Plan, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float64]:
            values = executor.compute(plan, dataset, rows)
            values[-1, 0] += 1.0
            return values

        return replace(executor, compute=compute)

    monkeypatch.setattr(prove, "available_executors", lambda: (*honest[:-1], off(honest[-1])))

    finding = ExecutorsAgree().ask(question)

    assert finding.outcome is Outcome.FAILED
    assert f"in {honest[-1].name}" in finding.reason
    assert finding.reason.startswith("1 of 6 features differ; the first is amount of ")
