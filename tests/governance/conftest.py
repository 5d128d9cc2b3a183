"""A ledger with builder, validators and operator, and one released bundle."""

from pathlib import Path
from typing import Any

import pytest

from tallystick.definitions.digest import digest_of
from tallystick.governance.releases import record_release
from tallystick.ledger.actors import enrol
from tallystick.ledger.keys import Keys, Signer
from tallystick.ledger.ledger import Ledger

People = dict[str, Signer]
ROLES = {"ada": ["builder", "validator"], "val": ["validator"], "vic": ["validator"], "opa": ["operator"], "nil": []}


@pytest.fixture
def people(tmp_path: Path) -> People:
    """Return the keys of everybody; ada is builder and validator at once."""
    keys = Keys(tmp_path / "keys")
    return {name: keys.create(name) for name in ROLES}


@pytest.fixture
def ledger(tmp_path: Path, people: People) -> Ledger:
    """Return a ledger in which everybody is enrolled."""
    opened = Ledger.create_or_open(tmp_path / "ledger.sqlite", tmp_path / "checkpoints.jsonl")
    for at, (name, roles) in enumerate(ROLES.items()):
        enrol(opened, name, roles, public_pem=people[name].public_pem, by=people["ada"], at=at)
    return opened


@pytest.fixture
def evidence() -> dict[str, Any]:
    """Return evidence in which nothing failed."""
    return {
        "candidate": "c" * 64,
        "findings": [
            {"code": "V101", "outcome": "passed", "reason": "AUC 0.93"},
            {"code": "V103", "outcome": "warned", "reason": "risk alone has AUC 0.93"},
            {"code": "V104", "outcome": "not applicable", "reason": "no table of outcomes"},
            {"code": "V105", "outcome": "skipped", "reason": "it was not asked for"},
        ],
    }


@pytest.fixture
def bundle(ledger: Ledger, people: People, evidence: dict[str, Any]) -> str:
    """Return the digest of a bundle that ada released on this evidence."""
    digest = digest_of("a bundle")
    record_release(ledger, digest, digest_of(evidence), signer=people["ada"], at=10, facts={"candidate": "c" * 64})
    return digest
