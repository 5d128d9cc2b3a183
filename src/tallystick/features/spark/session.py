"""A session with Spark: the one place where it is started, asked whether it is there, and ended."""

import importlib
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tallystick.errors import EngineFailed, EngineMissing, FeatureOverflow, JavaMissing, SparkAway
from tallystick.features.engine_names import LOCAL

ANSWER_SECONDS = 5.0
WORKERS_SECONDS = 60.0
OVERFLOW = "tallystick-overflow"

_SETTINGS = {
    "spark.app.name": "tallystick",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # Otherwise it adds up the bytes of the whole batch at each row; that many rows of records are few bytes.
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",
    "spark.sql.caseSensitive": "true",  # a field is called as it is declared, or is another
}


def functions() -> Any:
    """Return the module pyspark.sql.functions, of the ``spark`` extra.

    Raises
    ------
    EngineMissing
        If pyspark is not installed.
    """
    return _library("pyspark.sql.functions")


def types() -> Any:
    """Return the module pyspark.sql.types, of the ``spark`` extra.

    Raises
    ------
    EngineMissing
        If pyspark is not installed.
    """
    return _library("pyspark.sql.types")


@contextmanager
def session(master: str = LOCAL, *, settings: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Open a session with a Spark master, and end it afterwards; one that runs already in this process is taken as is.

    What Spark prints goes to a file of its own; of an error the first sentence comes back.

    Parameters
    ----------
    master : such as ``local[2]`` or ``spark://host:7077``
    settings : further settings of Spark, by name; ``spark-defaults.conf`` holds too

    Raises
    ------
    EngineFailed
        If Spark stops with an error.
    EngineMissing, JavaMissing
        If pyspark or Java is not installed.
    FeatureOverflow
        If an entity's running totals of a column exceed half of what 64 bits hold.
    SparkAway
        If nothing answers at the master's address, or it has no worker to give.
    """
    # It says that about every pandas there is now, of which this uses nothing.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    sql = _library("pyspark.sql")
    running = sql.SparkSession.getActiveSession()
    if running is not None:
        with _translated_errors():
            yield running
        return
    check_master(master)
    with tempfile.NamedTemporaryFile("w+b", prefix="tally-spark-", suffix=".log") as printed:
        started = _started(master, settings or {}, printed)
        try:
            _wait_for_workers(started, master)
            with _translated_errors():
                yield started
        finally:
            _stop(started)


def check_master(master: str) -> None:
    """Say at once what would otherwise be a long wait or a long trace.

    Raises
    ------
    JavaMissing
        If this machine has no Java.
    SparkAway
        If nothing answers at the master's address.
    """
    if not java():
        raise JavaMissing
    if not master.startswith("spark://"):
        return
    reason = ""
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
        except (OSError, ValueError) as error:
            reason = str(error)
        else:
            return
    raise SparkAway(master, reason=reason)


def java() -> str | None:
    """Return the Java that Spark would run on, if there is one."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise EngineMissing("pyspark", extra="spark") from error


def _started(master: str, settings: Mapping[str, str], printed: IO[bytes]) -> Any:
    """Start Spark with a Java process whose output goes to a file, so that a command's own is kept clean."""
    spark, sql, gateway = (_library(name) for name in ("pyspark", "pyspark.sql", "pyspark.java_gateway"))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = spark.SparkConf()
    for name, value in (_SETTINGS | _near(master) | dict(settings)).items():
        conf.set(name, value)
    conf.setMaster(master)
    try:
        opened = gateway.launch_gateway(conf, {"stdout": printed, "stderr": printed})
        context = spark.SparkContext(gateway=opened, conf=conf)
        return sql.SparkSession(context)
    except Exception as error:
        if not _is_of_spark(error):
            raise
        reason = _last_line(printed) or _first_line(error)
        if master.startswith("local"):
            raise EngineFailed("Spark", reason=reason) from error
        raise SparkAway(master, reason=reason) from error


def _near(master: str) -> dict[str, str]:
    """Listen on this machine alone where the master is on it, and cut work finely only where there are many cores."""
    if not re.match(r"local(\[|$)|spark://(localhost|127\.)", master):
        return {}
    few = str(2 * (os.cpu_count() or 1))
    loopback = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return loopback | {"spark.sql.shuffle.partitions": few}


def _wait_for_workers(started: Any, master: str) -> None:
    until = time.monotonic() + WORKERS_SECONDS
    while not master.startswith("local") and _n_workers(started, master) < 1:
        if time.monotonic() > until:
            raise SparkAway(master, reason=f"no worker took the work within {WORKERS_SECONDS:.0f} seconds")
        time.sleep(0.1)


def _n_workers(started: Any, master: str) -> int:
    try:
        tracker = started.sparkContext._jsc.sc().statusTracker()  # noqa: SLF001 - no other door
        return len(tracker.getExecutorInfos()) - 1  # the driver is one of them
    except Exception as error:
        if not _is_of_spark(error):
            raise
        raise SparkAway(master, reason=_first_line(error)) from error


def _stop(started: Any) -> None:
    context = started.sparkContext
    gateway = context._gateway  # noqa: SLF001 - pyspark itself never ends the Java process it started
    started.stop()
    gateway.shutdown()
    type(context)._gateway = None  # noqa: SLF001
    type(context)._jvm = None  # noqa: SLF001
    gateway.proc.stdin.close()
    gateway.proc.wait(30)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn what Spark raises into a sentence."""
    try:
        yield
    except Exception as error:
        if not _is_of_spark(error):
            raise
        found = re.search(rf"{OVERFLOW}\t([^\t]*)\t([^\t]*)\t(-?\d+)", str(error))
        if found is not None:
            raise FeatureOverflow(found[1], entity=found[2], value=int(found[3])) from None
        raise EngineFailed("Spark", reason=_first_line(error)) from error


def _is_of_spark(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("pyspark", "py4j")


def _first_line(error: Exception) -> str:
    """Return the sentence in a trace: of a worker's Python the last line, of Spark's own the first."""
    text = str(error)
    own = re.findall(r"^\s*(?:\w+\.)*\w*(?:Error|Exception): (.+)$", text.partition("Traceback")[2], re.MULTILINE)
    return (own[-1] if own else text.partition("\n")[0]).strip()


def _last_line(printed: IO[bytes]) -> str:
    printed.seek(0)
    lines = [line.strip() for line in printed.read().decode(errors="replace").splitlines()]
    sentences = [line for line in lines if line and not line.startswith("at ")]
    return sentences[-1] if sentences else ""
