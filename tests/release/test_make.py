"""From a judged candidate to a signed bundle that has proven itself."""

from pathlib import Path

import msgspec
import pytest

from tallystick.data.records import Dataset
from tallystick.features.batch.executor import compute
from tallystick.release.bundle import inspect
from tallystick.release.make import Ingredients, card, release
from tallystick.testing.models import hand_written
from tallystick.testing.world import NOW, World, build
from tallystick.training.candidate import Candidate
from tallystick.training.record import PartRecord


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def candidate(world: World) -> Candidate:
    matrix = compute(world.plan, world.dataset)
    spine = world.dataset.records["payments"]
    made = hand_written(world.model, matrix, world.dataset, builder="ada", at=NOW)
    test = PartRecord("test", int(spine.time[0]), int(spine.time[-1]) + 1, NOW, len(spine), 0)
    record = msgspec.structs.replace(made.record, parts=(test,))
    return Candidate(record, made.model, made.background, made.reference)


def ingredients(world: World, candidate: Candidate, dataset: Dataset | None = None) -> Ingredients:
    finding = {"code": "V101", "outcome": "passed", "reason": "the world is small"}
    evidence = {"candidate": candidate.digest, "findings": [finding]}
    return Ingredients(world.model, world.plan, candidate, evidence, dataset or world.dataset)


def test_a_bundle_opens_as_it_was_made(tmp_path: Path, world: World, candidate: Candidate) -> None:
    """What is released is signed by its builder, names what it is made of, and passes its own self-test."""
    signer = world.keys.load("ada")

    bundle = release(ingredients(world, candidate), tmp_path, signer=signer, at=NOW)

    assert bundle.signed_by == signer.public_pem
    assert (bundle.manifest.builder, bundle.manifest.candidate) == ("ada", candidate.digest)
    assert bundle.plan.digest == world.plan.digest
    assert inspect(tmp_path / bundle.digest).is_signed


def test_the_same_ingredients_make_the_same_bundle(tmp_path: Path, world: World, candidate: Candidate) -> None:
    """A bundle's digest holds its content, not when or where its signature was made."""
    signer = world.keys.load("ada")

    one = release(ingredients(world, candidate), tmp_path / "a", signer=signer, at=NOW)
    other = release(ingredients(world, candidate), tmp_path / "b", signer=signer, at=NOW)

    assert one.digest == other.digest


def test_the_card_says_what_the_record_says(candidate: Candidate) -> None:
    """The card for people repeats the record's numbers, none of its own."""
    noted = card(candidate)

    assert noted["features"] == list(candidate.record.names)
    assert noted["test"]["auc"] == candidate.record.metrics["test"].auc
