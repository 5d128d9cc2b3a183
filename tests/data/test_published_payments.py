"""The published card payments, all of them."""

from pathlib import Path

import pytest

from tallystick.data.read import Reading, read
from tallystick.definitions import fields as f
from tallystick.definitions.streams import Stream, Table

NOW = 1_700_000_000_000_000

PAYMENTS = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    source="payments.parquet",
    fields={"customer_id": f.key, "terminal_id": f.key, "amount": f.money("EUR", minimum=0)},
)
OUTCOMES = Table("outcomes", key="payment_id", source="outcomes.parquet", fields={"is_fraud": f.flag})
FLAG = PAYMENTS.flagged_by(OUTCOMES.is_fraud, known_after="7d")


@pytest.fixture(scope="module")
def published(shared_data: Path) -> Reading:
    """Return the whole published set, read once."""
    return read([PAYMENTS.definition, OUTCOMES.definition], [FLAG], shared_data / "card_payments", now=NOW)


def test_every_published_payment_is_accepted(published: Reading) -> None:
    """All 1,754,155 payments and outcomes keep their contracts, the 42 payments of nothing among them."""
    payments, outcomes = published.dataset.records.values()

    assert len(payments) == len(outcomes) == 1_754_155
    assert (payments.values["amount"].values == 0).sum() == 42
    assert outcomes.values["is_fraud"].values.sum() == 14_681
    assert [s.n_refused for s in published.screenings.values()] == [0, 0]
