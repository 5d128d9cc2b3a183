"""What a person sees: tables on stdout, progress on stderr; with --json one document and nothing else."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.rule import Rule
from rich.text import Text as RichText

from tallystick.cli.output import as_json, write_exactly
from tallystick.definitions.progress import Step
from tallystick.reporting import html
from tallystick.reporting.layout import Shown
from tallystick.reporting.report import Report
from tallystick.reporting.terminal import show


class Screen:
    """Where a verb shows what it found.

    Parameters
    ----------
    as_json : print one JSON document on stdout and nothing else anywhere but errors
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        width = None if sys.stdout.isatty() else 100
        self._out = Console(width=width, highlight=False)
        self._err = Console(stderr=True, highlight=False)

    def say(self, *what: Shown) -> None:
        """Show a person one thing under the other; silent with --json. A bare text stands as it is."""
        for each in () if self.as_json else what:
            show(each, self._out)

    def chapter(self, title: str, aside: str) -> None:
        """Begin a chapter of a longer story with a line across the screen.

        Parameters
        ----------
        title : what comes
        aside : such as how long the story has lasted
        """
        head = RichText.assemble((title, "bold"), "  ", (aside, "dim"))
        self._out.print("", Rule(head, align="left"))

    def page(self, report: Report, out: Path | None) -> None:
        """Write a report as an HTML file, where one is asked for, and say so.

        Parameters
        ----------
        report : what was shown
        out : the file, replaced if it is there; None where no page is asked for
        """
        if out is not None:
            out.write_text(html.page(report), encoding="utf-8")
            self.say("", f"The page is {out}")

    def verbatim(self, text: str) -> None:
        """Print a text as it stands, to be copied or piped; silent with --json."""
        if not self.as_json:
            write_exactly(f"{text}\n", sys.stdout)

    def emit(self, document: Any) -> None:
        """Print the one JSON document; silent without --json."""
        if self.as_json:
            text = msgspec.json.format(_encoded(document), indent=2).decode()
            sys.stdout.write(as_json(f"{text}\n", sys.stdout))

    @contextmanager
    def progress(self) -> Iterator[Step]:
        """Yield a function to report steps to: one bar per stage on a terminal, nothing elsewhere."""
        with _interruptible() as stop_if_requested:
            if self.as_json or not self._err.is_terminal:
                yield lambda _stage, _done, _total: stop_if_requested()
                return
            with self._bars() as bars:
                stages = _Stages(bars)

                def step(stage: str, done: int, total: int) -> None:
                    stop_if_requested()
                    stages.step(stage, done, total)

                yield step

    def _bars(self) -> Progress:
        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        )
        return Progress(*columns, console=self._err)


@contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Yield what stops a verb that was asked to stop by Ctrl-C and went on all the same.

    Where the interrupt strikes inside a library's callback from C, or while an object is taken apart, Python prints
    it and goes on: a search would last for ever. The next step then ends it.
    """
    is_requested = False

    def remember(_number: int, _frame: object) -> None:
        nonlocal is_requested
        is_requested = True
        raise KeyboardInterrupt

    def stop_if_requested() -> None:
        if is_requested:
            raise KeyboardInterrupt

    # In the background Ctrl-C is ignored, and stays so.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_heard or threading.current_thread() is not threading.main_thread():
        yield stop_if_requested
        return
    before = signal.signal(signal.SIGINT, remember)
    try:
        yield stop_if_requested
    finally:
        signal.signal(signal.SIGINT, before)


def _encoded(document: Any) -> bytes:
    try:
        return msgspec.json.encode(document, enc_hook=_plain)
    except UnicodeEncodeError:  # the name of a file that is not UTF-8
        return msgspec.json.encode(_readable(msgspec.to_builtins(document, enc_hook=_plain)))


def _readable(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {_readable(name): _readable(value) for name, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_readable(value) for value in plain]
    return plain.encode("utf-8", "backslashreplace").decode() if isinstance(plain, str) else plain


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))


class _Stages:
    """One bar for each stage, made when it is first heard of."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def step(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total or None)
        self._bars.update(self._tasks[stage], completed=done, total=total or None)
