"""What the log added stands beside history as if it had been read with it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.data import contract
from tallystick.data.fingerprint import fingerprint
from tallystick.data.merge import concat, from_parsed
from tallystick.data.records import Dataset
from tallystick.errors import RecordsClash


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None]), st.none() | st.integers(0, 9))),
    st.data(),
)
def test_history_and_additions_are_one_dataset(world: Any, rows: list[Any], data: st.DataObject) -> None:
    """Wherever a sequence of records is cut in two, putting the halves together gives the whole."""
    parsed = [
        (position, contract.parse(world.payments, _raw(position, *row), now=world.now))
        for position, row in enumerate(rows, start=1)
    ]
    cut = data.draw(st.integers(0, len(parsed)))
    whole, before, after = (from_parsed(world.payments, part) for part in (parsed, parsed[:cut], parsed[cut:]))
    history = concat(Dataset({}, "", 0), {"payments": before})

    joined = concat(history, {"payments": after})

    assert joined.fingerprint == fingerprint({"payments": whole})
    assert joined.last_position == len(rows)


def test_what_was_parsed_equals_what_was_read(world: Any) -> None:
    """A record sent as a request and a row of a file are the same record."""
    rows = [world.payment(f"P{n}", n, customer_id=f"C{n % 2}", rate=None) for n in range(5)]
    world.write(rows)
    read = world.read().dataset.records["payments"]

    raws = [row | {"paid_at": f"1970-01-01T00:00:00.00000{n}Z"} for n, row in enumerate(rows)]
    parsed = [
        (position, contract.parse(world.payments, raw, now=world.now)) for position, raw in enumerate(raws, start=1)
    ]

    assert fingerprint({"p": from_parsed(world.payments, parsed)}) == fingerprint({"p": read})


def test_an_outcome_that_was_sent_waits_for_its_event(world: Any) -> None:
    """A table's row has no instant: its time is 0, and its key is there to be joined."""
    record = contract.parse(world.outcomes, b'{"payment_id": "P1", "is_fraud": 1}', now=world.now)

    records = from_parsed(world.outcomes, [(9, record)])

    assert (records.position.tolist(), records.time.tolist(), records.ids.to_pylist()) == ([9], [0], ["P1"])
    assert records.keys["payment_id"].names.to_pylist() == ["P1"]


def test_a_new_source_comes_last(world: Any) -> None:
    """Records of a stream that history did not have are added after it."""
    world.write([world.payment("P1", 0)])
    history = world.read().dataset
    raw = {"report_id": "R1", "reported_at": "1970-01-02T00:00:00Z", "payment_id": "P1", "real": True}
    report = contract.parse(world.reports, raw, now=world.now)

    joined = concat(
        Dataset({"payments": history.records["payments"]}, "", 1),
        {"reports": from_parsed(world.reports, [(2, report)])},
    )

    assert list(joined.records) == ["payments", "reports"]
    assert joined.last_position == 2


def test_one_place_in_the_order_holds_one_record(world: Any) -> None:
    """Adding the same records twice is refused by their sequence number."""
    world.write([world.payment("P1", 0)])
    history = world.read().dataset

    with pytest.raises(RecordsClash, match="place 1"):
        concat(history, {"payments": history.records["payments"]})


def _raw(position: int, customer: str, terminal: str | None, rate: int | None) -> dict[str, Any]:
    fixed = {"payment_id": position, "paid_at": "1970-01-02T00:00:00Z", "amount": 1}
    return fixed | {"customer_id": customer, "terminal_id": terminal, "rate": rate}
