"""A gap shorter than labels take is told, because scores may then promise too little."""

from pathlib import Path

import msgspec
import pytest

from tallystick.cli import new
from tallystick.cli.train import early_labels_warning
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.project import load


@pytest.fixture
def model(tmp_path: Path) -> ModelDefinition:
    new.write(tmp_path / "card-fraud", "card-fraud")
    return load(tmp_path / "card-fraud" / "project.py").model()


def test_a_short_gap_is_told(model: ModelDefinition) -> None:
    """The sentence names both lengths, the check that measures it, and the remedy."""
    noted = early_labels_warning(model)

    assert "mature after 30d, and the gap is 21d" in noted
    assert "V202" in noted


def test_a_long_gap_says_nothing(model: ModelDefinition) -> None:
    """With a gap as long as labels take there is nothing to say."""
    split = msgspec.structs.replace(model.split, gap_us=30 * DAY_US)

    assert early_labels_warning(msgspec.structs.replace(model, split=split)) == ""
