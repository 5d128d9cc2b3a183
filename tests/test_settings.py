"""tally.toml is optional, strict, and answers a mistake with a sentence."""

from pathlib import Path

import pytest

from tallystick import settings
from tallystick.errors import ConfigError


def test_defaults_hold_without_a_file(tmp_path: Path) -> None:
    """Without tally.toml the server binds the loopback address."""
    assert settings.read(tmp_path).serving.host == "127.0.0.1"


def test_what_is_written_holds(tmp_path: Path) -> None:
    """A written value replaces its default, and only that."""
    (tmp_path / "tally.toml").write_text('project = "card_fraud.py"\n[data]\nmax_refused_share = 0.2\n')

    found = settings.read(tmp_path)

    assert (found.project, found.data.max_refused_share, found.serving.port) == ("card_fraud.py", 0.2, 8710)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("projet = 'x.py'", "Did you mean 'project'?"),
        ("[serving]\nport = 'high'", "Expected `int`, got `str`"),
        ("[serving\n", "is no TOML"),
        ("[serving]\nprot = 1", "[serving] host, port"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """An unknown name or a wrong kind is told with what may be written."""
    (tmp_path / "tally.toml").write_text(text)

    with pytest.raises(ConfigError) as caught:
        settings.read(tmp_path)

    assert sentence in str(caught.value)


def test_what_a_project_remembers_is_its_owners_alone(tmp_path: Path) -> None:
    """Raw requests lie in the hidden folder, so nobody else on the machine may enter it."""
    places = settings.Places(tmp_path / "project")

    places.make()

    assert places.hidden.stat().st_mode & 0o777 == 0o700
