"""What was found about a candidate: show."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import RenderableType
from rich.text import Text

from tallystick.cli.candidates import candidates_table, plain
from tallystick.cli.document import document
from tallystick.cli.options import Options, json_option
from tallystick.cli.reviewing import review_sections
from tallystick.cli.screen import Screen
from tallystick.definitions.describe import Description
from tallystick.tables import table
from tallystick.validation.judged import Judged

COLOURS = {"passed": "green", "failed": "bold red", "waived": "yellow"}


@click.command()
@click.argument("name", metavar="[CANDIDATE|BUNDLE]", required=False)
@click.option("--all", "list_all", is_flag=True, help="List every candidate instead.")
@click.option("--html", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write it as a document, too.")
@json_option
@click.pass_obj
def show(options: Options, name: str | None, list_all: bool, out: Path | None, as_json: bool) -> None:
    """Tell what was found about CANDIDATE, or about a BUNDLE's candidate.

    By default about the best of the last training. With it the review: policy, what it would have done with the test
    part, and what was tried before.
    """
    screen, project = Screen(as_json=as_json), options.open()
    if list_all:
        judged = project.candidates()
        screen.emit([plain(made) for made in judged])
        screen.say(candidates_table("Candidates, newest first", judged))
        return
    review = project.review(name)
    made = project.candidate(review.candidate)
    if out is not None:
        out.write_text(document(made, _trained_with(made)), encoding="utf-8")
    recorded = {"record": made.candidate.record, "findings": made.evidence.findings, "review": review}
    screen.emit(plain(made) | recorded)
    screen.say(*_portrait(made), "", *review_sections(review))
    if out is not None:
        screen.say("", f"The document is {out}")


def _portrait(made: Judged) -> list[RenderableType]:
    record = made.candidate.record
    parts = table("Parts", "part", "from", "to", "labels as of", "rows", "positives", right=("rows", "positives"))
    for part in record.parts:
        days = (f"{datetime.fromtimestamp(t / 1e6, UTC):%Y-%m-%d}" for t in (part.start, part.end, part.labels_as_of))
        parts.add_row(part.name, *days, f"{part.n_rows:,}", f"{part.n_positives:,}")
    findings = table("Checks", "code", "outcome", "reason")
    for finding in made.evidence.findings:
        outcome = str(finding.outcome)
        findings.add_row(finding.code, Text(outcome, style=COLOURS.get(outcome, "dim")), finding.reason)
    settings = ", ".join(f"{name} {value:.4g}" for name, value in record.params.items())
    head = f"[bold]{record.name}[/] {record.family}, candidate {made.candidate.digest[:12]} by {record.builder}"
    search = f"{len(record.trials)} trials by {record.metric} on validate; settings: {settings}"
    parity = f"model file against framework: {record.parity.sentence}"
    return [head, search, parity, "", candidates_table("Reached on test", [made]), "", parts, "", findings]


def _trained_with(made: Judged) -> Description:
    """Return what the candidate's features mean, by the definition it carries."""
    candidate = made.candidate
    return candidate.definition.features.describe(candidate.plan.streams)
