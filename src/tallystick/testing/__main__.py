"""``python -m tallystick.testing`` builds the tiny world once: the kernels are compiled then, and kept for later."""

import tempfile
from pathlib import Path

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.features import FeatureSet
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.testing.scenario_streams import payments, refunds
from tallystick.testing.world import build

card = payments.by("card")


class Everything(FeatureSet, spine=payments):
    """A feature of every kind, so that every compiled function is asked for."""

    local = payments.paid_at.month("Europe/Berlin") + payments.points.log1p()
    late = card.sum(payments.amount.corrected_by(refunds.delta, on="payment_id")).over("1d")
    spread = card.std(payments.amount).over("1d", every="1h")
    smallest = card.min(payments.amount, where=payments.points > 0).over("1d")
    home = card.latest(payments.country) == payments.country
    countries = card.distinct(payments.country, cap=9).over("1d")


def main() -> None:
    """Build a world, compute one record's features of every kind, and throw both away."""
    keys: dict[str, str | None] = {"card": "a", "shop": "b", "country": None, "reverses": None}
    values: dict[str, int | None] = {"amount": 1, "points": 1, "abroad": None, "opened_at": None}
    sources = payments.definition, refunds.definition
    paid = from_parsed(payments.definition, [(1, Record("payments", "p", 0, keys, values))])
    compute(Plan(Everything.definition, sources), Dataset({"payments": paid}, "", 1))
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "world")


if __name__ == "__main__":
    main()
