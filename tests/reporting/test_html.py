"""A page stands alone, is well-formed whatever it tells, and can be read by eye, by ear and on paper."""

import re
from html.parser import HTMLParser
from typing import Any

from tallystick.reporting.html import fragment, page
from tallystick.reporting.report import Report

VOID = {"meta", "br", "rect", "path"}


class Tree(HTMLParser):
    """What a parser finds: elements with their attributes, and whether each was closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.feed(text)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """Keep an element without content."""
        self.found.append((tag, dict(attrs)))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Keep an element, and that it is open."""
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what is read."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.found if name == tag]


def test_a_page_is_well_formed_and_fetches_nothing(everything: Report) -> None:
    """Every element is closed in its turn; no script, no link, no address, no handler."""
    text = page(everything)

    tree = Tree(text)

    assert tree.open == []
    assert {tag for tag, _ in tree.found}.isdisjoint({"script", "link", "img", "iframe", "object", "use"})
    assert re.search(r"https?://|url\(|@import", text) is None
    assert not any(name.startswith("on") or name in {"href", "src"} for _, given in tree.found for name in given)


def test_hostile_text_stays_text(everything: Report) -> None:
    """Markup in titles, facts, cells, labels and descriptions is shown as it was written, and controls nothing."""
    tree = Tree(page(everything))

    assert tree.all("script") == []
    assert tree.text.count("<script>alert('x')</script>") >= 8
    assert "\\x1b[2J" in tree.text
    assert "\x1b" not in tree.text


def test_tables_have_heads_for_columns_and_rows(everything: Report) -> None:
    """A screen reader can say which column and row a cell is in, and what the table is about."""
    tree = Tree(page(everything))

    scopes = [head.get("scope") for head in tree.all("th")]
    captions, labels = len(tree.all("caption")), [given.get("aria-label") for given in tree.all("table")]

    assert set(scopes) == {"col", "row"}
    assert captions + sum(label is not None for label in labels) == len(labels)
    assert len(tree.all("tfoot")) == 1
    assert "and 1 more" in tree.text


def test_figures_are_described_and_their_values_stand_below(everything: Report) -> None:
    """Each drawing has a title, a description and the table of its values."""
    tree = Tree(page(everything))

    drawings = tree.all("svg")

    assert len(drawings) == len(tree.all("desc")) == len(tree.all("details")) == 4
    assert all(given["role"] == "img" for given in drawings)
    assert len(tree.all("title")) >= len(drawings)


def test_numbers_are_written_as_their_columns_say(everything: Report) -> None:
    """Counts, shares, instants and digests are texts for a person; a digest is whole where a pointer rests on it."""
    tree = Tree(page(everything))

    for written in ("12,345", "0.750", "unknown", "0.64 %", "2026-01-01", "2026-01-01 00:00:00", "cost (EUR)"):
        assert written in tree.text
    assert [given["title"] for given in tree.all("code") if "title" in given] == ["cd" * 32, "ef" * 32]


def test_a_page_has_what_a_terminal_leaves_out(everything: Report) -> None:
    """Sections and columns of details are on the page."""
    text = page(everything)

    assert "only on a page" in text
    assert ">long</th>" in text


def test_a_fragment_is_no_document(everything: Report) -> None:
    """What goes into a notebook brings its looks, and no head or body of its own."""
    tree = Tree(fragment(everything))

    assert tree.open == []
    assert {"html", "head", "body", "script"}.isdisjoint({tag for tag, _ in tree.found})
    assert tree.found[0] == ("div", {"class": "tally cell"})
