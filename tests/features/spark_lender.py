"""A second project for the tests of Spark: rows that ask about other streams, by other names, and about tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import key, money, optional
from tallystick.definitions.streams import Source, Stream, Table
from tallystick.features.plan import Plan

from .spark_project import DAY_US, START, Project, computed

profiles = Table("profiles", key="person", valid_from="since", source="profiles.parquet", fields={"home": key})
countries = Table("countries", key="code", static=True, source="countries.parquet", fields={"tax": money("EUR")})
payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    arrived="came_at",
    source="payments.parquet",
    fields={"customer": optional(key), "shop": key, "amount": optional(money("EUR"))},
)
refunds = Stream(
    "refunds",
    id="refund_id",
    time="given_at",
    source="refunds.parquet",
    fields={"payment_id": key, "delta": money("EUR")},
)
reports = Stream("reports", id="report_id", time="stated_at", source="reports.parquet", fields={"payment_id": key})
requests = Stream(
    "requests",
    id="request_id",
    time="looked_up_at",
    source="requests.parquet",
    fields={"client": optional(key), "favourite": key, "country": key, "wanted": money("EUR")},
)
his = payments.by("customer").at(requests.client)
there = payments.by("customer", "shop").at(requests.client, requests.favourite)
own, land = requests.by("client"), requests.by("country")
last_shop: Any = his.last(payments.shop).over("5d")
kept = payments.amount.corrected_by(refunds.delta, on="payment_id")
fraud = payments.flagged_by(reports, on="payment_id")


class LenderData(FeatureSet, spine=requests):
    """Everything the algebra has, asked by another stream than the one that is aggregated."""

    wanted = requests.wanted
    n = his.count(where=payments.amount > 30).over("1d", "5d")
    spread = his.std(payments.amount).over("5d", delay="1h")
    least = his.min(payments.amount).over("2d")
    most = his.max(payments.amount).over("5d", every="1h")
    shops = his.distinct(payments.shop, cap=6).over("5d")
    idle = his.since_last().over("5d")
    same_shop = last_shop == requests.favourite
    which_shop = last_shop.category("s0", "s1", "s2")
    which = his.last(payments.payment_id).over("5d") == his.first(payments.payment_id).over("5d")
    net = his.sum(kept).over("3d")
    risk = his.rate(fraud).over("3d", delay="6h")
    here = there.count().over("5d")
    before = own.count().over("5d", delay="1us")
    former = own.latest(requests.country) == requests.country
    crowd = land.mean(requests.wanted).over("2d")
    abroad = profiles.asof(requests.client).home != requests.country
    tax = countries.asof(requests.country).tax


def lender(root: Path, *, n: int, seed: int) -> Project:
    """Write n requests, three times as many payments of which some come late, refunds, reports and two tables."""
    root.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    m, people, lands = 3 * n, [f"h{i}" for i in range(25)], ["de", "fr", "it", "es"]
    paid = START + draw.integers(0, 20 * 24 * 60, m) * 60_000_000
    late = np.where(draw.random(m) < 0.1, draw.integers(0, 2 * DAY_US, m), 0)
    _write(
        root / "payments.parquet",
        payment_id=[f"p{i}" for i in range(m)],
        paid_at=_instants(paid),
        came_at=_instants(paid + late),
        customer=[None if i % 61 == 0 else people[c] for i, c in enumerate(draw.integers(0, 25, m) ** 2 // 25)],
        shop=[f"s{s}" for s in draw.integers(0, 9, m)],
        amount=[None if a < 300 else f"{a / 100:.2f}" for a in draw.integers(0, 9_000, m)],
    )
    some = draw.choice(m, m // 5, replace=False)
    _write(
        root / "refunds.parquet",
        refund_id=np.arange(len(some)),
        payment_id=[f"p{i}" for i in some],
        given_at=_instants(paid[some] + draw.integers(-DAY_US, 3 * DAY_US, len(some))),
        delta=[f"{-a / 100:.2f}" for a in draw.integers(0, 3_000, len(some))],
    )
    _write(
        root / "reports.parquet",
        report_id=np.arange(len(some)),
        payment_id=[f"p{i}" for i in some[::-1]],
        stated_at=_instants(paid[some[::-1]] + draw.integers(0, 4 * DAY_US, len(some))),
    )
    _write(
        root / "requests.parquet",
        request_id=[f"r{i}" for i in range(n)],
        looked_up_at=_instants(START + draw.integers(0, 20 * 24 * 60, n) * 60_000_000),
        client=[None if i % 37 == 0 else people[c] for i, c in enumerate(draw.integers(0, 25, n))],
        favourite=[f"s{s}" for s in draw.integers(0, 9, n)],
        country=[lands[c] for c in draw.integers(0, 4, n)],
        wanted=[f"{w}.00" for w in draw.integers(1, 1_000, n)],
    )
    _write(
        root / "profiles.parquet",
        person=people * 3,
        since=_instants(np.repeat(START + np.array([-5, 4, 9]) * DAY_US, 25)),
        home=[lands[c] for c in draw.integers(0, 4, 75)],
    )
    _write(root / "countries.parquet", code=lands[:3], tax=["1.50", "2.50", "0.00"])
    everything = (profiles, countries, payments, refunds, reports, requests)
    return computed(root, Plan(LenderData.definition, tuple(each.definition for each in everything)), [fraud])


def lender_source(name: str) -> Source:
    """Return one of the project's definitions."""
    named: dict[str, Source] = {each.definition.name: each.definition for each in (profiles, countries, payments)}
    return named[name]


def _instants(at: Any) -> pa.Array:
    return pa.array(at, pa.timestamp("us", "UTC"))


def _write(path: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), path)
