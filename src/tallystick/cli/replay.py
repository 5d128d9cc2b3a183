"""Deciding again: replay."""

import sys

import click

from tallystick.cli.options import Options, as_period, json_option
from tallystick.cli.screen import Screen


@click.command()
@click.argument("decision", required=False)
@click.option("--since", default=None, metavar="INSTANT", help="Decisions made from this instant or day on.")
@click.option("--until", default=None, metavar="INSTANT", help="Decisions made before this instant or day.")
@click.option("--sample", default=None, type=click.IntRange(min=1), help="As many of them, chosen at random (seeded).")
@click.option("--model", default=None, help="Whose decisions, where several models made them.")
@click.option("--todays-definitions", is_flag=True, help="With the project file's features instead of the bundle's.")
@json_option
@click.pass_obj
def replay(  # noqa: PLR0917 - one argument per option
    options: Options,
    decision: str | None,
    since: str | None,
    until: str | None,
    sample: int | None,
    model: str | None,
    todays_definitions: bool,
    as_json: bool,
) -> None:
    """Make DECISION again, bit for bit, or all of a period.

    Identical, or what differs first; exits 1 where something differs.

    Raises
    ------
    click.UsageError
        If neither a decision nor a period is named.
    """
    screen, project = Screen(as_json=as_json), options.open()
    if decision is None and since is None and until is None and sample is None:
        sentence = "Name a decision, or a period by --since, --until or --sample."
        raise click.UsageError(sentence)
    if decision is not None:
        verdict = project.replay(decision, model=model, with_todays_definitions=todays_definitions)
        screen.emit(verdict.to_plain())
        screen.say(verdict.report())
        sys.exit(int(not verdict.is_identical))
    begin, end = as_period(since, until, ("--since", "--until"))
    with screen.progress() as step:
        report = project.replay_period(
            begin, end, sample=sample, model=model, with_todays_definitions=todays_definitions, step=step
        )
    screen.emit(report.to_plain())
    screen.say(report.report())
    sys.exit(int(not report.is_identical))
