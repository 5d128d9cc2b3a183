"""What models learn from, as a file, as SQL or in words: features."""

from pathlib import Path

import click

from tallystick.cli.memory import memory_allowed
from tallystick.cli.options import Options, as_period, json_option
from tallystick.cli.screen import Screen
from tallystick.data.read import Screening
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.progress import Step
from tallystick.features import caps
from tallystick.features.engine_names import ENGINES, LOCAL, SPARK
from tallystick.features.spark.opening import is_address
from tallystick.features.spill.executor import SpillResult
from tallystick.features.table import FeatureTable
from tallystick.features.table_file import write


@click.command()
@click.argument("out", required=False, type=click.Path(dir_okay=False))
@click.option("--from", "begin", metavar="INSTANT", default=None, help="Only records from this instant or day on.")
@click.option("--to", "end", metavar="INSTANT", default=None, help="Only records before this instant or day.")
@click.option("--model", default=None, help="Whose features, where a project declares several models.")
@click.option(
    "--engine", type=click.Choice((*ENGINES, SPARK)), default=ENGINES[0], show_default=True, help="Who computes them."
)
@click.option("--master", default=LOCAL, show_default=True, help="Where Spark's master is, such as spark://host:7077.")
@click.option(
    "--memory", metavar="SIZE", default=None, help="How much it may take, such as 4GiB: then by parts of the entities."
)
@click.option("--show-sql", is_flag=True, help="Print them as SQL instead, of DuckDB or of the engine spark.")
@click.option("--describe", "to_describe", is_flag=True, help="Tell what they mean and come from; no data is read.")
@json_option
@click.pass_obj
def features(  # noqa: PLR0917 - one argument per option
    options: Options,
    out: str | None,
    begin: str | None,
    end: str | None,
    model: str | None,
    engine: str,
    master: str,
    memory: str | None,
    show_sql: bool,
    to_describe: bool,
    as_json: bool,
) -> None:
    """Write the feature table to the Parquet file OUT.

    One row per event: its id, position and instant, and every feature; `tally train --features OUT` learns from it.
    Which engine computes them changes no bit. Spark reads and writes where its connectors reach (s3a://..., hdfs://...),
    and makes OUT a folder of Parquet files. What does not fit into memory, or into what --memory says, is computed by
    parts of the entities, by way of the disk.

    Raises
    ------
    click.BadParameter
        If there is no folder to write into.
    click.UsageError
        If no file is named.
    """
    screen, project = Screen(as_json=as_json), options.open()
    period = as_period(begin, end, ("--from", "--to"))
    if to_describe:
        description, lineage = project.describe(model=model), project.lineage(model=model)
        screen.emit(description.to_plain() | {"lineage": lineage.to_plain()})
        screen.say(description.report(), "", lineage.report())
        return
    if show_sql:
        text = project.features_sql("spark" if engine == SPARK else "duckdb", model=model)
        screen.emit({"sql": text})
        screen.verbatim(text)
        return
    if out is None:
        raise click.UsageError(
            "Name the Parquet file to write, such as features.parquet, or ask for --show-sql or --describe."
        )
    if not is_address(out) and not Path(out).parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(Path(out).parent)!r} to write into.", param_hint="OUT")
    if engine == SPARK and Path(out).exists():
        raise click.BadParameter(
            f"{out!r} is there already, and Spark writes a new folder. Name another.", param_hint="OUT"
        )
    if memory is not None and engine != ENGINES[0]:
        raise click.BadParameter(f"only the engine {ENGINES[0]!r} keeps to it.", param_hint="--memory")
    allowed = memory_allowed(project, memory, engine, model)
    parts: SpillResult | None = None
    screenings: dict[str, Screening] = {}
    with screen.progress() as step:
        if engine == SPARK:
            n_rows = project.features_with_spark(out, *period, model=model, master=master, step=step).rows
        elif allowed is not None:
            parts = project.features_in_parts(
                Path(out), *period, model=model, memory=allowed, step=step, screened=screenings.update
            )
            n_rows = parts.n_rows
        else:
            table = project.features(*period, model=model, engine=engine, step=step, screened=screenings.update)
            n_rows = _written(table, out, step)
    if parts is not None and allowed is not None:
        screen.say(_parts_summary(parts, allowed))
    _tell_written(screen, project.definitions.model(model).features, out, n_rows, parts=parts, screenings=screenings)


def _parts_summary(parts: SpillResult, allowed: int) -> str:
    return (
        f"Computed by parts within {allowed / 2**30:.1f} GiB: at most {parts.n_parts:,} parts of the entities, the "
        f"largest with {parts.largest_part:,} events; {parts.n_spilled_bytes / 2**20:,.0f} MiB lay on the disk."
    )


def _tell_written(
    screen: Screen,
    definition: FeatureDefinition,
    out: str,
    n_rows: int,
    *,
    parts: SpillResult | None,
    screenings: dict[str, Screening],
) -> None:
    """Say what a table holds, and what it lacks: rows that were refused, features whose cap was reached."""
    names, capped = list(definition.names), {} if is_address(out) else caps.n_capped_rows(definition, Path(out))
    refused = {name: found for name, found in screenings.items() if found.n_refused}
    screen.emit(
        {
            "file": out,
            "rows": n_rows,
            "features": names,
            "parts": parts and parts.n_parts,
            "refused": {name: found.n_refused for name, found in refused.items()},
            "caps_reached": capped,
        }
    )
    screen.say(*map(_refused_summary, refused.values()))
    if capped:
        screen.say(caps.summary(capped, definition))
    screen.say(f"{out}: {n_rows:,} rows, {len(names)} features ({', '.join(names)})")


def _refused_summary(found: Screening) -> str:
    counts = f"{found.n_refused:,} of {found.n_rows:,} rows of {found.source}"
    return f"{counts} were refused: {found.why}. See {found.quarantine}"


def _written(table: FeatureTable, out: str, step: Step) -> int:
    step("write", 0, 1)
    write(table, Path(out))
    step("write", 1, 1)
    return len(table)
