"""Card fraud on published payments: the fifteen features and the split of the practical handbook."""

import tallystick as ts

payments = ts.Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    source="data/payments.parquet",
    fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
outcomes = ts.Table(
    "outcomes",
    key="payment_id",
    source="data/outcomes.parquet",
    fields={"is_fraud": ts.flag},
)
fraud = payments.flagged_by(outcomes.is_fraud, known_after="7d")  # no report time is published; the book says 7 days

customer, terminal = payments.by("customer_id"), payments.by("terminal_id")


class CardFraud(ts.FeatureSet, spine=payments):
    """What the handbook's models see."""

    amount = payments.amount
    weekend = payments.paid_at.weekday() >= 5
    night = payments.paid_at.hour() <= 6
    customer_n = customer.count().over("1d", "7d", "30d")
    customer_spend = customer.mean(payments.amount).over("1d", "7d", "30d")
    terminal_n = terminal.count().over("1d", "7d", "30d", delay="7d")
    terminal_risk = terminal.mean(fraud).over("1d", "7d", "30d", delay="7d")


model = ts.Model(
    "card-fraud",
    features=CardFraud,
    label=ts.Label(fraud, matures_after="7d"),
    split=ts.TimeSplit(train="7d", gap="7d", validate="7d", test="7d", test_from="2018-08-08"),
    candidates=[ts.LogisticRegression(), ts.GradientBoosting(max_trees=120, max_leaves=15)],
    search=ts.Search(trials=20, metric="average_precision"),
    policy=ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount), refer=ts.above(0.2)),
    limits=[ts.limit.average_precision(at_least=0.55), ts.limit.auc(at_least=0.80)],
)
