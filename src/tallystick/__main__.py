"""``python -m tallystick`` is ``tally``, and this is where both begin.

Ctrl-C is heard while the rooms are loaded, and names of files are UTF-8, whatever the machine's locale says.
"""

import importlib
import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    _name_files_in_utf8()
    # In the background Ctrl-C is ignored, and stays so.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, _stop)
    command = importlib.import_module("tallystick.cli.main")
    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command.main()
    raise SystemExit  # it has raised its own


def _name_files_in_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the locale has names of files in another encoding, as under cron.

    A project file names its sources in UTF-8, which a locale such as C could not even look for. What the output is
    encoded in stays the locale's.
    """
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode and sys.executable:
        outputs = os.environ.get("PYTHONIOENCODING") or getattr(sys.stdout, "encoding", None) or "ascii"
        environment = os.environ | {"PYTHONUTF8": "1", "PYTHONIOENCODING": outputs}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - no shell


def _stop(_number: int, _frame: object) -> NoReturn:
    # An exception would strike inside some library's own loading, which may end the process with a trace, or go on.
    os.write(2, b"tally: Stopped before anything was begun.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
