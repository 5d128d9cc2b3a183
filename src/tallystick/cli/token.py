"""Who may call the server: token."""

import click

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.reporting.text import Text, dim
from tallystick.serving import tokens


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
    screen.verbatim(secret)
    screen.say(Text.of(dim(f"Shown this once; only its digest is kept. It may: {', '.join(granted)}.")))
