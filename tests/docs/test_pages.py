"""What is written runs: the README and the numbered pages, followed as their readers would."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick import errors
from tallystick.cli.verbs import VERBS
from tallystick.validation.checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
RUNNING = [page for page in ["README.md", *DOCS] if "```console" in (ROOT / page).read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", RUNNING)
def test_what_a_page_says_can_be_done(page: str, follow: Callable[[str], int]) -> None:
    """Every console and python block of a page runs in order, and ends with the exit code that is written."""
    n_blocks = follow(page)

    assert n_blocks


@pytest.mark.parametrize("page", ["README.md", "DESIGN.md", "CHANGELOG.md", *DOCS])
def test_links_lead_somewhere(page: str) -> None:
    """A relative link names a file that is there, and a heading that it has."""
    for link in LINK.findall(_text(page)):
        if "://" not in link:
            path, _, heading = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), f"{page} links to {link}"
            assert not heading or heading in _headings(target.read_text(encoding="utf-8")), f"{page} links to {link}"


def test_the_index_links_to_every_page() -> None:
    """docs/README.md links to every page under docs, so that none is found by chance only."""
    linked = set(LINK.findall(_text("docs/README.md")))

    assert {page.removeprefix("docs/") for page in DOCS} - {"README.md"} <= linked


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_the_readme_names_every_verb(verb: str) -> None:
    """A reader of the README has met every verb of the command."""
    assert f"`tally {verb}" in _text("README.md")


def test_errors_that_pages_name_exist() -> None:
    """An error that the page for trouble names is one that is raised; every branch of the tree is named there."""
    page = _text("docs/7-when-something-goes-wrong.md")
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", page))

    assert {name for name in named if not hasattr(errors, name)} == set()
    assert {branch.__name__ for branch in errors.TallystickError.__subclasses__()} <= named


def test_every_check_has_its_page() -> None:
    """A check's code names its page."""
    assert {f"docs/checks/{check.code}.md" for check in CHECKS} <= set(DOCS)


def test_the_readme_is_short() -> None:
    """The README can be read in one go."""
    assert len(_text("README.md").splitlines()) <= 160


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _headings(text: str) -> set[str]:
    noted = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in noted}
