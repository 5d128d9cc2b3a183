"""A small world for training: payments, late reports, and a table whose columns tell something about fraud."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import tallystick as ts
from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Records
from tallystick.definitions.models import ModelDefinition
from tallystick.features.plan import Plan
from tallystick.features.table import FeatureTable, Origin
from tallystick.training.facts import RowFacts

DAY = 86_400_000_000

payments = ts.Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={"customer_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
chargebacks = ts.Stream("chargebacks", id="report_id", time="reported_at", fields={"payment_id": ts.key})
customer = payments.by("customer_id")


class CardFraud(ts.FeatureSet, spine=payments):
    """Three features; the table of these tests is made by hand."""

    amount = payments.amount
    n = customer.count().over("1d", "7d")


@dataclass(frozen=True)
class World:
    """A model, what was read, a table of features, and the facts of its rows."""

    model: ModelDefinition
    dataset: Dataset
    table: FeatureTable
    facts: RowFacts
    is_fraud: np.ndarray


def model(**changes: Any) -> ModelDefinition:
    """Return a model of this world; ``changes`` replace its parts."""
    settings: dict[str, Any] = {
        "features": CardFraud,
        "label": ts.Label(payments.flagged_by(chargebacks, on="payment_id"), matures_after="7d"),
        "split": ts.TimeSplit(train="14d", gap="5d", validate="7d", test="7d"),
        "candidates": [ts.LogisticRegression(), ts.GradientBoosting(max_trees=40, max_leaves=8)],
        "search": ts.Search(trials=8, seed=3),
        "policy": ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount)),
    }
    return ts.Model("card-fraud", **(settings | changes)).definition


def keys(values: np.ndarray) -> EncodedKeys:
    """Encode numbers as canonical texts."""
    encoded = pa.array(values.astype(str)).dictionary_encode()
    return EncodedKeys(encoded.indices.to_numpy().astype(np.int32), encoded.dictionary)


@pytest.fixture(scope="session")
def make_model() -> object:
    """Return the maker of models."""
    return model


@pytest.fixture(scope="session")
def world() -> World:
    """Return sixty days of payments, a twentieth of them fraud, each reported one to four days later."""
    rng = np.random.default_rng(7)
    n = 6_000
    paid_at = np.sort(rng.integers(0, 60 * DAY, n))
    is_fraud = rng.random(n) < 0.05
    cents = rng.integers(100, 20_000, n) * np.where(is_fraud, 2, 1)
    flagged = np.flatnonzero(is_fraud)
    reported_at = paid_at[flagged] + rng.integers(1 * DAY, 4 * DAY, len(flagged))
    order = np.argsort(reported_at, kind="stable")
    flagged, reported_at = flagged[order], reported_at[order]
    arrival = np.argsort(np.argsort(np.concatenate([paid_at, reported_at]), kind="stable")) + 1
    nothing = np.zeros(n, dtype=np.bool_)
    spine = Records(
        payments.definition,
        arrival[:n],
        paid_at,
        pa.array(np.arange(n).astype(str)),
        {"customer_id": keys(rng.integers(0, 50, n))},
        {"amount": FixedPoint(cents, nothing, 2)},
    )
    reports = Records(
        chargebacks.definition,
        arrival[n:],
        reported_at,
        pa.array([f"r{i}" for i in range(len(flagged))]),
        {"payment_id": keys(flagged)},
        {},
    )
    dataset = Dataset({"payments": spine, "chargebacks": reports}, "f" * 64, int(arrival.max()))
    values = np.column_stack([cents / 100, rng.normal(size=n) + 1.5 * is_fraud, rng.normal(size=n) - is_fraud])
    values[rng.random((n, 3)) < 0.02] = np.nan
    plan = Plan(CardFraud.definition, (payments.definition, chargebacks.definition))
    origin = Origin.of(plan, dataset.fingerprint)
    table = FeatureTable(plan.names, spine.ids, spine.position, spine.time, values, "payment_id", origin)
    return World(model(), dataset, table, RowFacts.of(model(), plan, table, dataset), is_fraud)
