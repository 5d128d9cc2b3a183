"""What a policy promises: its written rule, the same for one record and for many, and no silent allowing."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tallystick.data.records import Record
from tallystick.definitions.expressions import Aggregate, Column, TimeColumn, TimePart
from tallystick.definitions.fields import flag, integer, key, money, number
from tallystick.definitions.policies import Policy, above, above_cost
from tallystick.definitions.streams import Stream
from tallystick.errors import BackgroundEmpty, PolicyUnusable
from tallystick.scoring.policy import background_rows, check_policy, decide, missed_cost, row_values, thresholds

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={"customer_id": key, "amount": money("EUR", minimum=0), "rate": number(3), "age": integer(), "abroad": flag},
)
AMOUNT = Column("payments", "amount")
BY_COST = Policy(decline=above_cost(false_alarm=5.0, missed=AMOUNT), refer=above(0.2))

scores = st.floats(0, 1)
amounts = st.integers(0, 10**8).map(lambda cents: cents / 100)


@given(scores, amounts)
def test_stops_where_missing_is_expected_to_cost_more(score: float, amount: float) -> None:
    """Away from equality, stop is exactly score * missed > (1 - score) * false_alarm."""
    assume(abs(score * amount - (1 - score) * 5.0) > 1e-9 * (1 + amount))

    verdict = decide(Policy(decline=above_cost(false_alarm=5.0, missed=AMOUNT)), score, {"amount": amount})

    assert (verdict.action == "decline") == (score * amount > (1 - score) * 5.0)


@given(scores, amounts)
def test_the_threshold_returned_settles_the_action(score: float, amount: float) -> None:
    """A declined or referred score is above its threshold; an approved one is above none."""
    verdict = decide(BY_COST, score, {"amount": amount})

    assert (score > verdict.threshold) == (verdict.action != "approve")


@pytest.mark.parametrize(
    ("score", "amount", "action", "threshold"),
    [
        (0.05, 95.0, "approve", 0.05),
        (0.0501, 95.0, "decline", 0.05),
        (0.2, 0.0, "approve", 0.2),
        (0.21, 5.0, "refer", 0.2),
        (0.51, 5.0, "decline", 0.5),
        (1.0, 0.0, "refer", 0.2),
        (1.0, -3.0, "refer", 0.2),
    ],
)
def test_equal_is_not_above(score: float, amount: float, action: str, threshold: float) -> None:
    """Decline comes before refer, equality approves, and what costs nothing is never declined."""
    verdict = decide(BY_COST, score, {"amount": amount})

    assert (verdict.action, verdict.threshold) == (action, threshold)


@pytest.mark.parametrize("amount", [nan, float("inf")])
def test_an_unknown_cost_is_referred(amount: float) -> None:
    """A record whose cost nobody knows goes to a person, whatever its score."""
    verdict = decide(Policy(decline=above_cost(false_alarm=5.0, missed=AMOUNT)), 0.0, {"amount": amount})

    assert verdict.action == "refer"
    assert isnan(verdict.threshold)


def test_a_division_by_zero_is_an_unknown_cost() -> None:
    """As in features, x / 0 is missing, and stays missing in what is made of it."""
    odd = Policy(decline=above_cost(false_alarm=5.0, missed=1.0 / (1.0 / AMOUNT)))

    assert decide(odd, 0.0, {"amount": 0.0}).action == "refer"


@given(st.lists(st.tuples(scores, amounts), min_size=1, max_size=20))
def test_many_records_have_the_thresholds_of_each(pairs: list[tuple[float, float]]) -> None:
    """Thresholds of columns are, bit for bit, those of the records one by one."""
    costly = Policy(decline=above_cost(false_alarm=5.0, missed=AMOUNT * 0.9 + 1.0 / AMOUNT), refer=above(0.2))
    column = [amount for _, amount in pairs]

    stop, _ = thresholds(costly, {"amount": column})

    np.testing.assert_array_equal(stop, [thresholds(costly, {"amount": amount})[0] for amount in column])


def test_a_records_numbers_come_in_their_units() -> None:
    """Whole numbers become units by one division; a missing one is NaN."""
    record = Record("payments", "p1", 0, {}, {"amount": 1234, "rate": None, "age": 40, "abroad": 1})

    values = row_values(payments.definition, record)

    assert isnan(values.pop("rate"))
    assert values == {"amount": 12.34, "age": 40.0, "abroad": 1.0}


@pytest.mark.parametrize(
    "missed",
    [
        Column("payments", "nothing"),
        Column("other", "amount"),
        TimePart("hour", TimeColumn("payments", "paid_at")),
        Aggregate("sum", "payments", ("customer_id",), AMOUNT, 1, 0),
        AMOUNT * Aggregate("sum", "payments", ("customer_id",), AMOUNT, 1, 0),
    ],
)
def test_a_cost_not_in_the_record_is_refused(missed: Column) -> None:
    """A policy is refused before it decides anything if a record does not bring its cost along."""
    with pytest.raises(PolicyUnusable, match="which is no number every record"):
        check_policy(Policy(decline=above_cost(false_alarm=5.0, missed=missed)), payments.definition)


def test_the_cost_of_missing_is_one_number_per_record() -> None:
    """A cost by column and a constant cost both come as one number per record."""
    by_column, constant = above_cost(false_alarm=5.0, missed=AMOUNT * 0.5), above_cost(false_alarm=5.0, missed=70.0)

    assert missed_cost(by_column, {"amount": [10.0, 30.0]}, 2).tolist() == [5.0, 15.0]
    assert missed_cost(constant, {}, 2).tolist() == [70.0, 70.0]


def test_the_background_is_the_allowed_rows_nearest_their_threshold() -> None:
    """Only allowed rows, nearest first, the earlier of equals, returned in the order of rows."""
    policy = Policy(decline=above(0.9), refer=above(0.5))

    found = background_rows(policy, [0.6, 0.4, 0.5, 0.1, 0.4, 0.95, 0.3], {}, n=3)

    assert found.tolist() == [1, 2, 4]


def test_the_background_measures_each_row_by_its_own_threshold() -> None:
    """A small score on a large amount may be nearer to its threshold than a large score on a small one."""
    found = background_rows(BY_COST, [0.04, 0.15, 0.6], {"amount": [95.0, 0.0, 1.0]}, n=1)

    assert found.tolist() == [0]


def test_a_policy_that_allows_nothing_has_no_background() -> None:
    """Where every row is declined or unknown, the sentence says so."""
    with pytest.raises(BackgroundEmpty, match="none of 2 rows"):
        background_rows(BY_COST, [0.9, 0.0], {"amount": [95.0, nan]})
