"""The command itself: what stands before every verb, and how its words are read."""

import inspect
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


EXIT_CODES = """
\b
Exit codes:
  0    done, and the answer is yes
  1    done, and the answer is no: a check failed, a replay differs,
       the alarm stands, the ledger does not hold
  2    wrong use: the sentence on stderr says what to do
  3    a fault of Tallystick; the sentence says where its trace lies
       (TALLY_TRACE=1 shows it)
  130  interrupted by Ctrl-C

Every verb takes --json: one JSON document on stdout, and nothing else there.
"""


class Journey(click.Group):
    """A group whose verbs are listed in the order of the journey, not of the alphabet, each by its first sentence."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb; what its function raises is for who reads the code, and leaves the help."""
        cmd.help = inspect.cleandoc(cmd.help or "").partition("\nRaises\n")[0].strip()
        cmd.short_help = " ".join(cmd.help.partition("\n\n")[0].split())
        super().add_command(cmd, name)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the verbs as they were added."""
        return list(self.commands)


@click.group(
    cls=Journey, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
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


def as_period(begin: str | None, end: str | None, options: tuple[str, str]) -> tuple[int | None, int | None]:
    """Return two days or instants as microseconds since 1970 UTC.

    Raises
    ------
    click.BadParameter
        If one is neither, or the second is not after the first.
    """
    since, until = as_instant(begin, options[0]), as_instant(end, options[1])
    if since is not None and until is not None and until <= since:
        raise click.BadParameter(f"{end} is not after {begin}; the end is not part of it.", param_hint=options[1])
    return since, until
