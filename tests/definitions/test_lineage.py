"""From a model back to its data: every feature, the label and the policy name their columns, streams and files."""

import msgspec
import pytest

import tallystick as ts
from tallystick.definitions.lineage import Lineage, lineage

payments = ts.Stream(
    "payments", id="payment_id", time="paid_at", source="s3://bank/payments",
    fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR")},
)  # fmt: skip
chargebacks = ts.Stream(
    "chargebacks", id="id", time="reported_at", source="chargebacks.parquet", fields={"payment_id": ts.key}
)
profiles = ts.Table(
    "profiles", key="customer_id", valid_from="updated_at", source="profiles.csv", fields={"limit": ts.money("EUR")}
)
fraud = payments.flagged_by(chargebacks, on="payment_id")


class CardFraud(ts.FeatureSet, spine=payments):
    """Three kinds of features: of the record, of a table, of reports."""

    amount = payments.amount
    used = payments.amount / profiles.asof(payments.customer_id).limit
    risk = payments.by("terminal_id").mean(fraud).over("7d", delay="7d")


model = ts.Model(
    "card-fraud",
    features=CardFraud,
    label=ts.Label(fraud, matures_after="30d"),
    split=ts.TimeSplit(train="60d", gap="7d", validate="7d", test="7d"),
    candidates=ts.GradientBoosting(),
    policy=ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount), refer=ts.above(0.2)),
)


@pytest.fixture
def found() -> Lineage:
    """Return the lineage of the model above."""
    sources = {each.definition.name: each.definition for each in (payments, chargebacks, profiles)}
    return lineage(model.definition, sources)


def test_every_part_of_a_model_has_an_origin(found: Lineage) -> None:
    """Features come in their order, then the label, then what the policy looks at."""
    assert [origin.part for origin in found.origins] == [
        "amount", "used", "risk", "label", "policy.decline", "policy.refer",
    ]  # fmt: skip


def test_an_origin_names_columns_streams_and_addresses(found: Lineage) -> None:
    """A looked-up value comes from both its record's and its table's columns, and from both addresses."""
    used = found["used"]

    assert used.columns == (
        "payments.amount", "profiles.customer_id", "profiles.updated_at", "payments.customer_id", "payments.paid_at",
        "profiles.limit",
    )  # fmt: skip
    assert (used.streams, used.sources) == (("payments", "profiles"), ("s3://bank/payments", "profiles.csv"))


def test_label_and_policy_have_origins(found: Lineage) -> None:
    """The label comes from reports and what they report, a cost from its column, a bare threshold from nothing."""
    assert found["label"].columns == (
        "chargebacks.payment_id", "chargebacks.reported_at", "payments.payment_id", "payments.paid_at",
    )  # fmt: skip
    assert found["policy.decline"].columns == ("payments.amount",)
    assert found["policy.refer"].columns == ()


def test_who_uses_a_column_is_told(found: Lineage) -> None:
    """Asked about a column, it names every part of the model that would change with it."""
    assert found.using("payments.amount") == ("amount", "used", "policy.decline")
    assert found.using("chargebacks.reported_at") == ("risk", "label")


def test_lineage_is_data(found: Lineage) -> None:
    """As JSON it comes back as it was."""
    assert msgspec.json.decode(msgspec.json.encode(found.to_plain()), type=Lineage) == found
