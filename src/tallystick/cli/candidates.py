"""Candidates on a screen and as plain data, as several verbs show them."""

import msgspec
from rich.console import RenderableType
from rich.text import Text

from tallystick.tables import table
from tallystick.validation.judged import Judged


def candidates_table(title: str, judged: list[Judged]) -> RenderableType:
    """Return one row per candidate: what it reached on the test part, and how its checks ended."""
    made = table(
        title, "candidate", "family", "AP", "AUC", "Brier", "test rows", "positives", "checks",
        right=("AP", "AUC", "Brier", "test rows", "positives"),
    )  # fmt: skip
    for each in judged:
        record, test = each.candidate.record, each.candidate.record.metrics["test"]
        n_failed, n_passed = len(each.evidence.failed), sum(f.outcome == "passed" for f in each.evidence.findings)
        verdict = Text(f"{n_passed} passed", style="green")
        if n_failed:
            verdict.append(f", {n_failed} failed", style="bold red")
        made.add_row(
            each.candidate.digest[:12], record.family, f"{test.average_precision:.3f}", f"{test.auc:.3f}",
            f"{test.brier:.5f}", f"{test.n_rows:,}", f"{test.n_positives:,}", verdict,
        )  # fmt: skip
    return made


def plain(made: Judged) -> dict[str, object]:
    """Return what a candidate is and what it reached, as plain data."""
    record = made.candidate.record
    return {
        "candidate": made.candidate.digest,
        "family": record.family,
        "metrics": msgspec.to_builtins(record.metrics),
        "evidence": made.evidence.digest,
        "failed": len(made.evidence.failed),
    }
