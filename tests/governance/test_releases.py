"""Releasing and deploying: who may, and what must stand before."""

from typing import Any

import pytest

from tallystick.definitions.digest import digest_of
from tallystick.errors import ApprovalMissing, ModelUnnamed, NothingApproved, RoleMissing
from tallystick.governance.approval_status import last_approved
from tallystick.governance.approvals import Approvals, approve, refuse
from tallystick.governance.releases import record_deployment, record_release
from tallystick.ledger.keys import Signer
from tallystick.ledger.ledger import Ledger

People = dict[str, Signer]


def test_only_builders_release(ledger: Ledger, people: People) -> None:
    """An actor without the role builder releases nothing."""
    with pytest.raises(RoleMissing, match="may not release a bundle: that needs the role 'builder'"):
        record_release(ledger, "b" * 64, "e" * 64, signer=people["val"], at=10)


def test_a_release_names_bundle_and_evidence(ledger: Ledger, bundle: str) -> None:
    """A release entry states the bundle, its evidence and what else the builder says."""
    assert set(ledger.entries("released")[0].facts) == {"bundle", "evidence", "candidate"}
    assert Approvals(ledger).status(bundle).builders == {"ada"}


def test_only_operators_deploy_and_only_what_is_approved(
    ledger: Ledger, people: People, bundle: str, evidence: dict[str, Any]
) -> None:
    """A deployment needs an operator and a standing approval, and commits to that approval's entry."""
    with pytest.raises(ApprovalMissing, match="nobody approved it"):
        record_deployment(ledger, bundle, signer=people["opa"], at=19)
    approval = approve(ledger, bundle, evidence, signer=people["val"], at=20)

    with pytest.raises(RoleMissing):
        record_deployment(ledger, bundle, signer=people["val"], at=21)
    entry = record_deployment(ledger, bundle, signer=people["opa"], at=21)

    assert entry.facts == {"bundle": bundle, "approval": approval.entry_hash}
    refuse(ledger, bundle, reason="drift", signer=people["vic"], at=22)
    with pytest.raises(ApprovalMissing, match="refused 1 time"):
        record_deployment(ledger, bundle, signer=people["opa"], at=23)


def test_an_approver_who_releases_becomes_a_builder(
    ledger: Ledger, people: People, evidence: dict[str, Any], bundle: str
) -> None:
    """When the approver of a bundle releases the same bundle, that approval no longer stands."""
    approve(ledger, bundle, evidence, signer=people["val"], at=20)

    ledger.record("released", {"bundle": bundle}, people["val"], 21)

    assert Approvals(ledger).of(bundle) is None


def test_the_last_approved_bundle_of_a_model_is_found(ledger: Ledger, people: People, evidence: dict[str, Any]) -> None:
    """One model needs no name; where bundles of several are approved, one must be named, and a refused one is none."""
    with pytest.raises(NothingApproved, match="No bundle is approved"):
        last_approved(ledger.verified_entries())
    for at, (bundle, model) in enumerate([("a" * 64, "fraud"), ("b" * 64, "fraud"), ("c" * 64, "credit")], start=20):
        facts = {"candidate": "c" * 64, "model": model}
        record_release(ledger, bundle, digest_of(evidence), signer=people["ada"], at=at, facts=facts)
        approve(ledger, bundle, evidence, signer=people["val"], at=at)

    entries = ledger.verified_entries()

    assert last_approved(entries, "fraud") == "b" * 64
    assert last_approved(entries, "credit") == "c" * 64
    with pytest.raises(ModelUnnamed, match="Bundles of 2 models are approved, fraud, credit, and none was named"):
        last_approved(entries)
    with pytest.raises(NothingApproved, match="No bundle of 'other' is approved"):
        last_approved(entries, "other")
    refuse(ledger, "b" * 64, reason="it is too old", signer=people["val"], at=30)
    assert last_approved(ledger.verified_entries(), "fraud") == "a" * 64
