"""One candidate as a document: a single HTML file without scripts or anything to fetch, made of what was recorded."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from tallystick.definitions.describe import WIDTHS, Description
from tallystick.training.record import Record
from tallystick.validation.judged import Judged

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; } code { font-size: .9em; word-break: break-all; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top; }
th { color: #667; font-weight: 500; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.passed { color: #0a7a2f; } .failed { color: #c0182b; font-weight: 700; } .note { color: #667; }
svg text { font: 11px system-ui, sans-serif; fill: #667; }
"""
SIDE, EDGE = 300, 40


def document(made: Judged, features: Description | None = None) -> str:
    """Return everything that was found about a candidate as the text of an HTML file.

    Parameters
    ----------
    made : the candidate with its evidence; every text of it is escaped
    features : what its features mean; None where that is not known any more
    """
    record = made.candidate.record
    n_failed = len(made.evidence.failed)
    verdict = f"{n_failed} failed" if n_failed else "no check failed"
    bands = [f.figures["bands"] for f in made.evidence.findings if "bands" in f.figures]
    parts = [
        f"<h1>{escape(record.name)}</h1>",
        f"<p class=note>{escape(record.family)}, by {escape(record.builder)} on {_day(record.created_at)}</p>",
        f"<p>Candidate <code>{made.candidate.digest}</code><br>Evidence <code>{made.evidence.digest}</code></p>",
        f"<p class={'failed' if n_failed else 'passed'}>{verdict}</p>",
        "<h2>Checks</h2>" + _checks(made),
        "<h2>Reached</h2>" + _metrics(record),
        *(f"<h2>Reliability on the test part</h2>{_reliability(band)}" for band in bands),
        "<h2>Parts</h2>" + _parts(record),
        f"<h2>Search</h2><p>By {escape(record.metric)} on the validate part, seed {record.seed}.</p>" + _trials(record),
        *(
            []
            if features is None
            else ["<h2>Features</h2>" + _table(tuple(WIDTHS), (f.cells() for f in features.features))]
        ),
        "<h2>Made of</h2>" + _made_of(record),
    ]
    head = f"<meta charset=utf-8><title>{escape(record.name)} {made.candidate.digest[:12]}</title>"
    body = "".join(f"{part}\n" for part in parts)
    return f"<!doctype html>\n<html lang=en><head>{head}<style>{STYLE}</style></head><body>\n{body}</body></html>\n"


def _checks(made: Judged) -> str:
    rows = [
        (f.code, _Marked(f'<span class="{escape(str(f.outcome))}">{escape(str(f.outcome))}</span>'), f.reason)
        for f in made.evidence.findings
    ]
    return _table(("code", "outcome", "reason"), rows)


def _metrics(record: Record) -> str:
    rows = [
        (name, r.n_rows, r.n_positives, f"{r.average_precision:.4f}", f"{r.auc:.4f}", f"{r.brier:.6f}")
        for name, r in record.metrics.items()
    ]
    return _table(("part", "rows", "positives", "average precision", "AUC", "Brier"), rows)


def _parts(record: Record) -> str:
    rows = [(p.name, _day(p.start), _day(p.end), _day(p.labels_as_of), p.n_rows, p.n_positives) for p in record.parts]
    return _table(("part", "from", "to", "labels as of", "rows", "positives"), rows)


def _trials(record: Record) -> str:
    rows = [
        (t.number, t.family, ", ".join(f"{k} {v:.4g}" for k, v in t.params.items()), t.state, _metric(t.metric))
        for t in record.trials
    ]
    return _table(("trial", "family", "settings", "state", record.metric), rows)


def _made_of(record: Record) -> str:
    digests = {"model": record.model, "features": record.features, "dataset": record.dataset} | record.files
    rows: list[tuple[object, ...]] = [(name, _Marked(f"<code>{escape(d)}</code>")) for name, d in digests.items()]
    rows += [(name, version) for name, version in record.libraries.items()]
    rows += [("features in order", ", ".join(record.names))]
    return _table(("what", "digest or version"), rows)


def _reliability(bands: Sequence[dict[str, Any]]) -> str:
    """Draw what the scores promised against what was flagged, each with its interval; the diagonal is the truth."""
    top = max([max(band["predicted"], band["high"]) for band in bands] + [1e-9])
    drawn = [f'<line x1="{EDGE}" y1="{SIDE}" x2="{EDGE + SIDE}" y2="0" stroke="#bbc" stroke-dasharray="4"/>']
    for band in bands:
        x, y = EDGE + SIDE * band["predicted"] / top, SIDE * (1 - band["observed"] / top)
        low, high = SIDE * (1 - band["low"] / top), SIDE * (1 - band["high"] / top)
        colour = "#0a7a2f" if band["holds"] else "#c0182b"
        sentence = f"{band['n_rows']:,} rows: promised {band['predicted']:.4f}, flagged {band['observed']:.4f}"
        drawn.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}"/>')
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"><title>{sentence}</title></circle>')
    drawn.append(f'<path d="M{EDGE} 0V{SIDE}H{EDGE + SIDE}" fill="none" stroke="#667"/>')
    drawn.append(f'<text x="{EDGE}" y="{SIDE + 16}">0</text>')
    drawn.append(f'<text x="{EDGE + SIDE - 30}" y="{SIDE + 16}">{top:.3f}</text>')
    drawn.append(f'<text x="{EDGE + SIDE / 2 - 30}" y="{SIDE + 16}">promised</text>')
    drawn.append(f'<text transform="translate(14 {SIDE / 2 + 20}) rotate(-90)">flagged</text>')
    box = f'viewBox="0 -6 {SIDE + 2 * EDGE} {SIDE + 30}" width="{SIDE + 2 * EDGE}"'
    return f'<svg role="img" aria-label="reliability diagram" {box}>{"".join(drawn)}</svg>'


class _Marked(str):
    """Text that is markup already: its parts were escaped where it was made."""

    __slots__ = ()


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    if isinstance(value, _Marked):
        return f"<td>{value}</td>"
    if isinstance(value, int):
        return f"<td class=n>{value:,}</td>"
    return f"<td>{escape(str(value))}</td>"


def _metric(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _day(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant / 1e6, UTC):%Y-%m-%d}"
