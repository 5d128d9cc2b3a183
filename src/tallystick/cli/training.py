"""From definitions to judged candidates: check, features, train, show."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from tallystick.cli.describing import tell_features
from tallystick.cli.document import document
from tallystick.cli.options import Options, as_period, json_option
from tallystick.cli.screen import Screen
from tallystick.data.read import Screening
from tallystick.definitions.describe import Description
from tallystick.definitions.durations import written
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.progress import Step
from tallystick.features import caps
from tallystick.features.engines import ENGINES, SPARK
from tallystick.features.matrix import Matrix, write_parquet
from tallystick.features.spark.opening import is_address
from tallystick.features.spark.session import LOCAL
from tallystick.features.spill.budget import in_bytes
from tallystick.features.spill.executor import Written
from tallystick.lifecycle import Judged, Project
from tallystick.tables import table

COLOURS = {"passed": "green", "failed": "bold red", "waived": "yellow"}


@click.command()
@json_option
@click.pass_obj
def check(options: Options, as_json: bool) -> None:
    """Definitions and data contracts, before anything runs."""
    screen, project = Screen(as_json=as_json), options.open()
    if not project.definitions.sources:
        project.definitions.model()  # says what is missing
    with screen.progress() as step:
        reading = project.read(step)
    models = {name: list(model.features.names) for name, model in project.definitions.models.items()}
    screen.emit(
        {"models": models, "dataset": reading.dataset.fingerprint, "sources": list(reading.screenings.values())}
    )
    screen.say(_screenings(reading.screenings))
    for name, features in models.items():
        screen.say(f"\nModel [bold]{name}[/]: {len(features)} features ({', '.join(features)})")
    screen.say(f"Dataset {reading.dataset.fingerprint[:12]}, {reading.dataset.last_position:,} records in one order")


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
    """Write the matrix to the Parquet file OUT.

    One row per event: its id, and every feature. Which engine computes them changes no bit. Spark reads and writes
    where its connectors reach (s3a://..., hdfs://...), and makes OUT a folder of Parquet files. What does not fit into
    memory, or into what --memory says, is computed by parts of the entities, by way of the disk.

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
        tell_features(screen, project.describe(model=model), project.lineage(model=model))
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
    allowed = _allowed(project, memory, engine, model)
    parts: Written | None = None
    screenings: dict[str, Screening] = {}
    with screen.progress() as step:
        if engine == SPARK:
            n_rows = project.features_with_spark(out, *period, model=model, master=master, step=step)
        elif allowed is not None:
            parts = project.features_in_parts(Path(out), *period, model=model, memory=allowed, step=step)
            n_rows = parts.n_rows
        else:
            matrix = project.features(*period, model=model, engine=engine, step=step, screened=screenings.update)
            n_rows = _written(matrix, out, step)
    if parts is not None and allowed is not None:
        screen.say(_parts_summary(parts, allowed))
    _tell_written(screen, project.definitions.model(model).features, out, n_rows, parts=parts, screenings=screenings)


@click.command()
@click.option("--model", default=None, help="Which model, where a project declares several.")
@json_option
@click.pass_obj
def train(options: Options, model: str | None, as_json: bool) -> None:
    """Features, search, candidates and checks.

    Exits 1 when no candidate is without a failed check.
    """
    screen, project = Screen(as_json=as_json), options.open()
    with screen.progress() as step:
        judged = project.train(model, step=step)
    screen.emit([_plain(made) for made in judged])
    screen.say(candidates_table("Candidates, best first", judged))
    screen.say(early_labels_warning(project.definitions.model(model)))
    name, is_sound = judged[0].candidate.digest[:12], any(not made.evidence.failed for made in judged)
    screen.say("", f"  tally show {name}     everything that was found about it")
    if is_sound:
        screen.say(f"  tally release {name}  makes a bundle of it")
    else:
        screen.say("No candidate is without a failed check, so none of them can be approved.")
    sys.exit(int(not is_sound))


@click.command()
@click.argument("candidate", required=False)
@click.option("--all", "list_all", is_flag=True, help="List every candidate instead.")
@click.option("--html", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write it as a document, too.")
@json_option
@click.pass_obj
def show(options: Options, candidate: str | None, list_all: bool, out: Path | None, as_json: bool) -> None:
    """Tell what was found about CANDIDATE.

    By default about the best of the last training.
    """
    screen, project = Screen(as_json=as_json), options.open()
    if list_all:
        judged = project.candidates()
        screen.emit([_plain(made) for made in judged])
        screen.say(candidates_table("Candidates, newest first", judged))
        return
    made = project.candidate(candidate)
    if out is not None:
        out.write_text(document(made, _taught_with(project, made)), encoding="utf-8")
    screen.emit(_plain(made) | {"record": made.candidate.record, "findings": made.evidence.findings})
    screen.say(*_portrait(made))
    if out is not None:
        screen.say("", f"The document is {out}")


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
        f"[dim]Labels mature after {written(matures)}, and the gap is {written(gap)}: of the latest rows taught, some "
        "are bad and not reported yet, so scores may promise too little. V202 tells how far; a longer gap mends it.[/]"
    )


def candidates_table(title: str, judged: list[Judged]) -> RenderableType:
    """Return one row per candidate: what it reached on the test part, and how its checks ended."""
    made = table(
        title, "candidate", "family", "AP", "AUC", "Brier", "test rows", "positives", "checks",
        right=("AP", "AUC", "Brier", "test rows", "positives"),
    )  # fmt: skip
    for each in judged:
        record, test = each.candidate.record, each.candidate.record.metrics["test"]
        n_failed, n_passed = len(each.evidence.failed), sum(f.outcome == "passed" for f in each.evidence.findings)
        verdict = Text(f"{n_passed} passed", style="green")
        if n_failed:
            verdict.append(f", {n_failed} failed", style="bold red")
        made.add_row(
            each.candidate.digest[:12], record.family, f"{test.average_precision:.3f}", f"{test.auc:.3f}",
            f"{test.brier:.5f}", f"{test.n_rows:,}", f"{test.n_positives:,}", verdict,
        )  # fmt: skip
    return made


def _allowed(project: Project, memory: str | None, engine: str, model: str | None) -> int | None:
    """Return how many bytes a computation by parts may take; None where it is computed as a whole."""
    if memory is not None:
        return in_bytes(memory)
    return project.memory_to_take(model) if engine == ENGINES[0] else None


def _parts_summary(parts: Written, allowed: int) -> str:
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
    parts: Written | None,
    screenings: dict[str, Screening],
) -> None:
    """Say what a matrix holds, and what it lacks: rows that were refused, features whose cap was reached."""
    names, capped = list(definition.names), {} if is_address(out) else caps.n_reached(definition, Path(out))
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
    why = ", ".join(f"{reason} ({n:,})" for reason, n in found.reasons.items())
    return f"{found.n_refused:,} of {found.n_rows:,} rows of {found.source} were refused: {why}. See {found.quarantine}"


def _written(matrix: Matrix, out: str, step: Step) -> int:
    step("write", 0, 1)
    write_parquet(matrix, Path(out))
    step("write", 1, 1)
    return len(matrix)


def _screenings(screenings: dict[str, Screening]) -> RenderableType:
    made = table("Sources", "source", "rows", "refused", "why", right=("rows", "refused"))
    places = []
    for name, found in screenings.items():
        why = ", ".join(f"{reason} ({n:,})" for reason, n in found.reasons.items())
        made.add_row(name, f"{found.n_rows:,}", f"{found.n_refused:,}", why)
        if found.quarantine:
            places.append(f"The refused rows of {name}, with their reasons: {found.quarantine}")
    return Group(made, *([""] if places else []), *places)


def _portrait(made: Judged) -> list[RenderableType]:
    record = made.candidate.record
    parts = table("Parts", "part", "from", "to", "labels as of", "rows", "positives", right=("rows", "positives"))
    for part in record.parts:
        days = (f"{datetime.fromtimestamp(t / 1e6, UTC):%Y-%m-%d}" for t in (part.start, part.end, part.labels_as_of))
        parts.add_row(part.name, *days, f"{part.n_rows:,}", f"{part.n_positives:,}")
    findings = table("Checks", "code", "outcome", "reason")
    for finding in made.evidence.findings:
        outcome = str(finding.outcome)
        findings.add_row(finding.code, Text(outcome, style=COLOURS.get(outcome, "dim")), finding.reason)
    settings = ", ".join(f"{name} {value:.4g}" for name, value in record.params.items())
    head = f"[bold]{record.name}[/] {record.family}, candidate {made.candidate.digest[:12]} by {record.builder}"
    search = f"{len(record.trials)} trials by {record.metric} on validate; settings: {settings}"
    parity = (
        f"model file against framework: {record.parity.n_equal:,} of {record.parity.n_rows:,} raw scores are equal bit "
        f"for bit, the largest difference is {record.parity.largest:.1e}"
    )
    return [head, search, parity, "", candidates_table("Reached on test", [made]), "", parts, "", findings]


def _taught_with(project: Project, made: Judged) -> Description | None:
    """Return what the candidate's features mean, or nothing where today's definitions are no longer its own."""
    record = made.candidate.record
    model = project.definitions.models.get(record.name)
    if model is None or model.digest != record.model or project.plan(model).digest != record.features:
        return None
    return project.describe(model=record.name)


def _plain(made: Judged) -> dict[str, object]:
    record = made.candidate.record
    return {
        "candidate": made.candidate.digest,
        "family": record.family,
        "metrics": msgspec.to_builtins(record.metrics),
        "evidence": made.evidence.digest,
        "failed": len(made.evidence.failed),
    }


__all__ = ["candidates_table", "check", "features", "show", "train"]
