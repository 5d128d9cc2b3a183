"""What is shown of a judged candidate, section by section: numbers from its record, answers from its evidence."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tallystick.reporting.figure import Figure, Series
from tallystick.reporting.report import Block, Facts, Section
from tallystick.reporting.table import Column, Row, Table
from tallystick.reporting.text import Span, Text, Tone, code, dim, fail, ok, warn
from tallystick.reporting.written import day
from tallystick.training.record import Record, Trial
from tallystick.validation.evidence import Evidence
from tallystick.validation.finding import Outcome

_TONES: dict[Outcome, Tone] = {Outcome.PASSED: "ok", Outcome.WARNED: "warn", Outcome.FAILED: "fail"}
_METRICS = (
    Column("part"),
    Column("rows", "count"),
    Column("positives", "count"),
    Column("average precision", "number", digits=4),
    Column("AUC", "number", digits=4),
    Column("Brier", "number", digits=6),
)
_PARTS = (
    Column("part"),
    Column("from", "day"),
    Column("to", "day"),
    Column("labels as of", "day"),
    Column("rows", "count"),
    Column("positives", "count"),
)
_CHECKS = (Column("code"), Column("outcome"), Column("reason"))
_RATE = Column("rate", "number", digits=4)


def verdict(evidence: Evidence) -> Text:
    """Return how many checks passed, and how many warned or failed where some did."""
    n = Counter(finding.outcome for finding in evidence.findings)
    warned = [warn(f", {n[Outcome.WARNED]} warned")] if n[Outcome.WARNED] else []
    failed = [fail(f", {n[Outcome.FAILED]} failed")] if n[Outcome.FAILED] else []
    return Text.of(ok(f"{n[Outcome.PASSED]} passed"), *warned, *failed)


def origin(record: Record, evidence: Evidence) -> tuple[Block, ...]:
    """Return who made it and how, and the verdict.

    Parameters
    ----------
    record : how the candidate came to be
    evidence : what was found of it
    """
    return (
        Facts.of(
            {
                "checks": verdict(evidence),
                "trained": f"by {record.builder} on {day(record.created_at)}",
                "search": f"{len(record.trials)} trials by {record.metric} on validate, seed {record.seed}",
                "settings": _settings(record.params),
                "model file": f"against the framework: {record.parity.sentence}",
            }
        ),
    )


def metrics(record: Record) -> tuple[Block, ...]:
    """Return the metrics of each part, on validate by the model of the search, on test by the final one."""
    by_part = [(part.name, record.metrics[part.name]) for part in record.parts if part.name in record.metrics]
    rows = [(name, r.n_rows, r.n_positives, r.average_precision, r.auc, r.brier) for name, r in by_part]
    return (Table.of(_METRICS, rows),)


def parts(record: Record) -> tuple[Block, ...]:
    """Return the parts of the split, and the instant that the labels of each were known at."""
    rows = [(p.name, p.start, p.end, p.labels_as_of, p.n_rows, p.n_positives) for p in record.parts]
    return (Table.of(_PARTS, rows),)


def checks(evidence: Evidence) -> tuple[Block, ...]:
    """Return every check's answer, those that failed or did not apply included."""
    rows = [
        (finding.code, Text.of(Span(str(finding.outcome), _TONES.get(finding.outcome, "dim"))), finding.reason)
        for finding in evidence.findings
    ]
    return (Table.of(_CHECKS, rows),)


def reliability(evidence: Evidence) -> Iterator[Section]:
    """Yield what the scores predicted against what was flagged, where a check compared them by bands."""
    for finding in evidence.findings:
        if finding.figures.get("bands"):
            yield Section("Reliability on the test part", (_reliability(finding.figures["bands"]),))


def search(record: Record) -> tuple[Block, ...]:
    """Return every trial of the search, of all families, and the best so far after each."""
    columns = (
        Column("trial", "count"),
        Column("family"),
        Column("settings"),
        Column("state"),
        Column(record.metric, "number", digits=4, missing=""),
    )
    rows = [
        Row(
            (trial.number, trial.family, _settings(trial.params), trial.state, trial.metric),
            "strong" if (trial.family, trial.params) == (record.family, record.params) else "plain",
        )
        for trial in record.trials
    ]
    drawn = _course(record) if any(trial.metric is not None for trial in record.trials) else ()
    return (*drawn, Table.of(columns, rows), Text.of(dim("The settings of this candidate stand out.")))


def digests(record: Record, candidate: str, evidence: Evidence) -> tuple[Block, ...]:
    """Return what the candidate was made of: digests of definitions, data and files, versions, features.

    Parameters
    ----------
    record : how the candidate came to be
    candidate : its digest
    evidence : what was found of it
    """
    named = {"candidate": candidate, "evidence": evidence.digest, "model": record.model, "features": record.features}
    named |= {"dataset": record.dataset} | record.files
    facts = {name: Text.of(code(digest)) for name, digest in named.items()}
    versions = {name: Text.of(version) for name, version in record.libraries.items()}
    return (Facts.of(facts | versions | {"features in order": Text.of(", ".join(record.names))}),)


def _reliability(bands: Sequence[dict[str, Any]]) -> Figure:
    """Return predicted against observed rates; the first band is all rows, and enough where there are no others."""
    shown = sorted(bands[1:] or bands, key=lambda band: float(band["predicted"]))
    column = {name: tuple(float(band[name]) for band in shown) for name in ("predicted", "observed", "low", "high")}
    wrong = sum(not band["holds"] for band in shown)
    n_rows = sum(int(band["n_rows"]) for band in shown)
    bands_of = f"{n_rows:,} rows in {len(shown)} band{'s' * (len(shown) > 1)} of the score"
    return Figure(
        "flagged against predicted",
        f"Of {bands_of}, the rate that was flagged, with "
        f"its interval, against the rate that the scores predict; {wrong or 'none'} surely beyond what is tolerated.",
        Column("predicted", "number", digits=4),
        _RATE,
        column["predicted"],
        (
            Series("predicted", column["predicted"], tone="dim"),
            Series("flagged", column["observed"], column["low"], column["high"], "points", "fail" if wrong else "ok"),
        ),
    )


def _course(record: Record) -> tuple[Figure, ...]:
    metrics, best = [trial.metric for trial in record.trials], _best_so_far(record.trials)
    highest = next(value for value in reversed(best) if value is not None)
    return (
        Figure(
            "trials of the search",
            f"The {record.metric} of each of {len(metrics)} trials on the validate part; the best is {highest:.4f}.",
            Column("trial"),
            Column(record.metric, "number", digits=2),
            tuple(range(len(metrics))),
            (
                Series("best so far", tuple(best), shape="step", tone="dim"),
                Series("trial", tuple(metrics), shape="points"),
            ),
        ),
    )


def _best_so_far(trials: Sequence[Trial]) -> list[float | None]:
    best: list[float | None] = []
    for trial in trials:
        known = [value for value in (best[-1] if best else None, trial.metric) if value is not None]
        best.append(max(known, default=None))
    return best


def _settings(params: dict[str, float | int]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in params.items())
