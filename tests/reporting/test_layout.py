"""A report as text: aligned, no wider than it may be, and nothing in it steers the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.reporting.characters import cells
from tallystick.reporting.folding import fold, length, plain
from tallystick.reporting.layout import lines, text
from tallystick.reporting.report import Facts, Report, Section
from tallystick.reporting.table import Column, Table
from tallystick.reporting.text import Span, Text, fail


@pytest.mark.parametrize("width", [100, 120, 300])
def test_no_line_is_wider_than_the_terminal(everything: Report, width: int) -> None:
    """Paragraphs, facts, tables and figures keep the width."""
    widest = max(map(length, lines(everything, width)))

    assert widest <= width


def test_control_characters_are_spelled_out(everything: Report) -> None:
    """What a record holds cannot clear the screen or colour it."""
    shown = text(everything)

    assert "\\x1b[2J" in shown
    assert shown.replace("\n", "").isprintable()


def test_numbers_stand_below_their_last_digit() -> None:
    """Numbers are aligned to the right, texts to the left, and no line ends in spaces."""
    table = Table.of(
        (Column("name"), Column("rows", "count")), [("a", 7), ("long name", 12_345)], total=("all", 12_352)
    )

    assert text(table).splitlines() == [
        "name         rows",
        "a               7",
        "long name  12,345",
        "all        12,352",
    ]


def test_long_texts_are_folded_in_their_column() -> None:
    """A text too long for its column goes on below its beginning; numbers are never folded."""
    table = Table.of((Column("reason"), Column("n", "count")), [("one two three four five six", 1_000_000)])

    shown = text(table, width=24).splitlines()

    assert shown == ["reason                 n", "one two three  1,000,000", "four five six"]


def test_wide_letters_are_counted_as_wide() -> None:
    """A letter that takes two columns does not push the column after it aside."""
    table = Table.of((Column("name"), Column("n", "count")), [("日本", 1), ("ab", 2)])

    starts = {cells(line) for line in text(table).splitlines()}

    assert starts == {cells("日本  1")}


def test_bars_take_what_room_is_left() -> None:
    """A bar is as long as its value is large, and gives way where numbers need the room."""
    table = Table.of((Column("rate", "number"), Column("", "bar")), [(1, 1.0), (4, 4.0), (0, 0.0)])

    assert text(table).splitlines() == ["rate", "   1  ███", "   4  ████████████", "   0"]
    assert text(table, width=8).splitlines() == ["rate", "   1", "   4", "   0"]


def test_details_are_left_out_unless_asked_for(everything: Report) -> None:
    """Sections and columns of details are for pages; whoever asks has them as text too."""
    assert "only on a page" not in text(everything)
    assert "only on a page" in text(everything, has_details=True)


def test_rows_beyond_the_limit_are_counted() -> None:
    """A table that keeps some rows says how many there are more."""
    table = Table.of((Column("n", "count"),), [(n,) for n in range(2_000)], most=1)

    assert text(table).splitlines() == ["n", "0", "and 1,999 more"]


def test_a_fact_goes_on_below_its_beginning() -> None:
    """A long fact is folded beside its name."""
    facts = Facts.of({"name": "one two three four five"})

    assert text(facts, width=24).splitlines() == ["  name  one two three", "        four five"]


def test_sections_are_apart_and_the_first_follows_the_title() -> None:
    """An empty line stands between sections, and none between a title and what has no title of its own."""
    report = Report("Title", (Section("", (Text.of("a"),)), Section("Next", (Text.of("b"),))))

    assert text(report).splitlines() == ["Title", "a", "", "Next", "b"]


@given(
    words=st.lists(st.text(st.characters(codec="ascii", categories=["L", "P"]), min_size=1, max_size=30)),
    width=st.integers(1, 40),
)
def test_folding_loses_no_letter(words: list[str], width: int) -> None:
    """Whatever the width, every letter comes out again in order, and no line is wider."""
    folded = fold([Span(" ".join(words), "ok"), Span(" end", "fail")], width)

    assert "".join(plain(line) for line in folded).replace(" ", "") == "".join([*words, "end"])
    assert all(length(line) <= width for line in folded)


def test_tones_survive_folding() -> None:
    """A word keeps its tone, also where it touches a word of another."""
    (line,) = fold(Text.of(fail("differs"), ": at night").spans, 40)

    assert line == (Span("differs", "fail"), Span(": at night"))
