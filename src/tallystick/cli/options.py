"""The command itself: what stands before every verb, and how its words are read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

import tallystick
from tallystick import lifecycle
from tallystick.lifecycle import Project


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the verb: the project's folder and who acts."""

    folder: Path
    actor: str | None

    def open(self) -> Project:
        """Open the project."""
        return lifecycle.open(self.folder, actor=self.actor)


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
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else there.")(
        verb
    )


def as_instant(text: str | None, option: str) -> int | None:
    """Return a day or an instant as microseconds since 1970 UTC; without a zone it is UTC.

    Raises
    ------
    click.BadParameter
        If it is neither.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        sentence = f"{text!r} is no day or instant. Write 2026-03-01 or 2026-03-01T12:00:00Z."
        raise click.BadParameter(sentence, param_hint=option) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return round(found.timestamp() * 1_000_000)
