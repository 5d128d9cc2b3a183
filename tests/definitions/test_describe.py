"""A feature set tells a person what it means: words for every expression, units, inputs, cost."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.definitions.costs import requirements
from tallystick.definitions.describe import Description
from tallystick.definitions.expressions import AnyExpr, Expr, Literal, TableColumn
from tallystick.definitions.features import FeatureDefinition, FeatureSet
from tallystick.definitions.fields import flag, integer, key, money, optional
from tallystick.definitions.meaning import DESCRIBABLE, meaning
from tallystick.definitions.streams import Stream, Table
from tallystick.definitions.units import unit
from tallystick.errors import DefinitionError
from tallystick.features.plan import Plan
from tallystick.testing.feature_strategies import any_feature
from tallystick.testing.scenario_streams import SOURCES as DRAWN_FROM
from tallystick.testing.scenario_streams import SPINES

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={
        "customer_id": key,
        "terminal_id": key,
        "country": key,
        "channel": optional(key),
        "amount": money("EUR"),
        "tip": optional(money("EUR")),
        "fee": money("USD"),
        "abroad": optional(flag),
        "points": integer(),
    },
)
chargebacks = Stream("chargebacks", id="id", time="reported_at", fields={"payment_id": key, "confirmed": flag})
outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag})
refunds = Stream("refunds", id="id", time="refunded_at", fields={"payment_id": key, "amount": money("EUR")})
profiles = Table("profiles", key="customer_id", valid_from="updated_at", fields={"home": key, "limit": money("EUR")})
shops = Table("shops", key="terminal_id", static=True, fields={"sector": key})
logins = Stream("logins", id="id", time="at", fields={"user": key, "device": key})

SOURCES = {each.definition.name: each.definition for each in (payments, chargebacks, refunds, profiles, shops, logins)}
customer, terminal = payments.by("customer_id"), payments.by("terminal_id")
user = logins.by("user").at(payments.customer_id)
fraud = payments.flagged_by(chargebacks, on="payment_id")
corrected = payments.amount.corrected_by(refunds.amount, on="payment_id")
spend: Any = customer.mean(payments.amount).over("1d", "30d")

MEANINGS: list[tuple[Any, str]] = [
    (payments.amount, "amount (EUR)"),
    (payments.points + 0.5, "points plus 0.5"),
    (payments.amount - payments.tip, "amount (EUR) minus tip (EUR)"),
    (payments.points * payments.points / 2, "(points times points) divided by 2"),
    (payments.paid_at.hour(), "the hour of paid_at (UTC)"),
    (payments.paid_at.hour("Europe/Berlin") <= 6, "1 if the hour of paid_at (Europe/Berlin) is at most 6, else 0"),
    (payments.paid_at.weekday(), "the weekday of paid_at (UTC, 0 for Monday)"),
    (payments.paid_at.day("Asia/Tokyo"), "the day of the month of paid_at (Asia/Tokyo)"),
    (payments.paid_at.month(), "the month of paid_at (UTC)"),
    (payments.channel == "web", "1 if channel equals 'web', else 0, missing where a part of it is missing"),
    (payments.country != profiles.asof(payments.customer_id).home,
     ("1 if country differs from (home in profiles as of the record, looked up by customer_id), else 0, "
     "missing where a part of it is missing")),
    ((payments.points > 1) & (payments.points < 9), "1 if points is above 1 and points is below 9, else 0"),
    ((payments.points.between(1, 2) | payments.abroad) & ~(payments.points > 3),
     ("1 if ((points is at least 1 and points is at most 2) or abroad is not 0) and not (points is above 3), else 0, "
     "missing where a part of it is missing")),
    (payments.channel.is_missing(), "1 if channel is missing, else 0"),
    (payments.tip.coalesce(0).log1p(), "the natural logarithm of 1 + (tip (EUR), or 0 where that is missing)"),
    (payments.points.abs(), "points without its sign"),
    (payments.channel.category("web", "app"),
     "the place of channel in 'web', 'app' (from 0 on; 2 for another, 3 where missing)"),
    (shops.asof(payments.terminal_id).sector.category("food"),
     "the place of sector in shops, looked up by terminal_id in 'food' (from 0 on; 1 for another, 2 where missing)"),
    (customer.count().over("7d"), "number of the customer's payments of the last 7 days"),
    (customer.count(where=payments.amount > 100).over("90s"),
     "number of the customer's payments of the last 90 seconds for which amount (EUR) is above 100"),
    (customer.sum(payments.amount).over("1h"), "sum of amount (EUR) over the customer's payments of the last 1 hour"),
    (customer.mean(payments.amount).over("7d", delay="7d"),
     "mean of amount (EUR) over the customer's payments of the 7 days up to 7 days before the record"),
    (spend.trend("1d", "30d"),
     ("(mean of amount (EUR) over the customer's payments of the last 1 day) divided by "
     "(mean of amount (EUR) over the customer's payments of the last 30 days)")),
    (customer.std(payments.amount).over("7d"),
     "sample standard deviation of amount (EUR) over the customer's payments of the last 7 days"),
    (customer.min(payments.points).over("7d"), "smallest points of the customer's payments of the last 7 days"),
    (customer.max(payments.points).over("7d"), "largest points of the customer's payments of the last 7 days"),
    (customer.first(payments.points).over("7d"), "points of the first of the customer's payments of the last 7 days"),
    (customer.last(payments.tip).over("7d"),
     "tip (EUR) of the last of the customer's payments of the last 7 days that has it"),
    (customer.latest(payments.tip), "tip (EUR) of the latest of the customer's payments"),
    (customer.distinct(payments.terminal_id, cap=50).over("7d"),
     ("number of different terminal_id of the customer's payments of the last 7 days; "
     "missing where they are more than 50")),
    (customer.since_last().over("1d", delay="1us"),
     "seconds since the last of the customer's payments of the 1 day up to 1 microsecond before the record"),
    (customer.count().over("30d", every="1h"),
     "number of the customer's payments of the last 30 days (from the last multiple of 1 hour before)"),
    (terminal.mean(fraud).over("7d", delay="7d"),
     ("share of the terminal's payments of the 7 days up to 7 days before the record that had been reported in "
     "chargebacks by then")),
    (terminal.sum(payments.flagged_by(outcomes.is_fraud, known_after="2d")).over("7d"),
     "number of the terminal's payments of the last 7 days with is_fraud in outcomes, known 2 days after each"),
    (terminal.rate(payments.flagged_by(chargebacks.confirmed, on="payment_id")).over("7d"),
     "share of the terminal's payments of the last 7 days with confirmed in chargebacks by then"),
    (customer.rate(payments.abroad).over("7d"),
     "share of the customer's payments of the last 7 days with abroad, among those where that is known"),
    (customer.rate(payments.points > 3).over("7d"),
     "share of the customer's payments of the last 7 days for which points is above 3"),
    (customer.sum(corrected).over("30d"),
     ("sum of amount (EUR), as corrected by amount of refunds until then, over the customer's payments of the last "
     "30 days")),
    (payments.by("customer_id", "terminal_id").count().over("1w"),
     "number of the payments of the same customer and terminal of the last 7 days"),
    (user.count(where=logins.device != "web").over("1h"),
     ("number of the logins of the last 1 hour whose user is the record's customer_id and for which device differs "
     "from 'web'")),
]  # fmt: skip

UNITS: list[tuple[Any, str]] = [
    (payments.amount, "EUR"),
    (payments.amount + 1, "EUR"),
    (1 + payments.amount.abs(), "EUR"),
    (payments.amount.coalesce(0), "EUR"),
    (payments.amount + payments.fee, "EUR and USD"),
    (payments.amount / payments.fee, "EUR/USD"),
    (payments.amount * payments.fee, "EUR*USD"),
    (2 * payments.amount, "EUR"),
    (1 / payments.amount, "1/EUR"),
    (payments.points, "none"),
    (payments.amount > 3, "none"),
    (payments.paid_at.hour(), "none"),
    (payments.amount.log1p(), "none"),
    (spend["1d"], "EUR"),
    (spend.trend("1d", "30d"), "none"),
    (spend["1d"] * customer.count().over("1d"), "EUR"),
    (customer.std(payments.fee).over("1d"), "USD"),
    (customer.sum(corrected).over("1d"), "EUR"),
    (customer.count().over("1d"), "count"),
    (customer.distinct(payments.country, cap=5).over("1d"), "count"),
    (customer.sum(fraud).over("1d"), "count"),
    (customer.mean(fraud).over("1d"), "share 0-1"),
    (customer.rate(payments.abroad).over("1d"), "share 0-1"),
    (customer.rate(payments.points > 3).over("1d"), "share 0-1"),
    (customer.since_last().over("1d"), "seconds"),
    (profiles.asof(payments.customer_id).limit, "EUR"),
]


class Everything(FeatureSet, spine=payments):
    """Every expression that the words are tested with, as one set."""

    locals().update({f"f{i}": expr for i, (expr, _) in enumerate(MEANINGS)})


@pytest.mark.parametrize(("expr", "words"), MEANINGS, ids=[words for _, words in MEANINGS])
def test_meaning(expr: Any, words: str) -> None:
    """A definition is told in words that say exactly what it means."""
    sources = SOURCES | {"outcomes": outcomes.definition}

    assert meaning(expr, sources) == words


def test_every_expression_has_words() -> None:
    """No kind of expression can be added without words for it."""
    assert frozenset(get_args(AnyExpr)) == DESCRIBABLE
    assert frozenset(Expr.__subclasses__()) == DESCRIBABLE


def test_what_no_feature_may_be_has_words_too() -> None:
    """Constants and undated outcomes can be told, since errors and documents may speak of them."""
    assert meaning(Literal(1e300), {}) == "1e+300"
    assert meaning(TableColumn("outcomes", "id", "is_fraud"), {}) == "is_fraud of outcomes, whenever it became known"


@pytest.mark.parametrize(("expr", "expected"), UNITS)
def test_unit(expr: Any, expected: str) -> None:
    """A number's unit follows from its columns' through every operation."""
    assert unit(expr, SOURCES) == expected


def test_cost_is_what_the_plan_keeps() -> None:
    """The totals, tracks, series and edges that the words count are those of the plan, group by group."""
    plan = Plan(Everything.definition, (*SOURCES.values(), outcomes.definition))

    assert _counted(plan) == _planned(plan)


@given(st.data())
def test_whatever_can_be_declared_can_be_told(data: st.DataObject) -> None:
    """Any feature set has meanings, units, inputs that are declared columns, and the costs of its plan."""
    spine = data.draw(st.sampled_from(list(SPINES)))
    drawn = data.draw(st.lists(any_feature(spine), min_size=1, max_size=4))
    definition = FeatureDefinition("Drawn", spine.definition, {f"f{i}": expr for i, expr in enumerate(drawn)})
    sources = {source.name: source for source in DRAWN_FROM}

    noted = definition.describe(sources)

    declared = {f"{name}.{field}" for name, source in sources.items() for field in source.fields}
    assert all(feature.meaning and feature.unit for feature in noted.features)
    assert all(declared.issuperset(feature.inputs) for feature in noted.features)
    plan = Plan(definition, tuple(sources.values()))
    assert _counted(plan) == _planned(plan)


def _counted(plan: Plan) -> list[tuple[int, ...]]:
    """Return how many totals, tracks, series and edges the features of each group need together."""
    exprs = plan.definition.features.values()
    every = {need for expr in exprs for need in requirements(expr, plan.streams)}
    groups = [(group.stream, group.keys, group.at) for group in plan.groups]
    every |= {("total", group, "number", None, None) for group in groups}  # events are counted always
    kinds = ("total", "track", "series", "edge")
    return [tuple(sum(need[:2] == (kind, group) for need in every) for kind in kinds) for group in groups]


def _planned(plan: Plan) -> list[tuple[int, ...]]:
    return [tuple(map(len, (group.channels, group.tracks, group.series, group.offsets))) for group in plan.groups]


def test_what_is_shared_is_said() -> None:
    """Two features over one count share its total and the edge at the record, and name each other."""

    class Two(FeatureSet, spine=payments):
        n = customer.count().over("1d", "7d")
        amount = payments.amount

    noted = Two.describe()

    assert str(noted["n_1d"].cost) == "1 running total per event, 2 lookups per question; 2 shared with n_7d"
    assert noted["n_1d"].cost.shared_with == ("n_7d",)
    assert str(noted["amount"].cost) == "nothing but the record"


def test_inputs_are_named_once() -> None:
    """A feature's inputs are all columns it looks at: values, keys, instants, and what ties reports to records."""

    class One(FeatureSet, spine=payments):
        risk = terminal.mean(fraud).over("7d", delay="7d") / terminal.mean(fraud).over("30d", delay="7d")

    noted = One.describe(chargebacks)["risk"]

    assert noted.inputs == (
        "payments.terminal_id",
        "payments.paid_at",
        "chargebacks.payment_id",
        "chargebacks.reported_at",
        "payments.payment_id",
    )
    assert (noted.windows, noted.delays) == (("7d", "30d"), ("7d",))


def test_a_description_is_a_table_and_data() -> None:
    """Printed it is one aligned table of every feature; as JSON it comes back as it was."""
    noted = Everything.describe()
    lines = str(noted).splitlines()

    assert lines[0] == f"Everything: {len(MEANINGS)} features, one row per record of payments"
    starts = {lines[1].index(column) for column in ("meaning", "unit", "cost")}
    assert all(line[start - 1 : start] in ("", " ") for line in lines[1:] for start in starts)
    assert max(map(len, lines)) <= 100
    assert msgspec.json.decode(msgspec.json.encode(noted), type=Description) == noted
    assert noted.to_plain()["features"][0]["meaning"] == "amount (EUR)"


def test_a_source_that_is_not_at_hand_is_asked_for() -> None:
    """Where a looked-at source neither stands beside the class nor is handed in, the sentence names it."""
    elsewhere = Stream("elsewhere", id="id", time="at", fields={"customer_id": key})

    class Far(FeatureSet, spine=payments):
        n = elsewhere.by("customer_id").count().over("7d")

    with pytest.raises(DefinitionError, match=r"describe\(elsewhere\)"):
        Far.describe()
    assert Far.describe(elsewhere)["n"].meaning == "number of the customer's elsewhere of the last 7 days"
