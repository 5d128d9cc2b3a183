"""Deciding over HTTP: serve."""

import sys
from contextlib import ExitStack
from dataclasses import replace

import click

from tallystick.cli.options import Options, as_instant, json_option
from tallystick.cli.screen import Screen
from tallystick.definitions.clock import RehearsalClock
from tallystick.lifecycle import Project
from tallystick.reporting.text import Text, strong, warn
from tallystick.serving import tokens
from tallystick.serving.server import Address
from tallystick.serving.server import serve as run_server


@click.command()
@click.argument("bundles", nargs=-1, metavar="[BUNDLE]...")
@click.option("--host", default=None, help="Where to listen; the loopback address unless told otherwise.")
@click.option("--port", default=None, type=click.IntRange(1, 65_535))
@click.option("--rehearse-at", default=None, metavar="INSTANT", help="Let the server's clock start at this instant.")
@json_option
@click.pass_obj
def serve(  # noqa: PLR0917 - one argument per option
    options: Options,
    bundles: tuple[str, ...],
    host: str | None,
    port: int | None,
    rehearse_at: str | None,
    as_json: bool,
) -> None:
    """Decisions over HTTP, until Ctrl-C.

    From each BUNDLE, or of each model the one approved last.
    """
    screen, project = Screen(as_json=as_json), options.open()
    begins = as_instant(rehearse_at, "--rehearse-at")
    if begins is not None:
        # A clock that was set shows in the decisions' instants, and here, so that nobody takes them for real ones.
        project.ledger.record("rehearsed", {"clock_starts_at": begins}, project.signer(), project.clock.now())
        project = Project(replace(project.workspace, clock=RehearsalClock.starting(begins)))
    address = Address(host or project.settings.serving.host, port or project.settings.serving.port)
    with ExitStack() as stack:
        with screen.progress() as step:
            service = stack.enter_context(project.service(*bundles, step=step))
        serving = {model: decider.bundle.digest for model, decider in service.deciders.items()}
        for stream in service.without_history:
            sentence = (
                f"{stream!r} was declared after the log began: nothing from before is in its history, and features see "
                "only what arrives from now on."
            )
            screen.say(Text.of(warn(sentence)))

        def on_listening(where: Address) -> None:
            url = f"http://{where.host}:{where.port}"
            screen.emit({"models": serving, "url": url})
            for model, digest in serving.items():
                screen.say(Text.of("Serving bundle ", strong(digest[:12]), f" of {model} on {url} (Ctrl-C stops)."))
            sys.stdout.flush()

        run_server(service, tokens.Tokens(project.places.tokens), address, on_listening=on_listening)
    screen.say("Stopped: everything acknowledged is in the log, and its head is signed.")
