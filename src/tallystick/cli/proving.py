"""Proof on the user's own records that every executor gives the same bits: prove."""

import sys

import click
from rich.console import RenderableType
from rich.text import Text

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.features.prove import REFERENCE, Difference, Proof
from tallystick.tables import table


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
    screen.say(_proof(proof), *(_line(f.feature, f.first) for f in proof.features if f.first is not None))
    for name in proof.missing:
        screen.say("", f"{name} is not installed; pip install 'tallystick\\[sql]' compares with it too.")
    sys.exit(int(not proof.is_identical))


def _proof(proof: Proof) -> RenderableType:
    """Return one row per feature."""
    most = proof.n_rows[REFERENCE]
    executors = ", ".join(name if n == most else f"{name} ({n:,} rows)" for name, n in proof.n_rows.items())
    made = table("Proof, bit for bit", "feature", "executors", "rows", "mismatches", right=("rows", "mismatches"))
    for feature in proof.features:
        style = "bold red" if feature.n_mismatches else "green"
        made.add_row(feature.feature, executors, f"{most:,}", Text(f"{feature.n_mismatches:,}", style=style))
    return made


def _line(feature: str, first: Difference) -> Text:
    """Say where a feature differs first."""
    values = (f"{'missing' if value is None else repr(value)}" for value in (first.found, first.reference))
    return Text(f"{feature} of {first.record}: {first.executor} has {' and batch has '.join(values)}.")


__all__ = ["prove"]
