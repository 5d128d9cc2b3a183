"""A ledger with two actors, in a fresh folder."""

from pathlib import Path

import pytest

from tallystick.ledger.actors import enrol
from tallystick.ledger.keys import Keys, Signer
from tallystick.ledger.ledger import Ledger


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Where the keys of one test lie."""
    return Keys(tmp_path / "keys")


@pytest.fixture
def ada(keys: Keys) -> Signer:
    """Return the key of a builder."""
    return keys.create("ada")


@pytest.fixture
def val(keys: Keys) -> Signer:
    """Return the key of a validator."""
    return keys.create("val")


@pytest.fixture
def empty(tmp_path: Path) -> Ledger:
    """Return a ledger without entries."""
    return Ledger.create_or_open(tmp_path / "ledger.sqlite", tmp_path / "checkpoints.jsonl")


@pytest.fixture
def ledger(empty: Ledger, ada: Signer, val: Signer) -> Ledger:
    """Return a ledger that has enrolled a builder and a validator."""
    enrol(empty, "ada", ["builder"], public_pem=ada.public_pem, by=ada, at=1)
    enrol(empty, "val", ["validator"], public_pem=val.public_pem, by=ada, at=2)
    return empty
