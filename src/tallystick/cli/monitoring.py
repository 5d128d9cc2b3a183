"""Watching what became of decisions, and learning again: monitor, retrain."""

import sys
from pathlib import Path

import click

from tallystick.cli.options import Options, as_instant, json_option, page_option
from tallystick.cli.screen import Screen
from tallystick.reporting.text import Text, strong
from tallystick.validation.judged import listing


@click.command()
@click.argument("bundle", required=False)
@click.option("--as-of", default=None, metavar="INSTANT", help="As known then; by default now.")
@page_option
@json_option
@click.pass_obj
def monitor(options: Options, bundle: str | None, as_of: str | None, out: Path | None, as_json: bool) -> None:
    """Outcomes, risk, drift and the alarm.

    About BUNDLE, or the one approved last. Exits 1 while the alarm stands.
    """
    screen, project = Screen(as_json=as_json), options.open()
    report = project.monitor(as_instant(as_of, "--as-of"), bundle=bundle)
    screen.emit(report.to_plain())
    shown = report.report()
    screen.say(shown)
    screen.page(shown, out)
    sys.exit(int(report.alarm.is_alarmed))


@click.command()
@click.option("--model", default=None, help="Which model, where a project declares several.")
@json_option
@click.pass_obj
def retrain(options: Options, model: str | None, as_json: bool) -> None:
    """Train a challenger, and compare it with the champion.

    It learns from labels as known by now; both are held to the same matured decisions. Exits 1 when the
    challenger failed a check.
    """
    screen, project = Screen(as_json=as_json), options.open()
    with screen.progress() as step:
        retrained = project.retrain(model, step=step)
    made, failed = retrained.judged, len(retrained.judged.evidence.failed)
    screen.emit({"candidate": made.candidate.digest, "failed": failed} | retrained.to_plain())
    screen.say(listing("Challenger", [made]), "", retrained.comparison.report(), "")
    name = retrained.challenger.digest[:12]
    screen.say(Text.of("The challenger is bundle ", strong(name), "; the champion goes on deciding."))
    if failed:
        screen.say(f"It failed a check, so nobody can approve it: tally show {made.candidate.digest[:12]}")
        sys.exit(1)
    screen.say(f"A validator approves the challenger: tally --as NAME approve {name}")
