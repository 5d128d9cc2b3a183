"""Who may approve what, and what stands afterwards."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tallystick.definitions.digest import digest_of
from tallystick.errors import (
    ActorUnknown,
    AlreadyApproved,
    BuilderRefused,
    BundleUnknown,
    EvidenceFailed,
    EvidenceRefused,
    LedgerDamaged,
    ReasonMissing,
    RoleMissing,
)
from tallystick.governance.approvals import Approvals, approve, refuse
from tallystick.governance.releases import record_release
from tallystick.ledger.keys import Keys, Signer
from tallystick.ledger.ledger import Ledger

People = dict[str, Signer]
Evidence = dict[str, Any]


def test_an_approval_stands_in_the_ledger(ledger: Ledger, people: People, bundle: str, evidence: Evidence) -> None:
    """A validator's approval names bundle and evidence by digest, and every reader of the ledger finds it."""
    approval = approve(ledger, bundle, evidence, signer=people["val"], at=20)

    entry = ledger.verified_entries("approved")[0]
    assert entry.facts == {"bundle": bundle, "evidence": digest_of(evidence)}
    assert (approval.actor, approval.at, approval.number) == ("val", 20, entry.number)
    assert Approvals(Ledger.open(ledger.path, ledger.checkpoints.path)).of(bundle) == approval


def test_nothing_is_approved_by_itself(ledger: Ledger, bundle: str) -> None:
    """A released bundle has no approval until somebody gives one, nor has an unknown one."""
    assert Approvals(ledger).of(bundle) is None
    assert Approvals(ledger).of("f" * 64) is None


def test_the_builder_does_not_approve(ledger: Ledger, people: People, bundle: str, evidence: Evidence) -> None:
    """Who released a bundle is refused though also a validator; so is whom the caller knows as its builder."""
    with pytest.raises(BuilderRefused, match="who builds does not approve"):
        approve(ledger, bundle, evidence, signer=people["ada"], at=20)
    with pytest.raises(BuilderRefused):
        approve(ledger, bundle, evidence, signer=people["val"], at=20, builder="val")

    assert Approvals(ledger).of(bundle) is None


@pytest.mark.parametrize("name", ["opa", "nil"])
def test_only_validators_approve(ledger: Ledger, people: People, bundle: str, evidence: Evidence, name: str) -> None:
    """An actor without the role validator neither approves nor refuses."""
    with pytest.raises(RoleMissing, match="may not approve a bundle: that needs the role 'validator'"):
        approve(ledger, bundle, evidence, signer=people[name], at=20)
    with pytest.raises(RoleMissing, match="may not refuse a bundle"):
        refuse(ledger, bundle, reason="no", signer=people[name], at=20)


def test_strangers_do_not_approve(
    ledger: Ledger, bundle: str, evidence: Evidence, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A key that nobody enrolled approves nothing."""
    eve = Keys(tmp_path_factory.mktemp("eve")).create("eve")

    with pytest.raises(ActorUnknown):
        approve(ledger, bundle, evidence, signer=eve, at=20)


def test_failed_evidence_is_not_approved(ledger: Ledger, people: People, evidence: Evidence) -> None:
    """One failed finding refuses the approval, and the sentence says which and why."""
    failed = {"code": "V301", "outcome": "failed", "reason": "average precision 0.41 is below the limit 0.60"}
    evidence["findings"].append(failed)
    record_release(ledger, "b" * 64, digest_of(evidence), signer=people["ada"], at=11)

    with pytest.raises(EvidenceFailed, match="V301: average precision 0.41") as caught:
        approve(ledger, "b" * 64, evidence, signer=people["val"], at=20)

    assert caught.value.failed == [("V301", failed["reason"])]


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (None, "no findings"),
        ([], "no findings"),
        ("passed", "no findings"),
        (["passed"], "finding 1 does not state"),
        ([{"code": "V101", "outcome": "passed"}], "finding 1 does not state"),
        ([{"code": "V101", "outcome": "FAILED", "reason": "x"}], "outcome 'FAILED'"),
        ([{"code": "V101", "outcome": "waived", "reason": "said the builder"}], "outcome 'waived'"),
        ([{"code": "V101", "outcome": "passed", "reason": "x", "value": float("nan")}], "canonical JSON"),
        ([{"code": "V101", "outcome": "passed", "reason": "other evidence"}], "was released with"),
    ],
)
def test_unreadable_or_other_evidence_is_not_approved(
    ledger: Ledger, people: People, bundle: str, findings: Any, words: str
) -> None:
    """Evidence that says nothing, says it unclearly, or is not the release's own carries no approval."""
    with pytest.raises(EvidenceRefused, match=words):
        approve(ledger, bundle, {"findings": findings}, signer=people["val"], at=20)

    assert Approvals(ledger).of(bundle) is None


def test_an_unreleased_bundle_is_not_approved(ledger: Ledger, people: People, bundle: str, evidence: Evidence) -> None:
    """A bundle that the ledger never released is neither approved nor refused; the sentence names the released."""
    with pytest.raises(BundleUnknown, match=f"Released: {bundle[:12]}"):
        approve(ledger, "f" * 64, evidence, signer=people["val"], at=20)
    with pytest.raises(BundleUnknown):
        refuse(ledger, "f" * 64, reason="no", signer=people["val"], at=20)


def test_an_approval_is_given_once(ledger: Ledger, people: People, bundle: str, evidence: Evidence) -> None:
    """While an approval stands, another is refused and names the first."""
    approve(ledger, bundle, evidence, signer=people["val"], at=20)

    with pytest.raises(AlreadyApproved, match="by 'val' in entry 7"):
        approve(ledger, bundle, evidence, signer=people["vic"], at=21)


def test_a_refusal_takes_the_approval_back(ledger: Ledger, people: People, bundle: str, evidence: Evidence) -> None:
    """After a refusal nothing is approved, until a validator approves anew."""
    approve(ledger, bundle, evidence, signer=people["val"], at=20)

    entry = refuse(ledger, bundle, reason=" the reference window is too short ", signer=people["vic"], at=21)

    assert entry.facts == {"bundle": bundle, "reason": "the reference window is too short"}
    assert Approvals(ledger).of(bundle) is None
    assert Approvals(ledger).status(bundle).n_refusals == 1
    assert Approvals(ledger).of(bundle) is None
    assert approve(ledger, bundle, evidence, signer=people["val"], at=22) == Approvals(ledger).of(bundle)


def test_a_refusal_says_why(ledger: Ledger, people: People, bundle: str) -> None:
    """A refusal without a reason is not recorded."""
    with pytest.raises(ReasonMissing):
        refuse(ledger, bundle, reason="  ", signer=people["val"], at=20)

    assert ledger.entries("refused") == []


@pytest.mark.parametrize("name", ["ada", "opa", "nil"])
def test_an_approval_written_around_the_rules_counts_for_nothing(
    ledger: Ledger, people: People, bundle: str, evidence: Evidence, name: str
) -> None:
    """An entry `approved` that a builder or a non-validator signed by hand is no approval."""
    ledger.record("approved", {"bundle": bundle, "evidence": digest_of(evidence)}, people[name], 20)

    assert Approvals(ledger).of(bundle) is None


def test_an_approval_before_the_release_counts_for_nothing(ledger: Ledger, people: People) -> None:
    """An entry `approved` signed by hand before the bundle was released is no approval of it."""
    ledger.record("approved", {"bundle": "b" * 64, "evidence": "e" * 64}, people["val"], 5)
    record_release(ledger, "b" * 64, "e" * 64, signer=people["ada"], at=6)

    assert Approvals(ledger).of("b" * 64) is None


def test_a_changed_ledger_approves_nothing(ledger: Ledger, people: People, bundle: str, evidence: Evidence) -> None:
    """Who opens a ledger of which any byte was changed reads no approval from it, and adds nothing to it."""
    approve(ledger, bundle, evidence, signer=people["val"], at=20)
    with closing(sqlite3.connect(ledger.path)) as prompt, prompt:
        prompt.execute("DROP TRIGGER entries_are_written_once")
        prompt.execute("UPDATE entries SET record = replace(record, 'vic', 'vik')")
    opened = Ledger.open(ledger.path, ledger.checkpoints.path)

    with pytest.raises(LedgerDamaged):
        Approvals(opened).of(bundle)
    with pytest.raises(LedgerDamaged):
        refuse(opened, bundle, reason="no", signer=people["val"], at=21)
