"""A small world for validation: its matrix is made by the real executor, its candidate by the real training."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import tallystick as ts
from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Records
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.table import FeatureTable
from tallystick.training.facts import RowFacts
from tallystick.training.fit import Scored, Trained, train
from tallystick.validation.check import Question

DAY = 86_400_000_000

payments = ts.Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
chargebacks = ts.Stream("chargebacks", id="report_id", time="reported_at", fields={"payment_id": ts.key})
fraud = payments.flagged_by(chargebacks, on="payment_id")
customer, terminal = payments.by("customer_id"), payments.by("terminal_id")


class CardFraud(ts.FeatureSet, spine=payments):
    """Features of both entities, with a label among them."""

    amount = payments.amount
    half = payments.amount / 2
    n = customer.count().over("1d", "7d")
    spend = customer.mean(payments.amount).over("7d")
    risk = terminal.mean(fraud).over("7d", delay="1d")


MODEL = ts.Model(
    "card-fraud",
    features=CardFraud,
    label=ts.Label(fraud, matures_after="7d"),
    split=ts.TimeSplit(train="14d", gap="5d", validate="10d", test="10d"),
    candidates=[ts.LogisticRegression()],
    search=ts.Search(trials=3, seed=3),
    policy=ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount)),
    limits=[ts.limit.average_precision(at_least=0.1)],
).definition


@dataclass(frozen=True)
class World:
    """Everything that was made, and the question about it.

    ``leaking`` is the matrix of the same records by somebody who counts reports two days before they came.
    """

    dataset: Dataset
    plan: Plan
    trained: Trained
    question: Question
    leaking: FeatureTable


@pytest.fixture(scope="session")
def world() -> World:
    """Return sixty days of payments at terminals some of which are often abused, and a linear candidate."""
    dataset = _dataset(np.random.default_rng(11), n=5_000)
    plan = Plan(CardFraud.definition, (payments.definition, chargebacks.definition))
    matrix = batch.compute(plan, dataset)
    trained = train(MODEL, matrix, RowFacts.of(MODEL, plan, matrix, dataset), builder="ada", at=1_000)[0]
    reports = dataset.records["chargebacks"]
    early = replace(reports, time=reports.time - 2 * DAY)
    as_of = np.full(len(matrix), dataset.last_position)
    leaking = batch.compute(plan, replace(dataset, records=dataset.records | {"chargebacks": early}), as_of=as_of)
    question = Question.about(trained, model=MODEL, dataset=dataset, table=matrix)
    return World(dataset, plan, trained, question, leaking)


@pytest.fixture(scope="session")
def question(world: World) -> Question:
    """Return the question about the candidate of the small world."""
    return world.question


@pytest.fixture(scope="session")
def requested(question: Question) -> Callable[..., Question]:
    """Return a maker of questions whose test or fit rows have other labels and scores."""

    def with_scores(part: str, labels: Any, scores: Any) -> Question:
        known, values = np.asarray(labels, dtype=np.int8), np.asarray(scores, dtype=np.float64)
        scored = Scored(np.arange(len(known)), known, values, values)
        return replace(question, fit=scored) if part == "fit" else replace(question, test=scored)

    return with_scores


def _dataset(rng: np.random.Generator, *, n: int) -> Dataset:
    paid_at = np.sort(rng.integers(0, 60 * DAY, n))
    terminals = rng.integers(0, 60, n)
    is_fraud = rng.random(n) < np.where(terminals < 6, 0.3, 0.02)
    cents = rng.integers(100, 20_000, n) * np.where(is_fraud, 2, 1)
    flagged = np.flatnonzero(is_fraud)
    reported_at = paid_at[flagged] + rng.integers(1 * DAY, 4 * DAY, len(flagged))
    order = np.argsort(reported_at, kind="stable")
    flagged, reported_at = flagged[order], reported_at[order]
    arrival = np.argsort(np.argsort(np.concatenate([paid_at, reported_at]), kind="stable")) + 1
    spine = Records(
        payments.definition,
        arrival[:n],
        paid_at,
        pa.array(np.arange(n).astype(str)),
        {"customer_id": _keys(rng.integers(0, 50, n)), "terminal_id": _keys(terminals)},
        {"amount": FixedPoint(cents, np.zeros(n, dtype=np.bool_), 2)},
    )
    ids = pa.array([f"r{i}" for i in range(len(flagged))])
    reports = Records(chargebacks.definition, arrival[n:], reported_at, ids, {"payment_id": _keys(flagged)}, {})
    return Dataset({"payments": spine, "chargebacks": reports}, "f" * 64, int(arrival.max()))


def _keys(values: np.ndarray) -> EncodedKeys:
    encoded = pa.array(values.astype(str)).dictionary_encode()
    return EncodedKeys(encoded.indices.to_numpy().astype(np.int32), encoded.dictionary)
