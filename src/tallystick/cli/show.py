"""What was found about a candidate: show."""

from pathlib import Path

import click

from tallystick.cli.candidates import plain
from tallystick.cli.options import Options, json_option, page_option
from tallystick.cli.screen import Screen
from tallystick.reporting.report import Report
from tallystick.reporting.text import Text, dim
from tallystick.validation.judged import listing


@click.command()
@click.argument("name", metavar="[CANDIDATE|BUNDLE]", required=False)
@click.option("--all", "list_all", is_flag=True, help="List every candidate instead.")
@page_option
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
        screen.say(listing("Candidates, newest first", judged))
        return
    review = project.review(name)
    made = project.candidate(review.candidate)
    report = _with_review(made.report(), review.report())
    recorded = {"record": made.candidate.record, "findings": made.evidence.findings, "review": review}
    screen.emit(plain(made) | recorded)
    screen.say(report)
    if out is None:
        page = f"tally show {made.candidate.digest[:12]} --html FILE"
        screen.say("", Text.of(dim(f"Every trial, what the features mean, and all digests: {page}")))
    screen.page(report, out)


def _with_review(found: Report, reviewed: Report) -> Report:
    """Return both as one report; what only a page has room for comes last."""
    shown = [section for section in found.sections if not section.is_detail]
    details = [section for section in found.sections if section.is_detail]
    return Report(found.title, (*shown, *reviewed.sections, *details))
