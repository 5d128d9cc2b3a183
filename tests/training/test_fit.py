"""Training from end to end on a small world."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import tallystick as ts
from tallystick.errors import (
    CandidateDamaged,
    CandidateFormatUnknown,
    CandidateMissing,
    ParityBroken,
    RowsMismatched,
    TableOfOtherData,
    TableOfOtherPlan,
)
from tallystick.features.plan import Plan
from tallystick.scoring.session import Session
from tallystick.training import fit
from tallystick.training.candidate import FILES, Candidate, open_candidate
from tallystick.training.facts import RowFacts
from tallystick.training.families.logistic_regression import FittedLinear
from tallystick.training.fit import Trained, train


@pytest.fixture(scope="module")
def trained(world: Any) -> list[Trained]:
    """Return both candidates of the small world."""
    return train(world.model, world.table, world.facts, builder="ada", at=1_000)


def test_one_candidate_per_family_best_first(trained: list[Trained]) -> None:
    """Each family gives one candidate, ordered by what it reached on the validate part."""
    records = [made.candidate.record for made in trained]

    assert {record.family for record in records} == {"logistic_regression", "gradient_boosting"}
    best = [max(t.metric or 0 for t in r.trials if t.family == r.family) for r in records]
    assert best == sorted(best, reverse=True)
    assert all(record.metrics["test"].auc > 0.7 for record in records)


def test_two_candidates_of_one_family(world: Any, make_model: Any) -> None:
    """One family may stand twice among the candidates, with other caps, and both are made."""
    small, large = (ts.GradientBoosting(max_trees=trees, max_leaves=4) for trees in (5, 30))
    twice = make_model(candidates=[small, large], search=ts.Search(trials=6))

    made = train(twice, world.table, world.facts, builder="ada", at=0)

    assert len({each.candidate.digest for each in made}) == 2


def test_the_record_says_it_all(trained: list[Trained], world: Any) -> None:
    """The record names builder, instants, digests, rows, every trial, versions and the parity proof."""
    record = trained[0].candidate.record

    assert (record.builder, record.created_at, record.dataset) == ("ada", 1_000, "f" * 64)
    plan = Plan(world.model.features, tuple(found.source for found in world.dataset.records.values()))
    assert (record.model, record.features) == (world.model.digest, plan.digest)
    assert [part.name for part in record.parts] == ["train", "validate", "fit", "test"]
    assert all(0 < part.n_positives < part.n_rows for part in record.parts)
    assert len(record.trials) == 8
    assert record.parity.n_rows == len(world.table)
    assert record.parity.largest <= 1e-9
    assert {"onnx", "onnxruntime", "numpy", "optuna"} < set(record.libraries)


def test_parts_do_not_touch(trained: list[Trained], world: Any) -> None:
    """Between the rows a model learnt from and those that test it lies at least the gap."""
    made = trained[0]
    last, first = world.table.time[made.fit.rows].max(), world.table.time[made.test.rows].min()

    assert first - last >= world.model.split.gap_us


def test_the_scores_are_the_files(trained: list[Trained], world: Any) -> None:
    """Scores handed to validation are those the model file gives, bit for bit."""
    made = trained[0]
    rows = made.test.rows[:50]

    raw, scores = Session.load(made.candidate.model).many(world.table.values[rows])

    assert raw.tolist() == made.test.raw[:50].tolist()
    assert scores.tolist() == made.test.scores[:50].tolist()


def test_many_rows_are_drawn_for_scoring(world: Any, make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many rows learnt from, some are scored, each once, and the record still counts all."""
    monkeypatch.setattr(fit, "FIT_ROWS", 500)
    quick = make_model(candidates=world.model.candidates[:1])

    made = train(quick, world.table, world.facts, builder="ada", at=0)[0]

    assert len(made.fit.rows) == len(np.unique(made.fit.rows)) == 500
    assert made.candidate.record.part("fit").n_rows > 1_000


def test_the_reference_counts_the_test_part(trained: list[Trained], world: Any) -> None:
    """The reference holds every test score once, and the bad rate is that of the allowed."""
    made = trained[0]
    reference = made.candidate.reference
    amount = world.dataset.records["payments"].values["amount"].values[made.test.rows] / 100
    is_allowed = made.test.scores <= 5.0 / (5.0 + amount)

    assert reference.scores.n == len(made.test.rows)
    assert reference.bad.n_allowed == int(is_allowed.sum())
    assert reference.bad.n_bad == int(made.test.labels[is_allowed].sum())


def test_the_background_is_of_allowed_rows(trained: list[Trained]) -> None:
    """The background has as many rows as asked for, or all allowed ones, through the model's boundary."""
    background = trained[0].candidate.background

    assert background.dtype == np.float64
    assert 500 < len(background) <= 1_000
    assert np.array_equal(background.astype(np.float32), background, equal_nan=True)


def test_training_twice_gives_the_same_models(trained: list[Trained], world: Any) -> None:
    """The same data, definition and seed give the same model files, byte for byte."""
    repeated = train(world.model, world.table, world.facts, builder="ada", at=1_000)

    assert [made.candidate.model for made in repeated] == [made.candidate.model for made in trained]
    assert [made.candidate.record.files for made in repeated] == [made.candidate.record.files for made in trained]


def test_excluded_rows_are_in_no_part(world: Any, make_model: Any) -> None:
    """Rows that can have no label are neither learnt from nor counted."""
    quick = make_model(candidates=world.model.candidates[:1])
    exclude = np.arange(len(world.table)) % 3 == 0

    made = train(quick, world.table, world.facts, builder="ada", at=0, exclude=exclude)[0]

    assert not exclude[made.fit.rows].any()
    assert not exclude[made.test.rows].any()


def test_part_of_the_spine_will_do(world: Any, make_model: Any) -> None:
    """A table of some records only finds their labels and amounts by their sequence."""
    quick = make_model(candidates=world.model.candidates[:1])
    some = np.flatnonzero(np.arange(len(world.table)) % 2 == 1)
    half = world.table.taken(some)
    plan = Plan(quick.features, tuple(found.source for found in world.dataset.records.values()))

    made = train(quick, half, RowFacts.of(quick, plan, half, world.dataset), builder="ada", at=0)[0]

    assert made.test.labels.tolist() == world.is_fraud[some][made.test.rows].tolist()


def test_wrong_lengths_and_columns_are_sentences(world: Any) -> None:
    """An exclusion of another length, and a table of other features or of other records, are refused."""
    with pytest.raises(RowsMismatched, match="exclude has 3 rows"):
        train(world.model, world.table, world.facts, builder="a", at=0, exclude=np.zeros(3, dtype=np.bool_))
    meanings = {name: digest for name, digest in world.table.origin.meanings.items() if name != "n_7d"}
    foreign = replace(world.table, origin=replace(world.table.origin, plan="0" * 64, meanings=meanings | {"n_9d": ""}))
    with pytest.raises(TableOfOtherPlan, match="These differ: n_7d, n_9d"):
        train(world.model, foreign, world.facts, builder="a", at=0)
    foreign = replace(world.table, origin=replace(world.table.origin, data="0" * 64))
    with pytest.raises(TableOfOtherData, match="from the data 000000000000"):
        train(world.model, foreign, world.facts, builder="a", at=0)


def test_a_file_that_scores_otherwise_is_refused(world: Any, make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the model file's raw scores differ from the framework's, there is no candidate."""
    quick = make_model(candidates=world.model.candidates[:1])
    raw = FittedLinear.raw
    monkeypatch.setattr(FittedLinear, "raw", lambda self, features: raw(self, features) + 1e-6)

    with pytest.raises(ParityBroken, match="The candidate is refused"):
        train(quick, world.table, world.facts, builder="a", at=0)


def test_a_candidate_is_saved_whole_and_opened_again(trained: list[Trained], tmp_path: Path) -> None:
    """A saved candidate lies under its digest, leaves nothing beside it, and opens as it was."""
    candidate = trained[0].candidate

    folder = candidate.save(tmp_path)
    opened = open_candidate(folder)

    assert [path.name for path in tmp_path.iterdir()] == [candidate.digest]
    assert sorted(path.name for path in folder.iterdir()) == [
        "background.npy",
        "candidate.json",
        "definition.json",
        "examples.json",
        "model.onnx",
        "plan.json",
        "reference.json",
    ]
    assert (opened.record, opened.model, opened.reference) == (candidate.record, candidate.model, candidate.reference)
    assert (opened.definition.digest, opened.plan.digest) == (candidate.record.model, candidate.record.features)
    assert opened.examples == candidate.examples
    assert np.array_equal(opened.background, candidate.background, equal_nan=True)
    assert opened.digest == candidate.digest
    assert candidate.save(tmp_path) == folder


def test_an_interrupted_save_leaves_nothing(
    trained: list[Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while writing leaves neither a candidate nor a piece of one."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tallystick.durable.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        trained[0].candidate.save(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["candidate.json", *FILES])
def test_one_changed_byte_is_found(trained: list[Trained], tmp_path: Path, name: str) -> None:
    """A single changed byte in any file refuses the candidate."""
    path = trained[0].candidate.save(tmp_path) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(CandidateDamaged, match="is damaged"):
        open_candidate(path.parent)


def test_a_candidate_of_another_format_is_refused(trained: list[Trained], tmp_path: Path) -> None:
    """A number that no reader knows is refused by a sentence that names those that are known."""
    made = trained[0].candidate
    later = Candidate(msgspec.structs.replace(made.record, format=2), made.parts)

    with pytest.raises(CandidateFormatUnknown, match="has format 2, and this version opens 1"):
        open_candidate(later.save(tmp_path))


def test_a_candidate_with_another_definition_is_refused(
    trained: list[Trained], make_model: Any, tmp_path: Path
) -> None:
    """A definition that the record does not name was not the one it was trained under, whatever its file's digest."""
    made = trained[0].candidate
    parts = replace(made.parts, definition=make_model(policy=ts.Policy(decline=ts.above(0.999))))
    forged = Candidate(msgspec.structs.replace(made.record, files=parts.digests()), parts)

    with pytest.raises(CandidateDamaged, match=r"definition\.json or plan\.json has not the digest"):
        open_candidate(forged.save(tmp_path))


def test_the_record_counts_what_the_policy_would_have_done(trained: list[Trained], world: Any) -> None:
    """Of each action the test rows, the bad ones among them, and what missing them would cost, in euros."""
    made = trained[0]
    amount = world.dataset.records["payments"].values["amount"].values[made.test.rows] / 100
    is_declined, is_bad = made.test.scores > 5.0 / (5.0 + amount), made.test.labels == 1

    approve, refer, decline = made.candidate.record.actions

    assert (approve.action, refer.action, decline.action) == ("approve", "refer", "decline")
    assert (approve.n_rows, refer.n_rows, decline.n_rows) == ((~is_declined).sum(), 0, is_declined.sum())
    assert (approve.n_bad, decline.n_bad) == ((~is_declined & is_bad).sum(), (is_declined & is_bad).sum())
    assert decline.amount == pytest.approx(amount[is_declined].sum())
    assert decline.bad_amount == pytest.approx(amount[is_declined & is_bad].sum())


def test_missing_and_extra_files_are_found(trained: list[Trained], tmp_path: Path) -> None:
    """A folder that lacks a file is no candidate, and one with another file is not the one written."""
    folder = trained[0].candidate.save(tmp_path)
    (folder / "extra.pkl").write_bytes(b"")
    with pytest.raises(CandidateDamaged, match=r"extra\.pkl"):
        open_candidate(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(CandidateMissing, match=r"model\.onnx"):
        open_candidate(folder)
