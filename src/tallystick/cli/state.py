"""The state that makes features fast: state rebuild."""

import sys

import click

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.reporting.text import Text, fail, ok


@click.group()
def state() -> None:
    """Look after the state that features are served from."""


@state.command()
@click.argument("bundle", required=False)
@json_option
@click.pass_obj
def rebuild(options: Options, bundle: str | None, as_json: bool) -> None:
    """Make the state anew from history and log.

    Of BUNDLE, or the one approved last, and in the place of the one that is there: no server may have it open. Exits 1
    where the old state went as far and held something else.
    """
    screen, project = Screen(as_json=as_json), options.open()
    with screen.progress() as step:
        made = project.rebuild_state(bundle, step=step)
    found = {"folder": str(made.folder), "position": made.position, "was": made.was, "is_same": made.is_same}
    screen.emit(found)
    screen.say(f"The state goes to position {made.position:,} again: {made.folder}")
    screen.say(_COMPARED[made.is_same] if made.was is not None else "There was none that could be read.")
    sys.exit(int(made.is_same is False))


_COMPARED = {
    True: Text.of(ok("identical"), ": the old one held the same, byte for byte"),
    False: Text.of(fail("differs"), ": the old one went as far and held something else; replay what it decided since"),
    None: Text.of("The old one had not gone as far, so the two were not compared."),
}

__all__ = ["state"]
