"""The command itself: what stands before every verb."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import tallystick


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the verb: the project's folder and who acts."""

    folder: Path
    actor: str | None


class Journey(click.Group):
    """A group whose verbs are listed in the order of the journey, not of the alphabet."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the verbs as they were added."""
        return list(self.commands)


@click.group(cls=Journey, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(tallystick.__version__, prog_name="tally")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--as", "actor", default=None, envvar="TALLY_ACTOR", help="Who acts: an enrolled actor's name.")
@click.pass_context
def tally(ctx: click.Context, folder: Path, actor: str | None) -> None:
    """Models of risk in production: every decision can be replayed, bit for bit."""
    ctx.obj = Options(folder, actor)


def json_option(verb: Any) -> Any:
    """Give a verb the option --json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else there.")(verb)
