"""Definitions and data contracts, before anything runs: check."""

import sys

import click
import pyarrow as pa

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.reporting.text import Text, strong


@click.command()
@json_option
@click.pass_obj
def check(options: Options, as_json: bool) -> None:
    """Definitions and data contracts, before anything runs."""
    screen, project = Screen(as_json=as_json), options.open()
    if not project.definitions.sources:
        project.definitions.model()  # says what is missing
    _load_no_pandas()
    with screen.progress() as step:
        reading = project.read(step)
    models = {name: list(model.features.names) for name, model in project.definitions.models.items()}
    screen.emit(
        {"models": models, "dataset": reading.dataset.fingerprint, "sources": list(reading.screenings.values())}
    )
    screen.say(reading.report())
    for name, features in models.items():
        screen.say("", Text.of("Model ", strong(name), f": {len(features)} features ({', '.join(features)})"))
    screen.say(f"Dataset {reading.dataset.fingerprint[:12]}, {reading.dataset.last_position:,} records in one order")


class _NoPandas:
    """A finder of modules that says there is no pandas."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        """Leave every module but pandas to the other finders.

        Raises
        ------
        ModuleNotFoundError
            If it is pandas.
        """
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _load_no_pandas() -> None:
    """Keep pyarrow from loading pandas, where that is installed, to see whether our first array is one of its own.

    That takes longer than the rest of this verb. A project file that uses pandas has loaded it by now, and keeps it.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(_NoPandas)
