"""``tally new``: a project to start from."""

import re
from pathlib import Path

import click

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.errors import ConfigError

PROJECT = '''"""Card fraud: which card payments to decline."""

import tallystick as ts

payments = ts.Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    source="data/payments.parquet",
    fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
chargebacks = ts.Stream(
    "chargebacks",
    id="report_id",
    time="reported_at",
    source="data/chargebacks.parquet",
    fields={"payment_id": ts.key},
    holds="outcomes",
)
fraud = payments.flagged_by(chargebacks, on="payment_id")  # 0 until reported, then 1: it knows when it became known

customer, terminal = payments.by("customer_id"), payments.by("terminal_id")


class CardFraud(ts.FeatureSet, spine=payments):
    """Each attribute is a feature; a family over several windows makes one column per window."""

    amount = payments.amount
    night = payments.paid_at.hour() <= 6
    weekend = payments.paid_at.weekday() >= 5
    n = customer.count().over("1d", "7d", "30d")  # columns n_1d, n_7d, n_30d
    spend = customer.mean(payments.amount).over("1d", "7d", "30d")
    burst = spend["1d"] / spend["30d"]
    risk = terminal.mean(fraud).over("1d", "7d", "30d", delay="7d")


model = ts.Model(
    "__NAME__",
    features=CardFraud,
    label=ts.Label(fraud, matures_after="30d"),
    split=ts.TimeSplit(train="60d", gap="21d", validate="14d", test="28d"),  # a gap as long as most reports take
    candidates=[ts.LogisticRegression(), ts.GradientBoosting()],
    search=ts.Search(trials=20, metric="average_precision"),
    policy=ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount), refer=ts.above(0.2)),
    limits=[ts.limit.auc(at_least=0.70)],
)
'''

SETTINGS = """# Everything here is optional; these are the defaults.
project = "project.py"

[data]
max_refused_share = 0.05      # a source with a larger share of refused rows stops the run

[serving]
host = "127.0.0.1"
port = 8710

[monitoring]
tolerated_rise = 0.5          # how far above the reference rate still counts as quiet, as a share of it
false_alarms = 0.01           # largest chance that a quiet model ever raises the alarm
clump = 5.0                   # most bad decisions that one event brings at once
"""

IGNORED = ".tally/\ndata/\n__pycache__/\n"


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def new(options: Options, name: str, as_json: bool) -> None:
    """Scaffold a project folder NAME.

    Raises
    ------
    ConfigError
        If the folder holds something already, or the name cannot stand in a project file.
    """
    screen, folder = Screen(as_json=as_json), options.folder / name
    if not re.fullmatch(r"[\w.-]+", folder.name):
        sentence = f"{name!r} is no name for a project. Write letters, digits, dots and hyphens, such as card-fraud."
        raise ConfigError(sentence)
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        sentence = f"{str(folder)!r} exists and is not empty. Choose another name, or empty it."
        raise ConfigError(sentence)
    write(folder, folder.name)
    screen.emit({"project": str(folder), "definitions": str(folder / "project.py"), "data": str(folder / "data")})
    screen.say(f"{folder}/project.py holds the definitions. Put payments and chargebacks into {folder}/data/, then:")
    screen.say(f"  cd {folder} && tally check")


def write(folder: Path, name: str) -> None:
    """Write a new project's files.

    Parameters
    ----------
    folder : where to; made if it is not there
    name : the project's
    """
    (folder / "data").mkdir(parents=True)
    (folder / "project.py").write_text(PROJECT.replace("__NAME__", name), encoding="utf-8")
    (folder / "tally.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")
