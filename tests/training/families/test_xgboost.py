"""XGBoost's trees as a model file: its own leaf in every tree, its own sum but for rounding, and exact reasons."""

import json
from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

import tallystick as ts
from tallystick.errors import ExportRefused, FitFailed
from tallystick.scoring.boundary import cast
from tallystick.scoring.graph import Calibration
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.session import Session
from tallystick.training.candidate import open_candidate
from tallystick.training.families import xgboost as family
from tallystick.training.families.registry import trainer
from tallystick.training.families.xgboost import FittedXGBoost, forest_of
from tallystick.training.fit import train

K = 8
NAMES = [f"feature_{i}" for i in range(K)]
Doubles = NDArray[np.float64]


def some_rows(n: int, seed: int) -> Doubles:
    """Amounts with cents, small counts, flags, values of both signs and zeros, a tenth of the first five missing."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, K))
    rows[:, 0] = np.round(np.exp(3 * rows[:, 0]), 2)
    rows[:, 1] = random.poisson(3, n)
    rows[:, 2] = random.random(n) < 0.3
    rows[::2, 5] = 0.0
    rows[:, :5][random.random((n, 5)) < 0.1] = np.nan
    return cast(rows)


def labels_of(rows: Doubles) -> NDArray[np.int8]:
    """Flag by a noisy rule, about one in ten."""
    noise = np.random.default_rng(7).normal(size=len(rows))
    odds = np.nan_to_num(rows[:, 0]) * 0.05 + np.nan_to_num(rows[:, 3]) - rows[:, 5] + noise
    return (odds > 2.5).astype(np.int8)


def fit(rows: Doubles, **params: Any) -> Any:
    """Fit the family's defaults, but for some."""
    made = trainer(ts.XGBoost())
    return made.fit(rows, labels_of(rows), made.defaults | params, seed=1)


def plain_of(booster: Any) -> dict[str, Any]:
    """Return what a booster says of itself."""
    return dict(json.loads(bytes(booster.save_raw("json"))))


@pytest.fixture(scope="module")
def fitted() -> FittedXGBoost:
    """Return 120 trees of 20 leaves."""
    found: FittedXGBoost = fit(some_rows(12_000, seed=1), trees=120, leaves=20, min_child_weight=0.5)
    return found


def adversarial(booster: Any, n: int) -> Doubles:
    """Rows of thresholds, their neighbours either way in float32, zeros of both signs, denormals, extremes, missing."""
    random, single = np.random.default_rng(3), np.float32
    rows = some_rows(n, seed=4)
    trees = plain_of(booster)["learner"]["gradient_booster"]["model"]["trees"]
    odd = [0.0, -0.0, 1e-35, -1e-35, 1e-40, -1e-40, 1.4e-45, -1.4e-45, 3.4e38, -3.4e38, np.nan]
    for feature in range(K):
        on = [t["split_conditions"][i] for t in trees for i in range(len(t["left_children"]))
              if t["left_children"][i] >= 0 and t["split_indices"][i] == feature]  # fmt: skip
        near = np.array(on, dtype=single)
        pool = np.concatenate([near, *(np.nextafter(near, single(end)) for end in (-np.inf, np.inf)), np.array(odd)])
        at = random.random(n) < 0.7
        rows[at, feature] = random.choice(pool, int(at.sum()))
    return rows.astype(single).astype(np.float64)  # as the boundary, but zeros keep their signs


def test_every_row_reaches_xgboosts_leaf_in_every_tree(fitted: FittedXGBoost) -> None:
    """On 50,000 rows, two fifths of them adversarial, all leaves are equal and the float32 sum is within its bound."""
    rows = np.concatenate([some_rows(30_000, seed=2), adversarial(fitted.booster, 20_000)])
    model = fitted.export(Calibration(1.25, -0.5), NAMES)

    raw, _ = Session.load(model).many(rows)

    proof = fitted.prove(rows, raw, model)
    assert proof.holds, proof.sentence
    assert (proof.standard, proof.n_rows, proof.n_equal) == ("leaves", 50_000, 50_000)
    assert 0.0 < proof.largest < 1e-5
    np.testing.assert_array_equal(raw, fitted.raw(rows))


def test_leaves_added_in_float32_are_xgboosts_own_score(fitted: FittedXGBoost) -> None:
    """The constant first and then tree by tree, in float32, gives XGBoost's bits: values and constant are its own."""
    rows = adversarial(fitted.booster, 10_000)
    weights = fitted.forest.weights.astype(np.float32)

    total = np.zeros(len(rows), dtype=np.float32)
    for leaves in fitted.forest.leaf_indices(rows).T:
        total += weights[leaves]

    np.testing.assert_array_equal(weights.astype(np.float64), fitted.forest.weights)
    np.testing.assert_array_equal(total, fitted.booster.predict(xgboost.DMatrix(rows, nthread=1), output_margin=True))


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.0007])
def test_the_constant_is_the_score_of_no_trees(share: float) -> None:
    """Whatever share of rows is flagged, the first leaf is the log-odds that XGBoost starts from, to the bit."""
    rows = some_rows(10_000, seed=1)
    labels = (np.random.default_rng(2).random(len(rows)) < share).astype(np.int8)
    made = trainer(ts.XGBoost())

    found: Any = made.fit(rows, labels, made.defaults | {"trees": 1, "min_child_weight": 1e6}, seed=0)

    score = found.booster.predict(xgboost.DMatrix(rows[:1], nthread=1), output_margin=True)[0]
    assert np.float32(found.forest.weights[0]) + np.float32(found.forest.weights[1]) == score
    assert found.forest.weights[0] == pytest.approx(np.log(labels.mean() / (1 - labels.mean())), abs=0.05)


def test_a_moved_threshold_is_no_proof(fitted: FittedXGBoost) -> None:
    """Thresholds taken as they stand, ``<=`` for ``<``, are found out by rows that lie on them."""
    rows = adversarial(fitted.booster, 2_000)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(family, "below", float)
        model = FittedXGBoost.of(fitted.booster).export(Calibration(), NAMES)

    raw, _ = Session.load(model).many(rows)

    proof = fitted.prove(rows, raw, model)
    assert not proof.holds
    assert 0 < proof.n_equal < len(rows)


def test_threads_do_not_change_the_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees are the same, byte for byte, on one thread and on three."""
    rows = some_rows(5_000, seed=1)
    files = set()
    for threads in (1, 3):
        monkeypatch.setattr(family, "THREADS", threads)
        files.add(fit(rows, trees=20, feature_fraction=0.6).export(Calibration(), NAMES))

    assert len(files) == 1


def test_reasons_are_those_of_full_enumeration() -> None:
    """Every coalition and every background row, scored by XGBoost's own leaves, give the same Shapley values."""
    rows = some_rows(4_000, seed=1)[:, [0, 2, 3, 5]]
    made = trainer(ts.XGBoost())
    labels = (np.nan_to_num(rows[:, 0]) * 0.05 + np.nan_to_num(rows[:, 2]) - rows[:, 3] > 1.5).astype(np.int8)
    fitted = made.fit(rows, labels, made.defaults | {"trees": 30, "min_child_weight": 0.5}, seed=0)
    background, probes = rows[:40], rows[100:120]
    reasons = Reasons.from_model(fitted.export(Calibration(), NAMES[:4]), background)

    found = np.array([reasons.explain(row) for row in probes])

    def worth(row: Doubles, coalition: tuple[int, ...]) -> float:
        mixed = background.copy()
        mixed[:, list(coalition)] = row[list(coalition)]
        return float(fitted.raw(mixed).mean())

    expected = [
        [
            sum(
                factorial(n) * factorial(3 - n) / factorial(4) * (worth(row, (*some, i)) - worth(row, some))
                for n in range(4)
                for some in combinations([j for j in range(4) if j != i], n)
            )
            for i in range(4)
        ]
        for row in probes
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert reasons.base == pytest.approx(fitted.raw(background).mean(), abs=1e-12)


def test_a_candidate_carries_its_proof(world: Any, make_model: Any, tmp_path: Path) -> None:
    """Trained from end to end, a candidate says that it was proven leaf by leaf, and opens as it was saved."""
    model = make_model(candidates=[ts.XGBoost(max_trees=20, max_leaves=8)], search=ts.Search(trials=3))

    candidate = train(model, world.table, world.facts, builder="ada", at=0)[0].candidate

    record = open_candidate(candidate.save(tmp_path)).record
    assert record == candidate.record
    assert (record.family, record.parity.standard, record.parity.n_equal) == ("xgboost", "leaves", len(world.table))
    assert set(record.libraries) & {"xgboost", "xgboost-cpu"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"objective": "reg:squarederror"}, "no log-odds"),
        ({"objective": "multi:softprob", "num_class": 2}, "no log-odds"),
        ({"booster": "dart", "rate_drop": 0.5, "one_drop": 1}, "no plain sum of trees"),
        ({"booster": "gblinear", "tree_method": "auto"}, "no plain sum of trees"),
    ],
)
def test_what_cannot_be_written_is_refused(settings: dict[str, Any], named: str) -> None:
    """A booster that a plain sum of numeric trees cannot say is refused by a sentence."""
    rows = some_rows(1_000, seed=1)
    given = {"objective": "binary:logistic", "nthread": 1, "tree_method": "hist"} | settings
    booster = xgboost.train(given, xgboost.DMatrix(rows, labels_of(rows), nthread=1), 3)

    with pytest.raises(ExportRefused, match=named):
        forest_of(plain_of(booster), base=0.0)


def test_categories_are_refused() -> None:
    """A split on a set of categories is not written as a comparison."""
    rows = np.nan_to_num(np.abs(some_rows(2_000, seed=1)))
    rows[:, 3] = rows[:, 3].round()
    kinds = ["c" if i == 3 else "q" for i in range(K)]
    data = xgboost.DMatrix(rows, rows[:, 3] % 2, nthread=1, feature_types=kinds, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_cat_to_onehot": 1}, data, 3)

    with pytest.raises(ExportRefused, match="categories"):
        forest_of(plain_of(booster), base=0.0)


def test_rows_that_xgboost_refuses_are_a_sentence() -> None:
    """What XGBoost says of settings it cannot use becomes the family's refusal."""
    with pytest.raises(FitFailed, match="xgboost could not be fitted"):
        fit(some_rows(100, seed=1), learning_rate=-1.0)
