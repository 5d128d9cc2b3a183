"""A candidate with what the checks found of it: what training makes, release takes, and a reader is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Table
from tallystick.training.candidate import Candidate
from tallystick.validation import sections
from tallystick.validation.evidence import Evidence

_LISTED = (
    Column("candidate", "digest"),
    Column("family"),
    Column("AP", "number", digits=3),
    Column("AUC", "number", digits=3),
    Column("Brier", "number", digits=5),
    Column("test rows", "count"),
    Column("positives", "count"),
    Column("checks"),
)


@dataclass(frozen=True, slots=True)
class Judged(Displayed):
    """A candidate with what the checks found of it."""

    candidate: Candidate
    evidence: Evidence

    def report(self) -> Report:
        """Return everything that was found: verdict, metrics, split, checks, reliability, trials, features, origin."""
        record, features = self.candidate.record, self.candidate.definition.features
        meanings = features.describe(self.candidate.plan.streams).report().sections[0].blocks
        return Report(
            f"{record.name}: {record.family}, candidate {self.candidate.digest[:12]}",
            (
                Section("", sections.origin(record, self.evidence)),
                Section("Metrics", sections.metrics(record)),
                Section("Parts", sections.parts(record)),
                Section("Checks", sections.checks(self.evidence)),
                *sections.reliability(self.evidence),
                Section("Search", sections.search(record), is_detail=True),
                Section("Features", meanings, is_detail=True),
                Section("Made of", sections.digests(record, self.candidate.digest, self.evidence), is_detail=True),
            ),
        )


def listing(title: str, judged: Sequence[Judged]) -> Report:
    """Return a row for each candidate: what it reached on the test part, and how its checks ended.

    Parameters
    ----------
    title : such as "Candidates, best first"
    judged : in the order of the rows
    """
    rows = []
    for each in judged:
        record, test = each.candidate.record, each.candidate.record.metrics["test"]
        metrics = (test.average_precision, test.auc, test.brier, test.n_rows, test.n_positives)
        rows.append((each.candidate.digest, record.family, *metrics, sections.verdict(each.evidence)))
    return Report(title, (Section("", (Table.of(_LISTED, rows),)),))
