"""A feature of each kind over a small invented world, for tests of SQL: by hand, so that none is left to chance."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallystick.data.merge import from_parsed
from tallystick.data.records import BEGINNING_US, Dataset, Record
from tallystick.definitions.features import FeatureSet
from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle.inputs import from_dataset
from tallystick.features.plan import Plan
from tallystick.testing.scenario_streams import (
    SOURCES,
    applications,
    outcomes,
    payments,
    profiles,
    refunds,
    reports,
    shops,
)

CARDS, SHOPS, COUNTRIES = ("a", "b", "ab", "a b"), ("a", "\N{GREEK SMALL LETTER OMEGA}"), ("DE", "it's", "a\\b ${c}")
LAST_MOMENT = 12

card, shop, both = payments.by("card"), payments.by("shop"), payments.by("card", "shop")
client = applications.by("client", "shop").at(payments.card, payments.shop)
fraud = payments.flagged_by(reports.confirmed, on="payment_id")
abuse = payments.flagged_by(outcomes.is_abuse, known_after="1us")
reversed_later = payments.flagged_by(payments, on="reverses")
net = payments.amount.corrected_by(refunds.delta, on="payment_id")
home = profiles.asof(payments.card).home
is_big, is_night = payments.amount > 50, payments.paid_at.hour("Europe/Berlin") <= 6


class Rich(FeatureSet, spine=payments):
    """Every function of events and of the record."""

    n = card.count().over("3us", "8us")
    n_big = card.count(where=is_big & ~is_night).over("8us", delay="1us")
    spend = both.mean(payments.amount).over("5us")
    rounded = card.sum(payments.amount).over("3us", every="5us")
    std = card.std(payments.amount).over("3us", "8us")
    std_abroad = shop.std(payments.points, where=payments.abroad == 1).over("8us")
    low = card.min(payments.amount).over("8us", delay="1us")
    high = card.max(payments.amount, where=payments.country == "DE").over("8us", every="3us")
    first = card.first(payments.amount).over("8us")
    moved = card.last(payments.country).over("8us", delay="1us") != payments.country
    latest = card.latest(payments.amount, where=payments.points > 0)
    is_new = card.latest(payments.country).is_missing()
    n_shops = card.distinct(payments.shop, cap=1).over("8us")
    n_points = card.distinct(payments.points, cap=4).over("8us")
    since = card.since_last(where=is_big).over("8us", delay="1us")
    share = shop.rate(is_big | (payments.abroad == 1), where=payments.card == "a").over("8us")
    risk = shop.rate(fraud).over("8us", delay="1us")
    misuse = card.sum(abuse, where=is_big).over("3us", every="5us")
    undone = shop.mean(reversed_later).over("8us")
    spent = card.sum(net).over("8us", delay="1us")
    spent_big = shop.mean(net, where=is_big).over("5us", every="2us")
    requested = client.std(applications.requested).over("8us")
    asking = client.last(applications.card).over("8us") == payments.card
    used = payments.amount / profiles.asof(payments.card).limit
    at_home = (home == payments.country).coalesce(-1)
    home_place = home.category(*COUNTRIES[1:])
    shop_risk = shops.asof(payments.shop).risk.abs()
    day = payments.opened_at.day("America/New_York")
    month = payments.opened_at.month()
    weekday = payments.opened_at.weekday("Asia/Kathmandu")
    small_log = (payments.points * 1e-9).log1p()
    large_log = (payments.amount * 1e290).log1p()
    no_sign = (payments.points * -0.0).abs()
    beyond = payments.points * 8e307
    known = is_big.is_missing() | payments.amount.between(-10, 40)


class Summed(FeatureSet, spine=payments):
    """Totals of each kind that can leave their range."""

    std = shop.std(payments.points, where=payments.abroad == 1).over("8us")
    both_sum = both.sum(payments.points).over("8us")
    net = card.mean(net).over("8us", every="3us")


class Net(FeatureSet, spine=payments):
    """A corrected sum."""

    net = card.sum(net).over("5us")


plan = Plan(Rich.definition, SOURCES)


def world(seed: int, *, n: int = 30, in_order: bool = False) -> Dataset:
    """Return payments within a few moments, and what else there is; ties, missing values and late records abound."""
    drawn = random.Random(seed)  # noqa: S311 - an invented world, and no secret
    epoch = drawn.choice([0, -3, 3_600_000_000 - 5, 1_774_746_000_000_000 - 5])  # the last is when clocks change
    ids = [f"p{i}" for i in range(n)]
    records = [_payment(drawn, name, epoch, ids) for name in ids]
    records += [_application(drawn, i, epoch) for i in range(n)]
    for i in range(n):
        noted = {"payment_id": _or_none(drawn, drawn.choice([*ids, "of another day"]))}
        at = epoch + drawn.randint(0, LAST_MOMENT + 6)
        records.append(Record("reports", f"r{i}", at, noted, {"confirmed": drawn.choice([None, 0, 1])}))
        records.append(Record("refunds", f"d{i}", at, noted, {"delta": _amount(drawn)}))
    for name in drawn.sample(ids, n // 2):
        stated = {"is_fraud": drawn.randint(0, 1), "is_abuse": drawn.choice([None, 0, 1])}
        records.append(Record("outcomes", name, None, {"payment_id": name}, stated))
    for i in range(LAST_MOMENT):
        held = {"card": drawn.choice(CARDS), "home": _or_none(drawn, drawn.choice(COUNTRIES))}
        known = {"limit": _amount(drawn), "vip": 0}
        records.append(Record("profiles", f"v{i}", epoch + i, held, known))
    drawn.shuffle(records)
    if in_order:
        records.sort(key=lambda record: epoch if record.time is None else record.time)
    static = Record("shops", "s", BEGINNING_US, {"shop": SHOPS[0], "country": None}, {"risk": -7})
    arrivals = list(enumerate([static, *records], 1))
    of = {source.name: [pair for pair in arrivals if pair[1].stream == source.name] for source in SOURCES}
    return Dataset({source.name: from_parsed(source, of[source.name]) for source in SOURCES}, "", len(arrivals))


def expected(of: Plan, dataset: Dataset) -> NDArray[np.float64]:
    """Return the oracle's features of all records."""
    streams, places = from_dataset(of.definition, dataset)
    return np.array(oracle.compute(of.definition, of.streams, streams, places)).reshape(len(places), len(of.names))


def _payment(drawn: random.Random, name: str, epoch: int, ids: list[str]) -> Record:
    named = {
        "card": _or_none(drawn, drawn.choice(CARDS)),
        "shop": drawn.choice(SHOPS),
        "country": _or_none(drawn, drawn.choice(COUNTRIES)),
        "reverses": drawn.choice([None, drawn.choice(ids)]),
    }
    counted = {
        "amount": _amount(drawn),
        "points": drawn.choice([drawn.randint(-3, 3), drawn.randint(-(2**40), 2**40)]),
        "abroad": drawn.choice([None, 0, 1]),
        "opened_at": _or_none(drawn, drawn.randint(-(10**14), 4 * 10**15)),
    }
    return Record("payments", name, epoch + drawn.randint(0, LAST_MOMENT), named, counted)


def _application(drawn: random.Random, number: int, epoch: int) -> Record:
    named = {
        "client": _or_none(drawn, drawn.choice(CARDS)),
        "card": _or_none(drawn, drawn.choice(CARDS)),
        "shop": drawn.choice(SHOPS),
    }
    noted = {"requested": _amount(drawn), "share": 0, "years": 0, "is_new": 0}
    return Record("applications", f"a{number}", epoch + drawn.randint(0, LAST_MOMENT), named, noted)


def _amount(drawn: random.Random) -> int | None:
    some: int | None = _or_none(drawn, drawn.choice([drawn.randint(-100, 10_000), drawn.randint(-(2**45), 2**45)]))
    return some


def _or_none(drawn: random.Random, value: Any) -> Any:
    return None if drawn.random() < 0.15 else value
