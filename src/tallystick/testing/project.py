"""The tiny world's project file: few features, of every kind there is."""

PROJECT = '''"""Card fraud, small: which card payments to stop."""
import tallystick as ts

payments = ts.Stream(
    "payments", id="payment_id", time="paid_at", source="data/payments.parquet",
    fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
chargebacks = ts.Stream(
    "chargebacks", id="report_id", time="reported_at", source="data/chargebacks.parquet", holds="outcomes",
    fields={"payment_id": ts.key},
)
fraud = payments.flagged_by(chargebacks, on="payment_id")
customer, terminal = payments.by("customer_id"), payments.by("terminal_id")


class CardFraud(ts.FeatureSet, spine=payments):
    amount = payments.amount
    night = payments.paid_at.hour() <= 6
    n = customer.count().over("1d", "7d")
    spend = customer.mean(payments.amount).over("1d", "7d")
    burst = spend["1d"] / spend["7d"]
    risk = terminal.mean(fraud).over("7d", "30d", delay="1d")


model = ts.Model(
    "card-fraud",
    features=CardFraud,
    label=ts.Label(fraud, matures_after="14d"),
    split=ts.TimeSplit(train="20d", gap="2d", validate="5d", test="5d"),
    candidates=[ts.LogisticRegression()],
    policy=ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount), refer=ts.above(0.05)),
)
'''
