"""``python -m tallystick`` is ``tally``, and this is where both begin: Ctrl-C is heard while the rooms are loaded."""

import importlib
import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    # In the background Ctrl-C is ignored, and stays so.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, _stop)
    command = importlib.import_module("tallystick.cli.main")
    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command.main()
    raise SystemExit  # it has raised its own


def _stop(_number: int, _frame: object) -> NoReturn:
    # An exception would strike inside some library's own loading, which may end the process with a trace, or go on.
    os.write(2, b"tally: Stopped before anything was begun.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
