"""A lender, small enough for a test: applications judged by payments, profiles, branches and refunds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.definitions.durations import DAY_US

PROJECT = '''"""Lending, small: which applications to refuse."""
import tallystick as ts

applications = ts.Stream(
    "applications", id="application_id", time="applied_at", lateness="30d", source="data/applications.parquet",
    fields={"client_id": ts.key, "branch_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
payments = ts.Stream(
    "payments", id="payment_id", time="paid_at", arrived="received_at", lateness="3d",
    source="data/payments.parquet",
    fields={"customer_id": ts.key, "amount": ts.money("EUR", minimum=0), "kind": ts.optional(ts.key)},
)
refunds = ts.Stream(
    "refunds", id="refund_id", time="refunded_at", source="data/refunds.parquet", holds="outcomes",
    fields={"payment_id": ts.key, "amount": ts.money("EUR")},
)
defaults = ts.Stream(
    "defaults", id="default_id", time="reported_at", source="data/defaults.parquet", holds="outcomes",
    fields={"application_id": ts.key},
)
profiles = ts.Table(
    "profiles", key="customer_id", valid_from="since", source="data/profiles.parquet",
    fields={"income": ts.optional(ts.money("EUR")), "city": ts.key},
)
branches = ts.Table(
    "branches", key="branch_id", static=True, source="data/branches.parquet",
    fields={"city": ts.key, "risk": ts.number(2)},
)
default = applications.flagged_by(defaults, on="application_id")
payer = payments.by("customer_id").at(applications.client_id)
profile, branch = profiles.asof(applications.client_id), branches.asof(applications.branch_id)
kept = payments.amount.corrected_by(refunds.amount, on="payment_id")


class Lending(ts.FeatureSet, spine=applications):
    amount = applications.amount
    n = payer.count().over("7d", "30d")
    cash = payer.count(where=payments.kind == "cash").over("30d")
    spend = payer.sum(kept).over("30d")
    largest = payer.max(payments.amount).over("30d")
    quiet = payer.since_last().over("90d")
    income = profile.income
    burden = applications.amount / profile.income
    elsewhere = profile.city != branch.city
    risk = branch.risk
    asked = applications.by("client_id").count().over("30d")
    bad = applications.by("branch_id").mean(default).over("60d", delay="1d")


model = ts.Model(
    "lending",
    features=Lending,
    label=ts.Label(default, matures_after="14d"),
    split=ts.TimeSplit(train="60d", gap="14d", validate="20d", test="20d"),
    candidates=[ts.LogisticRegression()],
    search=ts.Search(trials=1),
    policy=ts.Policy(decline=ts.above(0.6), refer=ts.above(0.3)),
)
'''
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LIVE = START + 140 * DAY_US
CITIES = ("Kiel", "Ulm", "Trier")
INSTANTS = ("applied_at", "paid_at", "received_at", "refunded_at", "reported_at", "since")


@dataclass(frozen=True, slots=True)
class Lender:
    """Everything that happens, by stream; each row a record as a request says it, its instant in microseconds."""

    rows: dict[str, list[dict[str, Any]]]
    times: dict[str, str]

    def until(self, instant: int) -> dict[str, pa.Table]:
        """Return the files of history: what has arrived by then, payments with when they did."""
        known = {name: [r for r in rows if self.arrived(name, r) <= instant] for name, rows in self.rows.items()}
        return {name: _table(rows) for name, rows in known.items()}

    def since(self, instant: int) -> list[tuple[int, str, dict[str, Any]]]:
        """Return what arrives later, in that order: instant, stream, record."""
        later = [(self.arrived(name, row), name, row) for name, rows in self.rows.items() for row in rows]
        return sorted((each for each in later if each[0] > instant), key=lambda each: each[:2])

    def arrived(self, name: str, row: dict[str, Any]) -> int:
        """Return when a record arrives; a branch always was there.

        Parameters
        ----------
        name : the stream's or table's name
        row : one of its records
        """
        return int(row.get("received_at", row[self.times[name]] if name in self.times else START))


def simulate_lender(*, days: int = 150, clients: int = 120, seed: int = 5) -> Lender:
    """Return what happens at a lender: who asks for much of a small income, and spends little, often defaults.

    Parameters
    ----------
    days : how long it goes on from the start
    clients : how many ask for money
    seed : the same gives the same rows
    """
    chance = np.random.default_rng(seed)
    incomes, homes = chance.integers(1_000, 5_000, clients), chance.integers(0, len(CITIES), clients)
    rows: dict[str, list[dict[str, Any]]] = {
        "applications": [], "payments": [], "refunds": [], "defaults": [], "profiles": [],
        "branches": [
            {"branch_id": f"B{i}", "city": CITIES[i % len(CITIES)], "risk": f"{i / 10:.2f}"} for i in range(6)
        ],
    }  # fmt: skip
    for client in range(clients):
        for i, day in enumerate(sorted({0, *chance.integers(1, days, 2).tolist()})):
            income = f"{incomes[client] + 250 * i}.00" if (client + i) % 11 else None
            city = CITIES[(homes[client] + i // 2) % len(CITIES)]
            rows["profiles"].append(
                {"customer_id": f"C{client}", "since": START + day * DAY_US, "income": income, "city": city}
            )
    for i, at in enumerate(np.sort(chance.integers(START, START + days * DAY_US, days * 40)).tolist()):
        late = int(chance.integers(0, 2 * DAY_US)) if i % 5 == 0 else 0
        client, cents = int(chance.integers(0, clients)), int(chance.integers(100, 40_000))
        rows["payments"].append({
            "payment_id": f"P{i}", "paid_at": at, "received_at": at + late, "customer_id": f"C{client}",
            "amount": f"{cents / 100:.2f}", "kind": (None, "cash", "card")[i % 3],
        })  # fmt: skip
        if i % 10 == 0:
            back = {"refund_id": f"R{i}", "refunded_at": at + 2 * DAY_US, "payment_id": f"P{i}"}
            rows["refunds"].append(back | {"amount": f"-{cents // 2 / 100:.2f}"})
    for i, at in enumerate(np.sort(chance.integers(START, START + days * DAY_US, days * 15)).tolist()):
        client, branch, amount = int(chance.integers(0, clients)), int(chance.integers(0, 6)), int(chance.gamma(2, 900))
        rows["applications"].append({
            "application_id": f"A{i}", "applied_at": at, "client_id": f"C{client}", "branch_id": f"B{branch}",
            "amount": f"{amount}.00",
        })  # fmt: skip
        if chance.random() < 0.9 / (1 + np.exp(9 - 8 * amount / incomes[client] - branch / 4)):
            rows["defaults"].append({
                "default_id": f"D{i}", "reported_at": at + int(chance.integers(1, 10)) * DAY_US,
                "application_id": f"A{i}",
            })  # fmt: skip
    return Lender(rows, {"applications": "applied_at", "payments": "paid_at", "refunds": "refunded_at",
                         "defaults": "reported_at", "profiles": "since"})  # fmt: skip


def build_lender(folder: Path, lender: Lender) -> None:
    """Write the project and its history into a new folder.

    Parameters
    ----------
    folder : a new one
    lender : what happens; the history is what arrives before ``LIVE``
    """
    (folder / "data").mkdir(parents=True)
    (folder / "project.py").write_text(PROJECT, encoding="utf-8")
    for name, table in lender.until(LIVE).items():
        pq.write_table(table, folder / "data" / f"{name}.parquet")


def request(row: dict[str, Any]) -> bytes:
    """Return a record as it is sent: when it arrives, the server knows."""
    written = {name: _written(value) if name in INSTANTS else value for name, value in row.items()}
    return msgspec.json.encode({name: value for name, value in written.items() if name != "received_at"})


def _written(instant: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant):%Y-%m-%dT%H:%M:%S.%fZ}"


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    kind = pa.timestamp("us", "UTC")
    return pa.table({name: pa.array(values, kind if name in INSTANTS else None) for name, values in columns.items()})
