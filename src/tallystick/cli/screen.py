"""What a person sees: tables on stdout, progress on stderr; with --json one document and nothing else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

Step = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


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

    def say(self, *what: RenderableType) -> None:
        """Show a person one thing under the other; silent with --json."""
        for each in () if self.as_json else what:
            self._out.print(each)

    def emit(self, document: Any) -> None:
        """Print the one JSON document; silent without --json."""
        if self.as_json:
            text = msgspec.json.format(msgspec.json.encode(document, enc_hook=_plain), indent=2).decode()
            sys.stdout.write(text + "\n")

    @contextmanager
    def progress(self) -> Iterator[Step]:
        """Yield a function to report steps to: one bar per stage on a terminal, nothing elsewhere."""
        if self.as_json or not self._err.is_terminal:
            yield lambda _stage, _done, _total: None
            return
        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        )
        with Progress(*columns, console=self._err) as bars:
            yield _Stages(bars).step


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
