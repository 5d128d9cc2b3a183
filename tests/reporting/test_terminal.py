"""A report on a terminal: coloured by tone, never by what a text holds, and drawn with what the output can encode."""

import io
from typing import Literal

from rich.console import Console

from tallystick.reporting.characters import BLOCKS
from tallystick.reporting.report import Report
from tallystick.reporting.stand_ins import DRAWINGS
from tallystick.reporting.terminal import show
from tallystick.reporting.text import Text, fail


def printed(report: Report | Text, encoding: str, *, width: int = 100, is_terminal: bool = False) -> str:
    """Return what comes out of a console whose output has an encoding."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, write_through=True, newline="\n")
    colours: Literal["standard"] | None = "standard" if is_terminal else None
    show(report, Console(file=out, width=width, force_terminal=is_terminal, color_system=colours, highlight=False))
    return raw.getvalue().decode(encoding)


def test_tones_are_colours_on_a_terminal_only() -> None:
    """A failure is bold red where colours are, and plain words where they are not."""
    sentence = Text.of(fail("differs"), " at features")

    assert printed(sentence, "utf-8", is_terminal=True) == "\x1b[1;31mdiffers\x1b[0m at features\n"
    assert printed(sentence, "utf-8") == "differs at features\n"


def test_nothing_in_a_text_is_taken_for_markup(everything: Report) -> None:
    """Brackets of rich's own language, and control characters, are shown as they were written."""
    shown = printed(everything, "utf-8", is_terminal=True)

    assert '"[bold]"' in shown
    assert "\x1b[2J" not in shown


def test_an_output_without_blocks_gets_plain_characters(everything: Report) -> None:
    """In ASCII and Latin-1 figures are drawn with stand-ins of the same width, and nothing fails."""
    for encoding in ("ascii", "latin-1"):
        shown = printed(everything, encoding)

        assert " : -x+:~~~\n" in shown
        assert "#### 90 %" in shown
        assert len(shown.splitlines()) == len(printed(everything, "utf-8").splitlines())


def test_every_drawn_character_has_a_stand_in_of_its_own() -> None:
    """No two heights look the same where only plain characters are, and each stand-in is one of them."""
    heights = [DRAWINGS[block] for block in BLOCKS.strip()]

    assert len(set(heights)) == len(heights)
    assert all(each.isascii() and len(each) == 1 for each in DRAWINGS.values())
