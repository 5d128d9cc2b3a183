"""The published card payments, all of them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tallystick.data import segment
from tallystick.data.fingerprint import fingerprint
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


def test_outcomes_stand_where_they_became_known(published: Reading) -> None:
    """Each outcome's instant is seven days after its payment, and the sequence counts both without a hole."""
    payments, outcomes = published.dataset.records.values()

    position = np.concatenate([payments.position, outcomes.position])
    assert (outcomes.time == payments.time + 7 * 86_400_000_000).all()
    assert (np.sort(position) == np.arange(1, 2 * 1_754_155 + 1)).all()
    assert (np.diff(payments.position) > 0).all()
    assert all(screening.in_time_order for screening in published.screenings.values())


def test_rewritten_files_have_the_same_fingerprint(published: Reading, shared_data: Path, tmp_path: Path) -> None:
    """Other row groups, another compression, another order of columns and several files do not matter."""
    payments = pq.read_table(shared_data / "card_payments" / "payments.parquet")
    (tmp_path / "payments.parquet").mkdir()
    for part, (start, length) in enumerate([(0, 1_000_000), (1_000_000, 754_155)]):
        shuffled = payments.slice(start, length).select(payments.column_names[::-1])
        path = tmp_path / "payments.parquet" / f"{part}.parquet"
        pq.write_table(shuffled, path, row_group_size=123_457, compression="lz4")
    (tmp_path / "outcomes.parquet").symlink_to(shared_data / "card_payments" / "outcomes.parquet")

    repeated = read([PAYMENTS.definition, OUTCOMES.definition], [FLAG], tmp_path, now=NOW)

    assert repeated.dataset.fingerprint == published.dataset.fingerprint


def test_the_published_set_survives_its_segment(published: Reading, tmp_path: Path) -> None:
    """Saved and opened, it is the same dataset."""
    saved = segment.save(published.dataset, tmp_path)

    opened = segment.open_segment(Path(saved.path), [PAYMENTS.definition, OUTCOMES.definition])

    assert fingerprint(opened.records) == published.dataset.fingerprint == opened.fingerprint
