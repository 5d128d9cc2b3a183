"""Deciding, and deciding again: token, serve, replay."""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime

import click
from rich.console import RenderableType

from tallystick.cli.options import Options, as_instant, as_period, json_option
from tallystick.cli.screen import Screen
from tallystick.definitions.clock import RehearsalClock
from tallystick.lifecycle import Project
from tallystick.replay.verdict import Verdict
from tallystick.serving import tokens
from tallystick.serving.server import Address
from tallystick.serving.server import serve as run_server
from tallystick.tables import table


@click.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(tokens.SCOPES), help="Default: decide.")
@click.option("--revoke", is_flag=True, help="Take the token of this name back instead.")
@json_option
@click.pass_obj
def token(options: Options, name: str, scopes: tuple[tokens.Scope, ...], revoke: bool, as_json: bool) -> None:
    """Make a token for the caller NAME.

    It is shown this once; only its digest is kept.
    """
    screen, project = Screen(as_json=as_json), options.open()
    if revoke:
        tokens.revoke(project.places.tokens, name)
        screen.emit({"revoked": name})
        screen.say(f"The token of {name} is taken back.")
        return
    granted = scopes or ("decide",)
    secret = tokens.create(project.places.tokens, name, granted)
    screen.emit({"name": name, "token": secret, "scopes": granted})
    screen.say(f"{secret}\n[dim]Shown this once; only its digest is kept. It may: {', '.join(granted)}.[/]")


@click.command()
@click.argument("bundle", required=False)
@click.option("--host", default=None, help="Where to listen; the loopback address unless told otherwise.")
@click.option("--port", default=None, type=click.IntRange(1, 65_535))
@click.option("--rehearse-at", default=None, metavar="INSTANT", help="Let the server's clock start at this instant.")
@json_option
@click.pass_obj
def serve(  # noqa: PLR0917 - one argument per option
    options: Options, bundle: str | None, host: str | None, port: int | None, rehearse_at: str | None, as_json: bool
) -> None:
    """Decisions over HTTP, until Ctrl-C.

    From BUNDLE, or the one approved last.
    """
    screen, project = Screen(as_json=as_json), options.open()
    begins = as_instant(rehearse_at, "--rehearse-at")
    if begins is not None:
        # A clock that was set shows in the decisions' instants, and here, so that nobody takes them for real ones.
        project.ledger.record("rehearsed", {"clock_starts_at": begins}, project.signer(), project.clock.now())
        project = Project(
            project.root, project.settings, project.definitions, project.actor, RehearsalClock.starting(begins)
        )
    address = Address(host or project.settings.serving.host, port or project.settings.serving.port)
    with ExitStack() as stack:
        with screen.progress() as step:
            service = stack.enter_context(project.service(bundle, step=step))
        serving = str(service.described()["bundle"])
        for stream in service.without_history:
            screen.say(
                f"[yellow]{stream!r} was declared after the log began: nothing from before is in its history, and "
                "features see only what arrives from now on.[/]"
            )

        def on_listening(where: Address) -> None:
            url = f"http://{where.host}:{where.port}"
            screen.emit({"bundle": serving, "url": url})
            screen.say(f"Serving bundle [bold]{serving[:12]}[/] on {url} (Ctrl-C stops).")
            sys.stdout.flush()

        run_server(service, tokens.Tokens(project.places.tokens), address, on_listening=on_listening)
    screen.say("Stopped: everything acknowledged is in the log, and its head is signed.")


@click.command()
@click.argument("decision", required=False)
@click.option("--since", default=None, metavar="INSTANT", help="Decisions made from this instant or day on.")
@click.option("--until", default=None, metavar="INSTANT", help="Decisions made before this instant or day.")
@click.option("--sample", default=None, type=click.IntRange(min=1), help="As many of them, chosen at random (seeded).")
@click.option("--model", default=None, help="Whose decisions, where models of several streams are declared.")
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
        for shown in verdict_lines(verdict):
            screen.say(shown)
        sys.exit(int(not verdict.is_identical))
    begin, end = as_period(since, until, ("--since", "--until"))
    with screen.progress() as step:
        report = project.replay_period(
            begin, end, sample=sample, model=model, with_todays_definitions=todays_definitions, step=step
        )
    screen.emit(report.to_plain())
    screen.say(report)
    sys.exit(int(not report.is_identical))


def verdict_lines(verdict: Verdict) -> list[RenderableType]:
    """Return a verdict for a person: one sentence, and a table of what differs."""
    made = "" if verdict.at is None else f" made {datetime.fromtimestamp(verdict.at / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"
    action = f" ({verdict.action})" if verdict.action else ""
    bundle = f" by bundle {verdict.bundle[:12]}" if verdict.bundle else ""
    head = f"Decision [bold]{verdict.decision}[/]{action}{made}{bundle}, log position {verdict.position:,}"
    if verdict.is_identical:
        return [head, "[bold green]identical[/]: request, features, score, reasons and action, bit for bit"]
    shown: list[RenderableType] = [head, f"[bold red]differs at {verdict.stage}[/]: {verdict.reason}"]
    if verdict.differences:
        differing = table("", "what", "stored", "found")
        for difference in verdict.differences:
            differing.add_row(difference.what, str(difference.stored), str(difference.found))
        shown.append(differing)
    return shown
