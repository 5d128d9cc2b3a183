"""From a judged candidate to a signed bundle that has proven itself."""

from pathlib import Path

import pytest

from tallystick.features.batch.executor import compute
from tallystick.release.bundle import inspect
from tallystick.release.make import card, release
from tallystick.testing.models import hand_written, sound_evidence
from tallystick.testing.world import NOW, World, build
from tallystick.training.candidate import Candidate
from tallystick.validation.evidence import Evidence


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def candidate(world: World) -> Candidate:
    return hand_written(world.model, compute(world.plan, world.dataset), world.dataset, builder="ada", at=NOW)


@pytest.fixture(scope="module")
def evidence(candidate: Candidate) -> Evidence:
    return sound_evidence(candidate, at=NOW)


def test_a_bundle_opens_as_it_was_made(tmp_path: Path, world: World, candidate: Candidate, evidence: Evidence) -> None:
    """What is released is signed by its builder, names what it is made of, and passes its own self-test."""
    signer = world.keys.load("ada")

    bundle = release(candidate, evidence, tmp_path, signer=signer, at=NOW)

    assert bundle.signed_by == signer.public_pem
    assert (bundle.manifest.builder, bundle.manifest.candidate) == ("ada", candidate.digest)
    assert (bundle.plan.digest, bundle.definition.digest) == (world.plan.digest, world.model.digest)
    assert bundle.evidence == evidence
    assert inspect(tmp_path / bundle.digest).is_signed


def test_the_same_candidate_makes_the_same_bundle(
    tmp_path: Path, world: World, candidate: Candidate, evidence: Evidence
) -> None:
    """A bundle's digest holds its content, not when or where its signature was made."""
    signer = world.keys.load("ada")

    one = release(candidate, evidence, tmp_path / "a", signer=signer, at=NOW)
    other = release(candidate, evidence, tmp_path / "b", signer=signer, at=NOW)

    assert one.digest == other.digest


def test_the_card_says_what_the_record_says(candidate: Candidate) -> None:
    """The card for people repeats the record's numbers, none of its own."""
    noted = card(candidate)

    assert noted["features"] == list(candidate.record.names)
    assert noted["test"]["auc"] == candidate.record.metrics["test"].auc
