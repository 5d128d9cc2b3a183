"""The review: what a validator sees of the trainings before, from the ledger alone."""

from typing import Any

import msgspec
import pytest

import tallystick as ts
from tallystick.definitions.changes import changes
from tallystick.definitions.models import ModelDefinition
from tallystick.features.batch.executor import compute
from tallystick.governance.approvals import approve
from tallystick.governance.releases import record_release
from tallystick.governance.review import Review, review
from tallystick.governance.trainings import CHECKED, TRAINED, checked_facts, trained_facts, trainings
from tallystick.ledger.keys import Signer
from tallystick.ledger.ledger import Ledger
from tallystick.testing.models import hand_written, sound_evidence
from tallystick.testing.world import World, build
from tallystick.training.candidate import Candidate
from tallystick.validation.evidence import Evidence
from tallystick.validation.finding import Finding, Outcome

LENIENT = ts.Policy(decline=ts.above(0.999))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("world"))


class Team:
    """A builder who trains, releases and gets approved, as fast as entries can be written."""

    def __init__(self, small: World, ledger: Ledger, people: dict[str, Signer]) -> None:
        self.small, self.ledger, self.people = small, ledger, people
        self.matrix = compute(small.plan, small.dataset)

    def train(self, *, failing: str = "", **changes: Any) -> tuple[Candidate, Evidence]:
        """Train one candidate under the world's definition with some changes, and check it."""
        at, definition = len(self.ledger.entries()), msgspec.structs.replace(self.small.model, **changes)
        candidate = hand_written(definition, self.matrix, self.small.dataset, builder="ada", at=at)
        evidence = sound_evidence(candidate, at=at)
        if failing:
            finding = Finding(failing, Outcome.FAILED, "auc is 0.71 on 9 test rows; the project demands 0.75")
            evidence = msgspec.structs.replace(evidence, findings=(*evidence.findings, finding))
        ada = self.people["ada"]
        self.ledger.record(TRAINED, trained_facts(candidate, training=at), ada, at)
        self.ledger.record(CHECKED, checked_facts(evidence), ada, at)
        return candidate, evidence

    def approve(self, candidate: Candidate, evidence: Evidence) -> str:
        """Release a candidate, and let a validator approve it; return the bundle's digest."""
        digest = candidate.digest[::-1]
        facts = {"candidate": candidate.digest, "model": candidate.record.name}
        record_release(self.ledger, digest, evidence.digest, signer=self.people["ada"], at=50, facts=facts)
        approve(self.ledger, digest, evidence.to_plain(), signer=self.people["val"], at=60)
        return digest

    def review(self, candidate: Candidate, bundle: str | None = None) -> Review:
        """Return the review of a candidate."""
        entries = self.ledger.verified_entries()
        return review(entries, candidate.digest, candidate.record, candidate.definition, bundle=bundle)


@pytest.fixture
def team(small: World, ledger: Ledger, people: dict[str, Signer]) -> Team:
    return Team(small, ledger, people)


def limited(at_least: float) -> tuple[Any, ...]:
    """Return one limit on AUC."""
    return (ts.limit.auc(at_least=at_least),)


def test_a_first_training_has_nothing_before_it(team: Team, small: World) -> None:
    """Policy and limits in words, what would have been done, and that nothing was approved before."""
    made, _ = team.train(limits=limited(0.7))

    found = team.review(made)

    assert found.policy[-1] == "approve the rest"
    assert found.limits == ("AUC at least 0.7",)
    assert sum(action.n_rows for action in found.actions) == len(team.matrix)
    assert (found.approved, found.failed, found.loosened, found.changes) == (None, (), (), ())
    assert found.is_recorded
    assert len(found.steps) == 1


def test_failures_and_the_limit_they_failed_are_seen(team: Team) -> None:
    """Three trainings failed the limit of 0.75, and the fourth passed since it is 0.7 now: both are said."""
    for _ in range(3):
        team.train(limits=limited(0.75), failing="V902")
    made, _ = team.train(limits=limited(0.7))

    found = team.review(made)

    assert str(found.failed[0]).startswith(
        "V902 failed in 3 trainings before this one, for 3 candidates; the last time"
    )
    assert [str(each) for each in found.loosened] == [
        f"entry {found.steps[2].training.entry} demanded AUC at least 0.75; now it is AUC at least 0.7"
    ]
    assert [[change.part for change in step.changes] for step in found.steps] == [[], [], [], ["limits"]]


def test_the_report_says_what_speaks_against_it(team: Team) -> None:
    """A reader finds failures, loosened limits, an unknown candidate and every training; the first one has none."""
    first, _ = team.train(limits=limited(0.75), failing="V902")
    made, _ = team.train(limits=limited(0.7))

    report, alone = str(team.review(made)), str(team.review(first))

    assert "V902 failed in 1 training before this one" in report
    assert "demanded AUC at least 0.75; now it is AUC at least 0.7" in " ".join(report.split())
    assert "Trainings since" in report
    assert not any(head in alone for head in ("What speaks against it", "Trainings since"))
    unknown = msgspec.structs.replace(team.review(first), is_recorded=False)
    assert "The ledger has no training and checks of this candidate." in str(unknown)


def test_a_limit_that_was_removed_is_seen(team: Team) -> None:
    """No limit is lower than any."""
    team.train(limits=limited(0.75), failing="V902")
    made, _ = team.train(limits=())

    assert "now there is no such limit" in str(team.review(made).loosened[0])


def test_what_was_approved_is_the_measure(team: Team) -> None:
    """After an approval its definition is what is compared with, and earlier failures are no longer told."""
    team.train(limits=limited(0.9), failing="V902")
    sound = team.train(limits=limited(0.75))
    bundle = team.approve(*sound)
    made, _ = team.train(limits=limited(0.7), policy=LENIENT)

    found = team.review(made)

    assert found.approved is not None
    assert (found.approved.bundle, found.approved.approver) == (bundle, "val")
    assert [change.part for change in found.changes] == ["policy", "limits"]
    assert "decline where the score is above 0.999" in str(found.changes[0])
    assert found.failed == ()
    assert "demanded AUC at least 0.75" in str(found.loosened[0])


def test_trainings_before_the_approval_and_after_its_training_are_told(team: Team) -> None:
    """Who trains between a training and its approval cannot hide what failed there."""
    sound = team.train()
    team.train(failing="V301")
    team.approve(*sound)
    made, _ = team.train()

    assert [each.code for each in team.review(made).failed] == ["V301"]


def test_an_approval_around_the_rules_hides_nothing(team: Team) -> None:
    """An entry that says approved, written by the builder, is none: what failed before it is told all the same."""
    made, evidence = team.train()
    digest, ada = made.digest[::-1], team.people["ada"]
    record_release(
        team.ledger,
        digest,
        evidence.digest,
        signer=ada,
        at=9,
        facts={"candidate": made.digest, "model": made.record.name},
    )
    team.train(failing="V301")
    team.ledger.record("approved", {"bundle": digest, "evidence": evidence.digest}, ada, 10)

    later, _ = team.train()

    found = team.review(later)
    assert (found.approved, [each.code for each in found.failed]) == (None, ["V301"])


def test_an_approved_bundle_is_not_its_own_measure(team: Team) -> None:
    """Shown after its approval, a bundle is still compared with the one before it."""
    first = team.approve(*team.train())
    made, evidence = team.train(policy=LENIENT)
    own = team.approve(made, evidence)

    found = team.review(made, own)

    assert found.approved is not None
    assert found.approved.bundle == first
    assert [change.part for change in found.changes] == ["policy"]


def test_a_candidate_that_the_ledger_does_not_know_is_called_so(team: Team, small: World) -> None:
    """A candidate of another folder, without training and checks in this ledger, is not recorded."""
    made = hand_written(small.model, team.matrix, small.dataset, builder="ada", at=99)
    team.train()

    assert not team.review(made).is_recorded


def test_another_models_trainings_are_no_concern(team: Team) -> None:
    """Trainings are a model's own."""
    team.train(name="other", failing="V301")
    made, _ = team.train()

    assert team.review(made).failed == ()


def test_an_entry_that_says_nothing_useful_is_left_out(team: Team, small: World) -> None:
    """Whoever writes a training by hand, without limits or parts, breaks no review."""
    team.ledger.record(TRAINED, {"candidate": "c", "name": small.model.name}, team.people["ada"], 1)
    team.ledger.record(CHECKED, {"candidate": "c", "failed": 3}, team.people["ada"], 1)
    made, _ = team.train()

    assert [each.candidates for each in trainings(team.ledger.entries(), small.model.name)] == [(made.digest,)]


def test_a_definition_is_compared_part_by_part(small: World) -> None:
    """Each part that changed is named once, with words where it has them."""
    before: ModelDefinition = small.model
    after = msgspec.structs.replace(before, policy=LENIENT, search=ts.Search(trials=3))

    found = changes(before, after)

    assert [change.part for change in found] == ["search", "policy"]
    assert str(found[0]) == "search: another one than before"
