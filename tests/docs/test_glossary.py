"""The glossary holds every word that the code has for what users meet, and is put as a glossary is."""

import re
from pathlib import Path
from typing import get_args

import pytest

import tallystick
from tallystick.definitions.policies import Action
from tallystick.governance.roles import Role
from tallystick.log.entry import KINDS
from tallystick.replay.verdict import Stage
from tallystick.validation.finding import Outcome

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
IN_CODE = frozenset(re.findall(r"`([^`]+)`", PAGE))
ROWS = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", PAGE, re.MULTILINE)
STAGES = dict(re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROOMS = sorted(path.parent.name for path in Path(tallystick.__path__[0]).glob("*/__init__.py"))


@pytest.mark.parametrize(
    "words",
    [KINDS, get_args(Stage), get_args(Action), list(Role), list(Outcome), [f"{room}/" for room in ROOMS]],
    ids=["kinds of log entries", "stages of a replay", "actions", "roles", "outcomes of a check", "rooms of the tree"],
)
def test_the_words_of_the_code_stand_in_it(words: frozenset[str] | tuple[str, ...] | list[str]) -> None:
    """Whatever word of a closed list a user meets, the glossary says what it means."""
    assert set(map(str, words)) - IN_CODE == set()


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_words_are_found_by_the_alphabet(stage: str) -> None:
    """Within its stage a word stands where the alphabet has it."""
    words = [word for word, _ in ROWS if f"| **{word}** |" in STAGES[stage]]

    assert words
    assert words == sorted(words)


def test_each_word_has_one_sentence_and_one_place() -> None:
    """No word is explained twice, and an explanation is a sentence: it begins as one, ends as one, and is one."""
    words = [word for word, _ in ROWS]

    assert len(words) == len(set(words)) == PAGE.count("\n| **")
    for word, sentence in ROWS:
        assert re.fullmatch(r"[A-Z][^.!?]*\.", sentence), f"{word}: {sentence}"


def test_it_can_be_read_in_one_go() -> None:
    """A glossary of everything is read by nobody."""
    assert 60 <= len(ROWS) <= 90
