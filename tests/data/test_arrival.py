"""When records arrived: it orders history, and bounds how late they may be."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.data.contract import CLOCK_TOLERANCE_US, parse, screen
from tallystick.data.read import read
from tallystick.data.records import is_same
from tallystick.data.segment import open_segment, save
from tallystick.definitions import fields as f
from tallystick.definitions.streams import Stream
from tallystick.errors import RowRefused

HOUR = 3_600_000_000
NOW = 100 * HOUR
FIELDS = {"customer_id": f.key}
payments = Stream(
    "payments", id="payment_id", time="paid_at", arrived="came_at", lateness="2h", source="p.parquet", fields=FIELDS
)
plain = Stream("payments", id="payment_id", time="paid_at", source="p.parquet", fields=FIELDS)
others = Stream("others", id="id", time="at", source="o.parquet", fields={})


def _table(paid: list[int], came: list[int]) -> pa.Table:
    kind = pa.timestamp("us")
    columns = {"payment_id": list(range(len(paid))), "paid_at": pa.array(paid, kind), "came_at": pa.array(came, kind)}
    return pa.table(columns | {"customer_id": ["C"] * len(paid)})


def test_history_is_in_order_of_arrival(tmp_path: Path) -> None:
    """Records are numbered as they arrived, so that a late one stands behind what it happened before."""
    pq.write_table(_table([3 * HOUR, 2 * HOUR, HOUR], [3 * HOUR, 3 * HOUR, HOUR]), tmp_path / "p.parquet")
    at = pa.array([2 * HOUR], pa.timestamp("us"))
    pq.write_table(pa.table({"id": [1], "at": at}), tmp_path / "o.parquet")

    reading = read([payments.definition, others.definition], (), tmp_path, now=NOW)

    records = reading.dataset.records["payments"]
    assert (records.ids.to_pylist(), records.position.tolist()) == (["2", "0", "1"], [1, 3, 4])
    assert (records.time // HOUR).tolist() == [1, 3, 2]
    assert reading.dataset.records["others"].position.tolist() == [2]
    assert not reading.screenings["payments"].in_time_order


def test_arrivals_are_held_to_time_and_clock() -> None:
    """What came later than allowed, before it happened, or after now is refused; a clock's tolerance is not."""
    paid = [HOUR, HOUR, HOUR, HOUR, NOW - HOUR]
    came = [3 * HOUR, 3 * HOUR + 1, HOUR - CLOCK_TOLERANCE_US, HOUR - CLOCK_TOLERANCE_US - 1, NOW + 1]

    kept, refused = screen(payments.definition, [_table(paid, came)], now=NOW)

    assert kept.ids.to_pylist() == ["0", "2"]
    reasons = zip(refused.rows.tolist(), refused.reasons, strict=True)
    noted = {row: (reason[0].field, reason[0].code) for row, reason in reasons}
    assert noted == {
        1: ("paid_at", "beyond_lateness"),
        3: ("came_at", "arrived_before"),
        4: ("came_at", "in_the_future"),
    }


def test_the_sentence_tells_how_late() -> None:
    """Who sends a record too late reads the field, the instant, how late it is, and what is allowed."""
    raw = {"payment_id": 1, "paid_at": "1970-01-02T00:00:00Z", "customer_id": "C"}

    with pytest.raises(RowRefused) as caught:
        parse(payments.definition, raw, now=27 * HOUR + 61_000_000)

    (noted,) = caught.value.reasons
    assert noted.code == "beyond_lateness"
    assert noted.sentence == (
        "paid_at is '1970-01-02T00:00:00Z'; the record arrived 3h 1m 1s after that, and may at most 2h after it."
    )


@pytest.mark.parametrize("more", [{}, {"came_at": "1970-01-01T09:00:00Z"}, {"came_at": "never"}])
def test_a_request_arrives_now(more: dict[str, Any]) -> None:
    """The server's clock says when a live record arrived, whatever the request says about it."""
    raw = {"payment_id": 1, "paid_at": "1970-01-02T00:00:00Z", "customer_id": "C"} | more

    record = parse(payments.definition, raw, now=25 * HOUR)

    assert record.values == {"came_at": 25 * HOUR}
    assert is_same(record, parse(payments.definition, raw, now=26 * HOUR), payments.definition)


def test_what_was_accepted_is_not_asked_again() -> None:
    """A record that stands in a log is read again at any time, however late that is."""
    raw = {"payment_id": 1, "paid_at": "1970-01-02T00:00:00Z", "customer_id": "C"}

    assert parse(payments.definition, raw, now=NOW, is_known=True).time == 24 * HOUR


def test_a_segment_without_arrivals_had_them_in_time(tmp_path: Path) -> None:
    """History kept before arrivals were declared counts as having arrived when it happened."""
    pq.write_table(_table([HOUR, 2 * HOUR], [HOUR, 2 * HOUR]).drop_columns("came_at"), tmp_path / "p.parquet")
    kept = save(read([plain.definition], (), tmp_path, now=NOW).dataset, tmp_path / "kept")

    records = open_segment(Path(kept.path), [payments.definition]).records["payments"]

    assert np.array_equal(records.values["came_at"].values, records.time)
