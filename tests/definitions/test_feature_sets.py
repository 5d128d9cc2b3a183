"""A feature set has what is written in it, and what the sets below it have."""

from typing import Any

import pytest

import tallystick as ts
from tallystick.errors import DefinitionError

payments = ts.Stream(
    "payments", id="payment_id", time="paid_at", fields={"customer_id": ts.key, "amount": ts.money("EUR")}
)
logins = ts.Stream("logins", id="id", time="at", fields={"customer_id": ts.key})
customer: Any = payments.by("customer_id")


class Base(ts.FeatureSet, spine=payments):
    """What two models share."""

    amount = payments.amount
    n = customer.count().over("1d", "7d")


def test_a_subclass_has_its_parents_features() -> None:
    """The parent's features come first, on the parent's spine, and the parent stays as it was."""

    class More(Base):
        hour = payments.paid_at.hour()

    assert More.definition.names == ("amount", "n_1d", "n_7d", "hour")
    assert More.definition.spine is Base.definition.spine
    assert Base.definition.names == ("amount", "n_1d", "n_7d")


def test_what_is_written_anew_replaces() -> None:
    """An attribute of the parent's name replaces it in its place, with all its windows."""

    class Other(Base, spine=payments):
        n = customer.count().over("30d")

    assert Other.definition.names == ("amount", "n")


def test_sets_are_put_together() -> None:
    """A set of two sets has the features of both."""

    class Nights(ts.FeatureSet, spine=payments):
        night = payments.paid_at.hour() <= 6

    class Both(Base, Nights):
        pass

    assert sorted(Both.definition.names) == ["amount", "n_1d", "n_7d", "night"]


def test_one_spine_for_all() -> None:
    """A subclass cannot have rows of another stream."""
    with pytest.raises(DefinitionError, match="its spine cannot be 'logins'"):

        class Wrong(Base, spine=logins):
            wrong = logins.by("customer_id").count().over("1d")
