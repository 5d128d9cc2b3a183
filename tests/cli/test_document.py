"""The page about a candidate: one file, no scripts, nothing to fetch, every text escaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec

from tallystick import lifecycle
from tallystick.definitions.durations import DAY_US
from tallystick.reporting.html import page
from tallystick.reporting.written import instant
from tallystick.testing import card_project

VOID = {"meta", "br", "rect", "path"}


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_startendtag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - the parser's signature
        self.tags.add(tag)

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - the parser's signature
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_document_stands_alone(first_shop: Any, tmp_path: Path) -> None:
    """``show --html`` writes well-formed HTML with every check and a reliability diagram, and no script or link."""
    out = tmp_path / "candidate.html"

    noted = first_shop.tally("show", "--html", str(out))

    text, tree = out.read_text(encoding="utf-8"), _Tree()
    tree.feed(text)
    assert (noted.code, tree.open) == (0, [])
    assert {"table", "svg"} <= tree.tags
    assert tree.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert re.search(r"https?://|javascript:|\bon\w+=", text) is None
    assert [code for code in ("V101", "V202", "V502", "V902") if code not in text] == []
    assert {"Search", "Features", "Made of", "Reliability on the test part"} <= set(re.findall("<h2>(.*?)</h2>", text))


def test_monitoring_writes_a_page_too(first_shop: Any, tmp_path: Path) -> None:
    """``monitor --html`` writes the screen's report, with the days drawn; the exit code stays that of the alarm."""
    out, later = tmp_path / "monitor.html", instant(card_project.LIVE + 45 * DAY_US)

    noted = first_shop.tally("monitor", "--as-of", later, "--html", str(out))

    assert noted.code == 0
    assert "Monitoring bundle" in noted.out
    text = out.read_text(encoding="utf-8")
    assert "<h1>Monitoring bundle" in text
    assert "<svg" in text


def test_what_people_wrote_is_escaped(first_shop: Any) -> None:
    """A model's name cannot become markup."""
    made = lifecycle.open(first_shop.folder, actor="ada").candidate()
    record = msgspec.structs.replace(made.candidate.record, name="<script>alert(1)</script>")

    text = page(replace(made, candidate=replace(made.candidate, record=record)).report())

    assert "<script" not in text
    assert "&lt;script&gt;" in text
