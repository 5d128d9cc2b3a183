"""From definitions to judged candidates: train."""

import sys
from pathlib import Path

import click

from tallystick.cli.candidates import plain
from tallystick.cli.memory import memory_allowed
from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.definitions.durations import duration_text
from tallystick.definitions.models import ModelDefinition
from tallystick.features.engine_names import ENGINES
from tallystick.reporting.text import Text, dim
from tallystick.validation.judged import listing


@click.command()
@click.option("--model", default=None, help="Which model, where a project declares several.")
@click.option(
    "--features", "table", metavar="TABLE", default=None, type=click.Path(path_type=Path),
    help="Learn from this table of `tally features`, a file or folder.",
)  # fmt: skip
@click.option(
    "--memory", metavar="SIZE", default=None, help="How much reading may take beside the table, such as 4GiB."
)
@json_option
@click.pass_obj
def train(options: Options, model: str | None, table: Path | None, memory: str | None, as_json: bool) -> None:
    """Features, search, candidates and checks.

    A table that was written before is taken where it is of this model's features and of today's records; records that
    do not fit into memory, or into what --memory says, are then read piece by piece. Exits 1 when no candidate is
    without a failed check.

    Raises
    ------
    click.BadParameter
        If memory is named without a table.
    """
    if memory is not None and table is None:
        raise click.BadParameter(
            "without a table all records are in memory; name one with --features.", param_hint="--memory"
        )
    screen, project = Screen(as_json=as_json), options.open()
    allowed = None if table is None else memory_allowed(project, memory, ENGINES[0], model)
    with screen.progress() as step:
        judged = project.train(model, features=table, memory=allowed, step=step)
    screen.emit([plain(made) for made in judged])
    screen.say(listing("Candidates, best first", judged))
    if early := early_labels_warning(project.definitions.model(model)):
        screen.say(Text.of(dim(early)))
    name, is_sound = judged[0].candidate.digest[:12], any(not made.evidence.failed for made in judged)
    screen.say("", f"  tally show {name}     everything that was found about it")
    if is_sound:
        screen.say(f"  tally release {name}  makes a bundle of it")
    else:
        screen.say("No candidate is without a failed check, so none of them can be approved.")
    sys.exit(int(not is_sound))


def early_labels_warning(model: ModelDefinition) -> str:
    """Say where a gap is shorter than labels take: what is not reported yet is taught as good.

    Returns
    -------
    a sentence, or nothing where the gap is long enough
    """
    gap, matures = model.split.gap_us, model.label.matures_after_us
    if gap >= matures:
        return ""
    return (
        f"Labels mature after {duration_text(matures)}, and the gap is {duration_text(gap)}: of the latest rows "
        "taught, some are bad and not reported yet, so scores may promise too little. V202 tells how far; a longer gap "
        "mends it."
    )
