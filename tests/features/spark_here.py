"""One Spark on this machine for the tests of several files: a Java process takes longer to start than most of them."""

from contextlib import ExitStack
from typing import Any

import pytest

from tallystick.features.spark.session import java, session

HURRIED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
"""What Java need not do for a life of a minute: its better compiler costs more than it gives back."""

QUICK = {
    "spark.driver.extraJavaOptions": HURRIED,
    "spark.driver.memory": "768m",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
}

_running = ExitStack()
_opened: list[Any] = []


def here() -> Any:
    """Return the session on two cores of this machine, started when it is first asked for."""
    if java() is None:
        pytest.skip("there is no Java on this machine, and Spark needs one")
    if not _opened:
        _opened.append(_running.enter_context(session("local[2]", settings=QUICK)))
    return _opened[0]


def end() -> None:
    """End the session, if it runs: whoever wants another master needs a process without one."""
    _opened.clear()
    _running.close()
