"""The streams and tables of the scenarios: two spines, reports, corrections, outcomes, a dated and a static table."""

from tallystick.definitions.fields import flag, integer, key, money, number, optional, time
from tallystick.definitions.streams import Stream, Table

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={
        "card": optional(key),
        "shop": key,
        "country": optional(key),
        "reverses": optional(key),
        "amount": optional(money("EUR")),
        "points": integer(),
        "abroad": optional(flag),
        "opened_at": optional(time),
    },
)
applications = Stream(
    "applications",
    id="application_id",
    time="applied_at",
    fields={
        "client": optional(key),
        "card": optional(key),
        "shop": key,
        "requested": optional(money("EUR")),
        "share": number(scale=3),
        "years": integer(),
        "is_new": flag,
    },
)
reports = Stream(
    "reports", id="report_id", time="reported_at", fields={"payment_id": optional(key), "confirmed": optional(flag)}
)
refunds = Stream(
    "refunds", id="refund_id", time="refunded_at", fields={"payment_id": optional(key), "delta": optional(money("EUR"))}
)
outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag, "is_abuse": optional(flag)})
profiles = Table(
    "profiles",
    key="card",
    valid_from="updated_at",
    fields={"home": optional(key), "limit": optional(money("EUR")), "vip": flag},
)
shops = Table("shops", key="shop", static=True, fields={"country": optional(key), "risk": optional(number(scale=2))})

SPINES = (payments, applications)
SOURCES = tuple(source.definition for source in (payments, applications, reports, refunds, outcomes, profiles, shops))
