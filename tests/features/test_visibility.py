"""What rows can see: enough for their features, and no more than their own entities."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tallystick as ts
from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.features.visibility import seen_by

asks = ts.Stream("asks", id="ask_id", time="at", fields={"client": ts.key, "shop": ts.optional(ts.key)})
payments = ts.Stream(
    "payments", id="payment_id", time="at", fields={"payer": ts.key, "shop": ts.key, "cents": ts.integer()}
)
refunds = ts.Stream("refunds", id="refund_id", time="at", fields={"payment_id": ts.key, "cents": ts.integer()})
profiles = ts.Table("profiles", key="client", valid_from="since", fields={"level": ts.integer()})
payer = payments.by("payer", "shop").at(asks.client, asks.shop)


class Looks(ts.FeatureSet, spine=asks):
    """Features over every kind of source."""

    n = payer.count().over("7d")
    spend = payments.by("shop").sum(payments.cents.corrected_by(refunds.cents, on="payment_id")).over("7d")
    level = profiles.asof(asks.client).level
    own = asks.by("client").count().over("7d")


PLAN = Plan(Looks.definition, (asks.definition, payments.definition, refunds.definition, profiles.definition))
HOUR = 3_600_000_000
NAMES = st.sampled_from(["a", "b", "c"])


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Return asks, payments, refunds and profiles in any order of arrival."""
    parsed: dict[str, list[tuple[int, Record]]] = {name: [] for name in PLAN.streams}
    for position in range(1, draw(st.integers(2, 25)) + 1):
        name, at = draw(st.sampled_from(list(parsed))), draw(st.integers(0, 400)) * HOUR
        one, other, cents = draw(NAMES), draw(NAMES), draw(st.integers(-9, 9))
        made = {
            "asks": Record("asks", f"A{position}", at, {"client": one, "shop": draw(st.none() | NAMES)}),
            "payments": Record(
                "payments", f"P{position % 7}/{position}", at, {"payer": one, "shop": other}, {"cents": cents}
            ),
            "refunds": Record(
                "refunds", f"R{position}", at, {"payment_id": f"P{position % 7}/{cents + 9}"}, {"cents": cents}
            ),
            "profiles": Record("profiles", f"{one}@{at}/{position}", at, {"client": one}, {"level": cents}),
        }
        parsed[name].append((position, made[name]))
    parsed["asks"].append((100, Record("asks", "last", 400 * HOUR, {"client": "a", "shop": "b"})))
    return Dataset({name: from_parsed(PLAN.stream(name), rows) for name, rows in parsed.items()}, "", 100)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(datasets(), st.data())
def test_what_is_seen_is_enough(dataset: Dataset, data: st.DataObject) -> None:
    """Features of some rows are the same, bit for bit, from all records and from those that they see."""
    n = len(dataset.records["asks"])
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    part = seen_by(PLAN, dataset, rows)
    places = np.searchsorted(part.records["asks"].position, dataset.records["asks"].position[rows])

    np.testing.assert_array_equal(compute(PLAN, part, places).values, compute(PLAN, dataset, rows).values)


@pytest.mark.parametrize(("client", "shop", "seen"), [("a", "b", {"P1", "P3"}), ("c", "c", set()), ("a", None, set())])
def test_others_are_not_seen(client: str, shop: str | None, seen: set[str]) -> None:
    """Of payments only those at the shop that is asked about are seen, and of refunds those of these payments."""
    paid = [("P1", "a", "b"), ("P2", "a", "a"), ("P3", "c", "b")]
    records = {
        "asks": [(9, Record("asks", "A", HOUR, {"client": client, "shop": shop}))],
        "payments": [
            (i, Record("payments", name, 0, {"payer": payer, "shop": at}, {"cents": 1}))
            for i, (name, payer, at) in enumerate(paid, start=1)
        ],
        "refunds": [
            (i, Record("refunds", f"R{name}", 0, {"payment_id": name}, {"cents": 1}))
            for i, (name, _, _) in enumerate(paid, start=4)
        ],
        "profiles": [(7, Record("profiles", "z@0", 0, {"client": "z"}, {"level": 1}))],
    }
    dataset = Dataset({name: from_parsed(PLAN.stream(name), rows) for name, rows in records.items()}, "", 9)

    part = seen_by(PLAN, dataset, np.array([0])).records

    assert set(part["payments"].ids.to_pylist()) == seen
    assert set(part["refunds"].ids.to_pylist()) == {f"R{name}" for name in seen}
    assert len(part["profiles"]) == 0
