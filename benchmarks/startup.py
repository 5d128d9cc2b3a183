"""How long a verb takes before it does anything, and what it loads for that.

    python benchmarks/startup.py               every verb, five times each; about two minutes
    python benchmarks/startup.py --runs 15     where the machine is busy

Each verb runs as a process of its own on a fresh copy of one small project, in which everything was done once. The
seconds are the median of the runs, on the wall and of the processor: where other programs run too, the wall says what
they took. Modules and imports come from one more run with ``-X importtime``: the time of a distribution is what its own
modules took, without those that they import. Limits hold for the wall.
"""

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tallystick import lifecycle
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.reporting.layout import text
from tallystick.reporting.table import Column, Table
from tallystick.serving.requests import Decided, Request
from tallystick.testing import card_project

AT_ONCE, SOON = 0.2, 0.5
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")
LARGEST = 5


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb with its arguments, the seconds it may take, who says it, and in which project."""

    arguments: tuple[str, ...]
    limit: float | None = None
    actor: str = "ada"
    project: str = "project"


@dataclass(frozen=True, slots=True)
class Started:
    """Median seconds on the wall and of the processor, how many modules, and microseconds by distribution."""

    wall: float
    cpu: float
    n_modules: int
    imports: Counter[str]


def main() -> int:
    """Measure every verb, and return 1 where one takes longer than it may."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        verbs = _verbs(*_furnished(Path(folder) / "project"))
        found = [_started(verb, Path(folder) / verb.project, arguments.runs) for verb in verbs]
    _print(verbs, found)
    return int(any(verb.limit is not None and made.wall > verb.limit for verb, made in zip(verbs, found, strict=True)))


def _verbs(bundle: str, decision: str) -> list[Verb]:
    soon = [
        ("check",), ("show",), ("show", "--all"), ("features", "--describe"), ("ledger", "show"), ("ledger", "verify"),
        ("token", "till"), ("enrol", "eve", "--role", "operator"),
    ]  # fmt: skip
    return [
        Verb(("--version",), AT_ONCE),
        Verb(("--help",), AT_ONCE),
        Verb(("train", "--help"), SOON),
        *(Verb(arguments, SOON) for arguments in soon),
        Verb(("approve", bundle), SOON, "vera", "unapproved"),
        Verb(("refuse", bundle, "--reason", "a look"), SOON, "vera"),
        *(
            Verb(arguments)
            for arguments in (("release",), ("replay", decision), ("monitor",), ("features", "o.parquet"))
        ),
    ]


def _furnished(home: Path) -> tuple[str, str]:
    """Make a project, and a copy of it as it was before anything was approved; return a bundle and a decision of it."""
    network = card_project.network()
    _tally("--project", str(home.parent), "new", home.name)
    card_project.fill_project(home, network)
    candidates = [made["candidate"] for made in msgspec.json.decode(_said(home, "ada", "train", "--json"))]
    bundles = [msgspec.json.decode(_said(home, "ada", "release", made, "--json"))["bundle"] for made in candidates]
    _said(home, "ada", "enrol", "vera", "--role", "validator")
    shutil.copytree(home, home.with_name("unapproved"))
    _said(home, "vera", "approve", bundles[0])
    clock = SettableClock(card_project.LIVE + DAY_US)
    with lifecycle.open(home, actor="ada", clock=clock).service() as service:
        answers = service.decide([Request(raw) for raw in card_project.payments(network, 0)])
    return bundles[0], next(each.decision.record_id for each in answers if isinstance(each, Decided))


def _started(verb: Verb, home: Path, runs: int) -> Started:
    walls, cpus = [], []
    for _ in range(runs):
        copy = _copy(home)
        began, before = time.monotonic(), _cpu()
        _said(copy, verb.actor, *verb.arguments)
        walls.append(time.monotonic() - began)
        cpus.append(_cpu() - before)
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "tallystick",
        "--project",
        str(_copy(home)),
        "--as",
        verb.actor,
    ]
    ran = subprocess.run([*command, *verb.arguments], check=False, capture_output=True, text=True, cwd=home.parent)
    imports: Counter[str] = Counter()
    loaded = LINE.findall(ran.stderr)
    for microseconds, module in loaded:
        imports[_distribution(module)] += int(microseconds)
    return Started(statistics.median(walls), statistics.median(cpus), len(loaded), imports)


def _copy(home: Path) -> Path:
    copy = home.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home, copy)
    return copy


def _distribution(module: str) -> str:
    top = module.partition(".")[0]
    return "Python" if top in sys.stdlib_module_names or top.startswith("_") else top


def _said(home: Path, actor: str, *arguments: str) -> bytes:
    return _tally("--project", str(home), "--as", actor, *arguments)


def _tally(*arguments: str) -> bytes:
    """Run a verb; one that answers no, such as an alarm, has run too."""
    command = [sys.executable, "-m", "tallystick", *arguments]
    ran = subprocess.run(command, check=False, capture_output=True, cwd=tempfile.gettempdir(), env=os.environ)
    if ran.returncode not in (0, 1):
        sys.exit(f"{' '.join(arguments)}: {ran.stderr.decode(errors='replace')}")
    return ran.stdout


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print(verbs: Sequence[Verb], found: Sequence[Started]) -> None:
    columns = (
        Column("tally"),
        Column("seconds", "number", 2),
        Column("limit", "number", 1, missing=""),
        Column("CPU", "number", 2),
        Column("modules", "number"),
        Column("largest imports, ms"),
    )
    rows = []
    for verb, each in zip(verbs, found, strict=True):
        largest = ", ".join(f"{name} {took / 1000:.0f}" for name, took in each.imports.most_common(LARGEST))
        shown = " ".join(word[:12] for word in verb.arguments[:2])
        rows.append((shown, each.wall, verb.limit, each.cpu, each.n_modules, largest))
    print(text(Table.of(columns, rows, title="From the command to its answer"), width=130))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="how often each verb is measured")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
