"""A real standalone Spark: a master and workers, each a process of its own on the loopback address."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .spark_here import HURRIED

WAIT_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Standalone:
    """A running master, to which workers can be added.

    Parameters
    ----------
    folder : where master and workers write what they print, and their work
    address : the master's
    running : ends the processes
    """

    folder: Path
    address: str
    running: ExitStack

    def add_workers(self, n: int) -> None:
        """Start workers, each with one core and 1 GiB, and wait until the master knows them."""
        own = "org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --port 0 --webui-port 0 --cores 1 --memory 1g"
        for i in range(n):
            arguments = [*own.split(), "--work-dir", str(self.folder / f"work{i}"), self.address]
            self.running.enter_context(_process(self.folder / f"worker{i}.log", arguments))
        for i in range(n):
            _logged(self.folder / f"worker{i}.log", "(Successfully registered) with master")


@contextmanager
def standalone(folder: Path) -> Iterator[Standalone]:
    """Start a master on a free port; in the end, end it and its workers by their process ids."""
    with ExitStack() as running:
        own = "org.apache.spark.deploy.master.Master --host 127.0.0.1 --port 0 --webui-port 0"
        log = running.enter_context(_process(folder / "master.log", own.split()))
        yield Standalone(folder, _logged(log, r"Starting Spark master at (spark://\S+)"), running)


@contextmanager
def _process(log: Path, arguments: list[str]) -> Iterator[Path]:
    pyspark = find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    home = Path(pyspark.origin).parent
    quiet = {"SPARK_DAEMON_MEMORY": "256m", "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false"}
    quiet["SPARK_DAEMON_JAVA_OPTS"] = HURRIED
    env = os.environ | quiet | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    with log.open("wb") as printed:
        command = [str(home / "bin" / "spark-class"), *arguments]
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, env=env)
        try:
            yield log
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _logged(log: Path, pattern: str) -> str:
    until = time.monotonic() + WAIT_SECONDS
    while (found := re.search(pattern, log.read_text(errors="replace"))) is None:
        assert time.monotonic() < until, f"{log} never said {pattern}: {log.read_text(errors='replace')[-2_000:]}"
        time.sleep(0.1)
    return found[1]
