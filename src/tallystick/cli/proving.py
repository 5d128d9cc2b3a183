"""Proof on the user's own records that every executor gives the same bits: prove."""

import sys

import click

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen


@click.command()
@click.option(
    "--rows", default=10_000, type=click.IntRange(min=1), show_default=True, help="How many of the last records."
)
@click.option("--model", default=None, help="Whose features, where a project declares several models.")
@click.option("--master", default=None, help="Spark too, at its master, such as local[2] or spark://host:7077.")
@json_option
@click.pass_obj
def prove(options: Options, rows: int, model: str | None, master: str | None, as_json: bool) -> None:
    """Compute the last records with every executor.

    All bits are compared with those of batch. Exits 1 when one differs. Spark takes long to start, and is asked only
    where a master is named.
    """
    screen, project = Screen(as_json=as_json), options.open()
    with screen.progress() as step:
        proof = project.prove(rows, model=model, master=master, step=step)
    screen.emit(proof.to_plain())
    screen.say(proof.report())
    sys.exit(int(not proof.is_identical))


__all__ = ["prove"]
