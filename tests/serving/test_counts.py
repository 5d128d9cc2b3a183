"""What an operator reads of a running service: refusals by their code, and caps that were reached."""

import tallystick as ts
from tallystick.features.plan import Plan
from tallystick.serving.counts import Counts
from tallystick.serving.requests import Recorded, Refused

payments = ts.Stream("payments", id="id", time="at", fields={"customer": ts.key, "shop": ts.key})


class Shops(ts.FeatureSet, spine=payments):
    """One feature with a cap."""

    hour = payments["at"].hour()  # type: ignore[union-attr]
    shops = payments.by("customer").distinct(payments.shop, cap=3).over("7d")


def test_answers_are_counted() -> None:
    """Refusals are counted by their code; what was recorded is no trouble."""
    counts = Counts({"fraud": Plan(Shops.definition, (payments.definition,))})

    counts.take([Refused("invalid", "No."), Recorded("payments", "p1", 1), Refused("conflict", "No.")])
    counts.take([Refused("invalid", "No.")])

    assert counts.refused == {"invalid": 2, "conflict": 1}
    assert counts.of("fraud") == {"fallbacks": 0, "caps": {"shops": 0}}
