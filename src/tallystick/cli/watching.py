"""Watching what became of decisions, and learning again: monitor, retrain."""

import sys

import click

from tallystick.cli.options import Options, as_instant, json_option
from tallystick.cli.screen import Screen
from tallystick.monitoring.printed import printed


@click.command()
@click.argument("bundle", required=False)
@click.option("--as-of", default=None, metavar="INSTANT", help="As known then; by default now.")
@json_option
@click.pass_obj
def monitor(options: Options, bundle: str | None, as_of: str | None, as_json: bool) -> None:
    """Outcomes, risk, drift and the alarm.

    About BUNDLE, or the one approved last. Exits 1 while the alarm stands.
    """
    screen, project = Screen(as_json=as_json), options.open()
    report = project.monitor(as_instant(as_of, "--as-of"), bundle=bundle)
    screen.emit(report.to_plain())
    screen.say(printed(report))
    sys.exit(int(report.alarm.is_alarmed))


@click.command()
@click.option("--model", default=None, help="Which model, where a project declares several.")
@json_option
@click.pass_obj
def retrain(options: Options, model: str | None, as_json: bool) -> None:
    """Train a challenger, and compare it with the champion.

    It learns from everything that has matured by now; both are held to the same matured decisions.
    """
    screen, project = Screen(as_json=as_json), options.open()
    with screen.progress() as step:
        retrained = project.retrain(model, step=step)
    screen.emit(retrained.to_plain())
    screen.say(retrained.comparison)
    name = retrained.challenger.digest[:12]
    screen.say(
        f"\nThe challenger is bundle [bold]{name}[/]; the champion goes on deciding until a validator says "
        f"'tally --as NAME approve {name}' and it is served."
    )
