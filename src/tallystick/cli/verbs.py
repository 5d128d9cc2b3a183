"""The verbs in the order of the journey: each by its sentence and its place, and loaded only when it is asked for."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from tallystick.loading import load


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb that need not be loaded to be listed.

    Parameters
    ----------
    name : of the verb, and of its function
    module : where that function lies, in this room
    sentence : what it does, as the function's docstring begins
    """

    name: str
    module: str
    sentence: str


VERBS = (
    Verb(
        "demo",
        "demo",
        "Make the whole journey on a simulated card network, in about two minutes, and leave the project in FOLDER.",
    ),
    Verb("new", "new", "Scaffold a project folder NAME."),
    Verb("check", "check", "Definitions and data contracts, before anything runs."),
    Verb("features", "features", "Write the feature table to the Parquet file OUT."),
    Verb("prove", "proving", "Compute the last records with every executor."),
    Verb("train", "train", "Features, search, candidates and checks."),
    Verb("show", "show", "Tell what was found about CANDIDATE, or about a BUNDLE's candidate."),
    Verb("release", "people", "Pack, prove and sign CANDIDATE as it was judged."),
    Verb("enrol", "people", "Enrol the actor NAME, with a key on this machine."),
    Verb("approve", "people", "Allow BUNDLE to decide."),
    Verb("refuse", "people", "Forbid BUNDLE to decide; an approval that stands falls."),
    Verb("token", "token", "Make a token for the caller NAME."),
    Verb("serve", "serve", "Decisions over HTTP, until Ctrl-C."),
    Verb("replay", "replay", "Make DECISION again, bit for bit, or all of a period."),
    Verb("monitor", "monitoring", "Outcomes, risk, drift and the alarm."),
    Verb("retrain", "monitoring", "Train a challenger, and compare it with the champion."),
    Verb("ledger", "people", "Who did what, and proof that nobody changed it."),
    Verb("state", "state", "Look after the state that features are served from."),
)


class Journey(click.Group):
    """A group whose verbs are listed in the order of the journey, not of the alphabet, each by its first sentence."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb; what its function raises is for who reads the code, and leaves the help.

        Parameters
        ----------
        cmd : the verb
        name : what it is called by, where that is not its own name
        """
        super().add_command(_for_users(cmd), name)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the verbs as they were added."""
        return list(self.commands)


class LazyJourney(Journey):
    """The journey's verbs, each loaded when it is asked for: a compiler, a server and a training stack take seconds.

    Parameters
    ----------
    verbs : them, in order
    """

    def __init__(self, *args: Any, verbs: Sequence[Verb] = VERBS, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._verbs = {verb.name: verb for verb in verbs}

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the journey."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a verb."""
        verb = self._verbs.get(cmd_name)
        if verb is not None and cmd_name not in self.commands:
            module = load(f"tallystick.cli.{verb.module}")
            self.add_command(getattr(module, verb.name))
        return super().get_command(ctx, cmd_name)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs by their sentences."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb.name, verb.sentence) for verb in self._verbs.values()])


def _for_users(command: click.Command) -> click.Command:
    command.help = inspect.cleandoc(command.help or "").partition("\nRaises\n")[0].strip()
    command.short_help = " ".join(command.help.partition("\n\n")[0].split())
    return command
