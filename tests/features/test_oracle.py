"""The oracle's own ground: histories so small that the answer is evident to a reader."""

import math
from typing import Any

import pytest

from tallystick.data.records import BEGINNING_US
from tallystick.definitions.expressions import Text
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import flag, integer, key, money, optional, time
from tallystick.definitions.streams import Stream, Table
from tallystick.errors import DefinitionError, FeatureOverflow
from tallystick.features.oracle import executor as oracle
from tallystick.features.oracle.rows import OwnRecord, evaluate_number, evaluate_text

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
NAN = math.nan

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={
        "customer": optional(key),
        "shop": key,
        "country": optional(key),
        "amount": optional(money("EUR")),
        "points": integer(),
        "opened_at": optional(time),
    },
)
reports = Stream("reports", id="report_id", time="reported_at", fields={"payment_id": key, "confirmed": optional(flag)})
refunds = Stream("refunds", id="refund_id", time="at", fields={"payment_id": key, "delta": optional(money("EUR"))})
logins = Stream("logins", id="login_id", time="at", fields={"who": optional(key), "device": optional(key)})
outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag})
profiles = Table(
    "profiles", key="customer", valid_from="since", fields={"home": optional(key), "limit": optional(money("EUR"))}
)
shops = Table("shops", key="shop", static=True, fields={"risk": integer()})
SOURCES = (payments, reports, refunds, logins, outcomes, profiles, shops)

customer = payments.by("customer")
both = payments.by("customer", "shop")
fraud = payments.flagged_by(reports, on="payment_id")
confirmed = payments.flagged_by(reports.confirmed, on="payment_id")
judged = payments.flagged_by(outcomes.is_fraud, known_after="4s")
net = payments.amount.corrected_by(refunds.delta, on="payment_id")
devices = logins.by("who").at(payments.customer)
profile = profiles.asof(payments.customer)

History = list[dict[str, Any]]


def record(source: Stream | Table, position: int, seconds: float | None, name: str, **fields: Any) -> dict[str, Any]:
    """Return a plain record; fields that are not told are missing."""
    at = None if seconds is None else int(seconds * SECOND)
    own = {getattr(source.definition, "id", ""): name, getattr(source.definition, "time", ""): at}
    noted = dict.fromkeys(source.definition.fields) | own | fields
    return {"stream": source.definition.name, "position": position, "time": at, "id": name, "fields": noted}


def paid(position: int, seconds: float, name: str, **fields: Any) -> dict[str, Any]:
    """Return a payment, in shop s where no other is told."""
    return record(payments, position, seconds, name, **{"shop": "s", "points": 0} | fields)


def answered(feature: Any, history: History, name: str, as_of: int | None = None) -> float:
    """Return a feature of the payment of a name."""
    made: Any = type("One", (FeatureSet,), {"f": feature}, spine=payments)
    streams = {
        source.definition.name: [r for r in history if r["stream"] == source.definition.name] for source in SOURCES
    }
    sources = {source.definition.name: source.definition for source in SOURCES}
    row = [payment["id"] for payment in streams["payments"]].index(name)
    return oracle.compute(made.definition, sources, streams, [row], None if as_of is None else [as_of])[0][0]


def same(found: float, wanted: float) -> bool:
    """Return whether two numbers are the same, or both missing."""
    return found == wanted or (math.isnan(found) and math.isnan(wanted))


# Ann pays 1.00 at 0 s, 3.00 at 10 s, something unknown at 20 s; 2.00 at 8 s, which arrives late; and 3.00 at 20 s.
ANN: History = [
    paid(1, 0, "p1", customer="ann", amount=100, country="DE"),
    paid(2, 10, "p2", customer="ann", amount=300, country="FR"),
    paid(3, 5, "p3", customer="bob", amount=900, country="DE"),
    paid(4, 20, "p4", customer="ann", amount=None, country="DE"),
    paid(5, 8, "p5", customer="ann", amount=200, country=None, shop="x"),
    paid(6, 20, "p6", customer="ann", amount=300, country="FR"),
    paid(7, 20, "p7", customer=None, amount=300, country="FR"),
]
first_country: Any = customer.first(payments.country).over("21s")
german, french = payments.country == "DE", payments.country == "FR"

WINDOWS = [
    (customer.count().over("21s"), "p6", 5.0),
    (customer.count().over("20s"), "p6", 4.0),  # 0 s is exactly 20 s ago, and the older end is open
    (customer.count().over("10s"), "p6", 2.0),
    (customer.count().over("10s", delay="10s"), "p6", 2.0),  # the newer end is closed: 10 s counts, and 8 s
    (customer.count().over("21s"), "p4", 3.0),  # what happened at 8 s arrives later
    (customer.count().over("21s"), "p7", 0.0),  # nobody
    (customer.count().over("5s", every="10s"), "p6", 2.0),  # since 15 s, rounded down to 10 s
    (customer.count().over("11s", every="10s"), "p6", 4.0),  # since 9 s, rounded down to 0 s
    (both.count().over("21s"), "p6", 4.0),
    (both.count().over("21s"), "p5", 1.0),
    (both.at(payments.shop, payments.customer).count().over("21s"), "p6", 0.0),  # no customer s at a shop ann
    (payments.by("shop").at(payments.shop).count().over("21s"), "p7", 6.0),
    (payments.by("payment_id").count().over("1s"), "p6", 1.0),
]
FUNCTIONS = [
    (customer.sum(payments.amount).over("21s"), "p6", 9.0),
    (customer.sum(payments.amount).over("1s", delay="30s"), "p6", 0.0),
    (customer.mean(payments.amount).over("21s"), "p6", 2.25),
    (customer.mean(payments.amount).over("1s", delay="30s"), "p6", NAN),
    (customer.std(payments.amount).over("11s"), "p2", math.sqrt(2.0)),  # of 1 and 3; what is late is not seen
    (customer.std(payments.amount).over("1s"), "p6", NAN),  # of one value
    (customer.min(payments.amount).over("21s"), "p6", 1.0),
    (customer.max(payments.amount).over("21s"), "p6", 3.0),
    (customer.max(payments.amount).over("1s"), "p4", NAN),
    (customer.first(payments.amount).over("20s"), "p6", 2.0),
    (customer.last(payments.amount).over("10s"), "p5", 2.0),
    (customer.last(payments.amount).over("21s"), "p4", 3.0),  # its own is missing, so the one before
    (customer.latest(payments.amount), "p4", NAN),  # its own is the latest, and missing
    (customer.latest(payments.amount), "p6", 3.0),  # of two in one instant, the later arrival
    (customer.distinct(payments.amount, cap=3).over("21s"), "p6", 3.0),
    (customer.distinct(payments.amount, cap=2).over("21s"), "p6", NAN),
    (customer.distinct(payments.country, cap=2).over("21s"), "p6", 2.0),
    (customer.distinct(payments.country, cap=2).over("1s", delay="30s"), "p6", 0.0),
    (customer.since_last().over("21s"), "p6", 0.0),
    (customer.since_last().over("21s", delay="1us"), "p6", 10.0),
    (customer.since_last().over("1s", delay="30s"), "p6", NAN),
    (customer.count(where=german).over("21s"), "p6", 2.0),
    (customer.count(where=payments.country != "DE").over("21s"), "p6", 2.0),  # a missing country is not another one
    (customer.count(where=~german).over("21s"), "p6", 2.0),
    (customer.sum(payments.amount, where=french).over("21s"), "p6", 6.0),
    (customer.mean(payments.amount, where=german).over("21s"), "p6", 1.0),
    (customer.rate(german).over("21s"), "p6", 0.5),  # of the four that tell their country
    (customer.rate(german, where=payments.amount > 1).over("21s"), "p6", 0.0),
    (customer.since_last(where=german).over("21s"), "p6", 0.0),
    (customer.max(payments.amount, where=payments.amount < 3).over("21s"), "p6", 2.0),
    (customer.latest(payments.country) == "FR", "p6", 1.0),
    (customer.last(payments.country).over("1s") == "FR", "p4", 0.0),
    (first_country.category("FR", "DE"), "p6", 1.0),
    (customer.latest(payments.country).is_missing(), "p7", 1.0),
    (customer.latest(payments.country, where=payments.amount == 2).is_missing(), "p6", 1.0),
]


@pytest.mark.parametrize(("feature", "name", "wanted"), [*WINDOWS, *FUNCTIONS])
def test_an_aggregate_is_what_a_reader_counts(feature: Any, name: str, wanted: float) -> None:
    """Windows and functions of Ann's five payments."""
    assert same(answered(feature, ANN, name), wanted)


# One payment of 10.00 at 0 s, reported and corrected; another asks about it every few seconds.
BEGUN = [paid(1, 0, "p1", customer="ann", amount=1_000)]
LATER: History = [
    *BEGUN,
    record(reports, 2, 3, "r1", payment_id="p1", confirmed=None),
    record(refunds, 3, 3, "c1", payment_id="p1", delta=-400),
    record(outcomes, 4, None, "p1", payment_id="p1", is_fraud=1),
    paid(5, 2, "at 2", customer="ann"),
    paid(6, 3, "at 3", customer="ann"),
    record(reports, 7, 6, "r2", payment_id="p1", confirmed=1),
    record(refunds, 8, 6, "c2", payment_id="p1", delta=-500),
    record(refunds, 9, 6, "c3", payment_id="p1", delta=None),
    paid(10, 7, "at 7", customer="ann"),
    paid(11, 8, "at 8", customer="ann"),
]
KNOWN = [
    (customer.sum(fraud).over("8s"), "at 2", 0.0),  # reported at 3 s
    (customer.sum(fraud).over("8s"), "at 3", 1.0),
    (customer.sum(fraud).over("8s"), "at 7", 1.0),  # two reports are one fraud
    (customer.sum(fraud).over("8s"), "at 8", 0.0),  # the payment has left the window
    (customer.mean(fraud).over("8s"), "at 7", 0.25),
    (customer.sum(fraud).over("8s", delay="3s"), "at 3", 1.0),
    (customer.sum(fraud, where=payments.amount > 10).over("8s"), "at 3", 0.0),
    (customer.sum(confirmed).over("8s"), "at 3", 0.0),
    (customer.sum(confirmed).over("8s"), "at 7", 1.0),
    (customer.sum(judged).over("8s"), "at 3", 0.0),  # outcomes are known 4 s after the payment
    (customer.sum(judged).over("8s"), "at 7", 1.0),
    (customer.sum(net).over("8s"), "at 2", 10.0),
    (customer.sum(net).over("8s"), "at 3", 6.0),
    (customer.sum(net).over("8s"), "at 7", 1.0),  # each correction counts
    (customer.sum(net).over("8s"), "at 8", 0.0),
    (customer.mean(net).over("8s"), "at 7", 1.0),  # corrections are no payments
    (customer.sum(net, where=payments.amount > 10).over("8s"), "at 7", 0.0),
    (customer.sum(net).over("5s", every="5s"), "at 8", 0.0),  # since 3 s, rounded down to 0 s, which is open
]


@pytest.mark.parametrize(("feature", "name", "wanted"), KNOWN)
def test_what_later_records_say_counts_from_when_it_is_known(feature: Any, name: str, wanted: float) -> None:
    """Reports, outcomes and corrections of one payment."""
    assert same(answered(feature, LATER, name), wanted)


def test_a_correction_waits_for_its_payment() -> None:
    """What arrives before its payment counts as soon as that is there; the correction of a missing value never does."""
    history = [
        record(refunds, 1, 0, "c1", payment_id="p1", delta=-400),
        record(reports, 2, 0, "r1", payment_id="p1", confirmed=1),
        record(refunds, 3, 0, "c2", payment_id="p2", delta=-400),
        paid(4, 5, "p1", customer="ann", amount=1_000),
        paid(5, 5, "p2", customer="bob", amount=None),
    ]

    assert answered(customer.sum(net).over("1s"), history, "p1") == 6.0
    assert answered(customer.sum(fraud).over("1s"), history, "p1") == 1.0
    assert answered(customer.sum(net).over("1s"), history, "p2") == 0.0


BESIDE: History = [
    record(shops, 1, BEGINNING_US / SECOND, "s", shop="s", risk=7),
    record(profiles, 2, 0, "ann@0", customer="ann", home="DE", limit=5_000),
    record(logins, 3, 1, "l1", who="ann", device="phone"),
    record(logins, 4, 2, "l2", who="ann", device=None),
    record(logins, 5, 2, "l3", who="bob", device="desk"),
    paid(6, 5, "p1", customer="ann", country="DE"),
    record(profiles, 7, 6, "ann@6", customer="ann", home="FR", limit=None),
    paid(8, 8, "p2", customer="ann", country="DE"),
    record(profiles, 9, 7, "ann@7", customer="ann", home="DE", limit=100),
    paid(10, 5.5, "p3", customer="ann", country=None, shop="new"),
]
LOOKED_UP = [
    (devices.count().over("4s"), "p1", 1.0),  # more than 1 s until 5 s: the one at 1 s is out
    (devices.count().over("5s"), "p1", 2.0),
    (devices.latest(logins.device).is_missing(), "p1", 1.0),
    (devices.last(logins.device).over("5s") == "phone", "p1", 1.0),
    (devices.since_last().over("5s"), "p1", 3.0),
    (profile.limit, "p1", 50.0),
    (profile.limit, "p2", NAN),  # the version that holds lacks it
    (payments.country == profile.home, "p1", 1.0),
    (payments.country == profile.home, "p2", 0.0),  # the version of 7 s arrives later
    (payments.country != profile.home, "p3", NAN),
    (profile.home == "DE", "p3", 1.0),
    (shops.asof(payments.shop).risk, "p1", 7.0),
    (shops.asof(payments.shop).risk, "p3", NAN),
    (shops.asof(payments.shop).risk.coalesce(3), "p3", 3.0),
]


@pytest.mark.parametrize(("feature", "name", "wanted"), LOOKED_UP)
def test_other_streams_and_tables_are_seen_as_they_were(feature: Any, name: str, wanted: float) -> None:
    """Logins and profiles of Ann, and what always held of shops."""
    assert same(answered(feature, BESIDE, name), wanted)


def test_a_row_can_be_asked_as_of_another_moment() -> None:
    """Later, more has arrived; earlier, not even the record itself."""
    count, home = customer.count().over("21s"), profile.home == "DE"

    assert [answered(count, ANN, "p4", as_of) for as_of in (0, 2, 4, 5, 9)] == [0.0, 2.0, 3.0, 4.0, 5.0]
    assert [answered(home, BESIDE, "p2", as_of) for as_of in (8, 9)] == [0.0, 1.0]


amount, points = payments.amount, payments.points
winter, summer = 1_768_476_600, 1_784_110_200  # 2026-01-15 11:30 and 2026-07-15 10:10 in UTC
ROWS = [
    (amount, {"amount": 1_250}, 12.5),
    (amount, {}, NAN),
    (amount + 0.5, {"amount": 50}, 1.0),
    (1 - amount, {"amount": 50}, 0.5),
    (amount * points, {"amount": 50, "points": 3}, 1.5),
    (amount / points, {"amount": 50, "points": 0}, NAN),
    (amount * 8e307 * 10, {"amount": 500}, NAN),
    (amount < 1, {"amount": 100}, 0.0),
    (amount <= 1, {"amount": 100}, 1.0),
    (amount > 1, {"amount": 100}, 0.0),
    (amount >= 1, {"amount": 100}, 1.0),
    (amount == 1, {"amount": 100}, 1.0),
    (amount != 1, {}, NAN),
    ((amount > 1) & points, {"amount": 200, "points": -1}, 1.0),
    ((amount > 1) & (points > 0), {"amount": 200}, 0.0),
    ((amount > 1) | (points > 0), {"amount": 200}, 1.0),
    ((amount > 1) | (points == 0), {}, NAN),  # missing, though the other holds
    (~(amount > 1), {"amount": 100}, 1.0),
    (~(amount > 1), {}, NAN),
    (amount.between(1, 2), {"amount": 200}, 1.0),
    (amount.coalesce(points), {"points": 4}, 4.0),
    (amount.coalesce(points), {"amount": 100, "points": 4}, 1.0),
    (points.abs(), {"points": -4}, 4.0),
    (points.log1p(), {"points": 0}, 0.0),
    (points.log1p(), {"points": -1}, NAN),
    (amount.is_missing(), {}, 1.0),
    (amount.is_missing(), {"amount": 0}, 0.0),
    (payments.country.is_missing(), {"country": "DE"}, 0.0),
    (payments.country.category("FR", "DE"), {"country": "DE"}, 1.0),
    (payments.country.category("FR", "DE"), {"country": "IT"}, 2.0),
    (payments.country.category("FR", "DE"), {}, 3.0),
    (payments.country == "DE", {"country": "DE"}, 1.0),
    (payments.country == payments.shop, {"country": "s"}, 1.0),
    (payments.payment_id == "p", {}, 1.0),
    (payments.opened_at.hour(), {}, NAN),
    (payments.opened_at.hour(), {"opened_at": -1}, 23.0),
    (payments.opened_at.weekday(), {"opened_at": 0}, 3.0),
    (payments.opened_at.day(), {"opened_at": 59 * DAY}, 1.0),
    (payments.opened_at.month(), {"opened_at": 59 * DAY}, 3.0),
    (payments.opened_at.hour("Europe/Berlin"), {"opened_at": winter * SECOND}, 12.0),
    (payments.opened_at.hour("Europe/Berlin"), {"opened_at": summer * SECOND}, 12.0),
    (payments.opened_at.hour("Asia/Kathmandu"), {"opened_at": summer * SECOND}, 15.0),
    (payments.opened_at.weekday("America/New_York"), {"opened_at": 3 * HOUR}, 2.0),  # still Wednesday there
    (payments.opened_at.month("America/New_York"), {"opened_at": 3 * HOUR}, 12.0),
    (payments.paid_at.weekday(), {}, 3.0),
]


@pytest.mark.parametrize(("feature", "fields", "wanted"), ROWS)
def test_a_row_function_is_what_its_words_say(feature: Any, fields: dict[str, Any], wanted: float) -> None:
    """Functions of one payment's own fields."""
    assert same(answered(feature, [paid(1, 0, "p", **fields)], "p"), wanted)


@pytest.mark.parametrize("of", [-0.75, -1e-9, 1e-9, 0.4, 0.5, 1.0, 12.5, 1e6, 8e307])
def test_log1p_is_the_logarithm(of: float) -> None:
    """The series is within two units in the last place of what the mathematical library says."""
    own = OwnRecord(payments.definition, paid(1, 0, "p", points=1), lambda _: NAN)

    found = evaluate_number((points * of).log1p(), own)

    assert abs(found - math.log1p(of)) <= 2 * math.ulp(math.log1p(of))


def test_a_total_that_was_too_large_is_refused() -> None:
    """A total beyond 2**62 - 1 is refused as soon as it is there, even where no window shows it; and not before."""
    history = [
        paid(1, 0, "p1", customer="ann", points=2**61),
        paid(2, 50, "p2", customer="ann", points=2**61 - 1),
        paid(3, 99, "p3", customer="ann", points=1),
        paid(4, 99, "p4", customer="bob", points=1),
    ]
    spent = customer.sum(points).over("1s")

    with pytest.raises(FeatureOverflow, match="customer ann"):
        answered(spent, history, "p3")

    assert answered(spent, history, "p2") == float(2**61 - 1)
    assert answered(spent, history, "p4") == 1.0
    assert answered(customer.max(points).over("1s"), history, "p3") == 1.0


def test_a_late_event_can_make_earlier_totals_too_large() -> None:
    """Totals are kept in order of time: one that arrives later in between counts."""
    history = [
        paid(1, 1, "p1", customer="ann", points=2**61),
        paid(2, 3, "p2", customer="ann", points=-(2**61)),
        paid(3, 2, "p3", customer="ann", points=2**61),
    ]
    spent = customer.sum(points).over("1s")

    with pytest.raises(FeatureOverflow):
        answered(spent, history, "p3")

    assert answered(spent, history, "p1", 2) == float(2**61)


def test_a_value_too_large_to_square_is_refused() -> None:
    """2**47 has a square whose upper part is too large; one less has not."""
    spread = customer.std(points).over("1s")

    with pytest.raises(FeatureOverflow):
        answered(spread, [paid(1, 0, "p", customer="ann", points=2**47)], "p")

    assert math.isnan(answered(spread, [paid(1, 0, "p", customer="ann", points=2**47 - 1)], "p"))


def test_corrections_too_large_are_refused() -> None:
    """What corrections add up to has the same limit, from when payment and corrections are both there."""
    history = [
        record(refunds, 1, 0, "c1", payment_id="p1", delta=2**61),
        record(refunds, 2, 0, "c2", payment_id="p1", delta=2**61),
        paid(3, 5, "p1", customer="ann", amount=0),
        paid(4, 5, "p2", customer="bob", amount=0),
    ]

    with pytest.raises(FeatureOverflow):
        answered(customer.sum(net).over("1s"), history, "p1")

    assert answered(customer.sum(net).over("1s"), history, "p2") == 0.0
    assert answered(customer.sum(amount).over("1s"), history, "p1") == 0.0


def test_what_is_no_number_or_text_is_refused() -> None:
    """A text has no number and a number no text; definitions refuse that earlier."""
    own = OwnRecord(payments.definition, paid(1, 0, "p"), lambda _: NAN)

    with pytest.raises(DefinitionError, match="no number"):
        evaluate_number(Text("a"), own)
    with pytest.raises(DefinitionError, match="no text"):
        evaluate_text(amount, own)
