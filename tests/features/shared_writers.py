"""Several processes that append to one state, each its own records about entities of all of them."""

import json
import random
import subprocess
import sys
from pathlib import Path

from tallystick.data.records import Record
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import flag, key, money
from tallystick.definitions.streams import Stream
from tallystick.features.online.shared import Shared
from tallystick.features.plan import Plan
from tallystick.features.state.redis import RedisStore

payments = Stream(
    "payments", id="payment_id", time="paid_at", fields={"customer": key, "shop": key, "amount": money("EUR")}
)
reports = Stream("reports", id="report_id", time="reported_at", fields={"payment_id": key, "confirmed": flag})
refunds = Stream("refunds", id="refund_id", time="refunded_at", fields={"payment_id": key, "delta": money("EUR")})
customer, shop = payments.by("customer"), payments.by("shop")
fraud = payments.flagged_by(reports, on="payment_id")
refunded = payments.amount.corrected_by(refunds.delta, on="payment_id")


class Everything(FeatureSet, spine=payments):
    """Totals, what is said later, single events and their summaries."""

    n = customer.count().over("1d", "7d", delay="1h")
    spend = customer.std(payments.amount).over("7d")
    risk = shop.mean(fraud).over("7d")
    kept = customer.sum(refunded).over("7d")
    first = customer.first(payments.amount).over("1d")
    last = shop.last(payments.amount).over("7d")
    largest = shop.max(payments.amount).over("7d")
    shops = customer.distinct(payments.shop, cap=10).over("7d")


SOURCES = (payments.definition, reports.definition, refunds.definition)
PLAN = Plan(Everything.definition, SOURCES)


def records(number: int, n: int) -> list[Record]:
    """Return what one process appends: late and early, about few entities, and about payments of the others."""
    chance, found = random.Random(number), []  # noqa: S311 - a test's
    for i in range(n):
        at, about = chance.randrange(9 * DAY_US), f"p{chance.randrange(4)}-{chance.randrange(n)}"
        kind, name = chance.choice(["payments", "payments", "payments", "reports", "refunds"]), f"p{number}-{i}"
        match kind:
            case "payments":
                named: dict[str, str | None] = {"customer": chance.choice("abc"), "shop": chance.choice("xyz")}
                found.append(Record(kind, name, at, named, {"amount": chance.randrange(1, 10**6)}))
            case "reports":
                found.append(Record(kind, name, at, {"payment_id": about}, {"confirmed": 1}))
            case _:
                found.append(Record(kind, name, at, {"payment_id": about}, {"delta": -chance.randrange(100)}))
    return found


def start(url: str, name: str, number: int, n: int, noted: Path) -> subprocess.Popen[bytes]:
    """Start one writer."""
    return subprocess.Popen([sys.executable, __file__, url, name, str(number), str(n), str(noted)])


def main() -> None:
    """Append, and tell each record's place and the features that came with it."""
    url, name, number, n, noted = sys.argv[1:]
    shared = Shared(PLAN, RedisStore(url, name, patience_s=20))
    found: list[tuple[int, list[str]]] = []
    for record in records(int(number), int(n)):
        if record.stream == "payments":
            taken = shared.take(record)
            found.append((taken.position, [value.hex() for value in taken.vector]))
        else:
            found.append((shared.append(record), []))
    Path(noted).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
