"""A report on a terminal: its lines, coloured by tone as far as the output can."""

from rich.console import Console
from rich.text import Text as RichText

from tallystick.reporting.characters import for_encoding
from tallystick.reporting.layout import Shown, lines
from tallystick.reporting.text import Tone

STYLES: dict[Tone, str] = {
    "plain": "",
    "strong": "bold",
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
    "dim": "dim",
    "code": "cyan",
}


def show(shown: Shown, console: Console) -> None:
    """Print a report, or a part of one, as wide as the console is.

    Nothing in it is taken for markup, and what the output's encoding cannot hold is drawn in plain characters.

    Parameters
    ----------
    shown : the report; a bare text is a paragraph
    console : where to
    """
    for line in lines(shown, console.width):
        made = RichText()
        for span in line:
            made.append(for_encoding(span.text, console.encoding), STYLES[span.tone])
        console.print(made, soft_wrap=True)
