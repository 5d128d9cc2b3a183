"""A raw record and a row of history are held against one contract, and every broken rule is told."""

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.data import contract
from tallystick.data.records import Record
from tallystick.data.refusals import RefusalCode, RefusalReason, refusal_reason
from tallystick.definitions import fields as f
from tallystick.definitions.streams import Stream
from tallystick.errors import ColumnMissing, ColumnUnusable, RowRefused

SECOND = 1_000_000
EVENTS = Stream(
    "events",
    id="event_id",
    time="at",
    fields={"who": f.key, "amount": f.money("EUR", minimum=0), "note": f.optional(f.integer(maximum=9))},
).definition


def refusals(world: Any, raw: dict[str, Any] | bytes) -> set[tuple[str, str]]:
    """Return the fields and codes a payment is refused with."""
    with pytest.raises(RowRefused) as refused:
        contract.parse(world.payments, raw, now=world.now)
    return {(reason.field, reason.code) for reason in refused.value.reasons}


def alone(row: dict[str, str | None]) -> Record | tuple[RefusalReason, ...]:
    """Return what an event becomes as a request."""
    try:
        return contract.parse(EVENTS, row, now=1, tolerance_us=0)
    except RowRefused as error:
        return tuple(RefusalReason(r.field, r.code, r.sentence) for r in error.reasons)


def test_a_request_becomes_a_record(world: Any) -> None:
    """JSON numbers are decimals, keys have one text, instants are in UTC, and optional fields may be left out."""
    raw = b'{"payment_id":7,"paid_at":"1970-01-02T01:00:00+01:00","customer_id":596,"amount":12.30,"rate":null}'

    record = contract.parse(world.payments, raw, now=world.now)

    assert (record.stream, record.id, record.time) == ("payments", "7", 86_400 * SECOND)
    assert record.keys == {"customer_id": "596", "terminal_id": None}
    assert record.values == {"amount": 1230, "rate": None, "due_at": None}


def test_a_request_means_the_same_in_every_form(world: Any) -> None:
    """Bytes, raw JSON by field, and Python values by name give one record."""
    raw = b'{"payment_id":"7","paid_at":"1970-01-02T00:00:00Z","customer_id":"596","amount":12.3}'
    forms = [raw, msgspec.json.decode(raw, type=dict[str, msgspec.Raw]), msgspec.json.decode(raw)]

    first, *others = (contract.parse(world.payments, form, now=world.now) for form in forms)

    assert others == [first, first]


def test_an_outcome_has_no_time_and_keeps_its_key(world: Any) -> None:
    """A table's row has time None, and its key is both its id and one of its keys."""
    record = contract.parse(world.outcomes, b'{"payment_id": 7, "is_fraud": true}', now=world.now)

    assert (record.id, record.time, record.keys, record.values) == ("7", None, {"payment_id": "7"}, {"is_fraud": 1})


def test_all_wrong_fields_are_told_at_once(world: Any) -> None:
    """Missing, unknown, mistyped and out-of-range fields stand in one refusal."""
    raw = b'{"payment_id":"","paid_at":"2300-01-01T00:00:00Z","amount":-0.01,"rate":0.0001,"due_at":5,"amuont":1}'

    assert refusals(world, raw) == {
        ("payment_id", "empty"),
        ("paid_at", "too_late"),
        ("customer_id", "missing"),
        ("amount", "below_minimum"),
        ("rate", "too_many_decimals"),
        ("due_at", "wrong_type"),
        ("amuont", "field_unknown"),
    }


def test_the_sentence_tells_value_and_rule(world: Any) -> None:
    """A refusal can be read by the person who sent the record."""
    row = world.payment("P1", None, paid_at="1970-01-01T00:00:00Z", amount="-3.50")

    with pytest.raises(RowRefused, match=r"amount is '-3.50'; the least allowed is 0\."):
        contract.parse(world.payments, row, now=world.now)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"7",
        b"{",
        b'{"a":01}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 9_999,
        b"null",
    ],
)
def test_what_is_no_object_is_refused_as_such(world: Any, raw: bytes) -> None:
    """Bytes that are no JSON object give one reason about the record as a whole."""
    assert refusals(world, raw) == {("", "no_record")}


def test_a_raw_field_that_cannot_be_read_is_told(world: Any) -> None:
    """A field whose raw JSON is beyond reading is wrong by itself; the others are still held against the contract."""
    raw = {
        "payment_id": msgspec.Raw(b"9" * 5_000),
        "paid_at": msgspec.Raw(b'"\\ud800"'),
        "customer_id": msgspec.Raw(b"1"),
    }

    assert refusals(world, raw) == {("payment_id", "wrong_type"), ("paid_at", "wrong_type"), ("amount", "missing")}


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (b"1e400", "too_large"),
        (b"1e99999999999999999999", "not_finite"),
        (b"1e-99999999999999999999", "not_finite"),
        (b"9" * 30, "too_large"),
        (b"0.001", "too_many_decimals"),
        (b"true", "wrong_type"),
        (b"{}", "wrong_type"),
        (b'"1,5"', "wrong_type"),
    ],
)
def test_absurd_numbers_are_refused(world: Any, number: bytes, code: str) -> None:
    """No number is rounded, cut or waved through, however it is written."""
    raw = b'{"payment_id":"7","paid_at":"1970-01-02T00:00:00Z","customer_id":"596","amount":%s}' % number

    assert refusals(world, raw) == {("amount", code)}


def test_a_clock_may_run_a_little_ahead(world: Any) -> None:
    """A record's own instant may lie up to the tolerance after now; other instants may lie anywhere."""
    raw = {"payment_id": "P1", "paid_at": "1970-04-11T00:01:00Z", "customer_id": "C1", "amount": 1}
    ahead = raw | {"due_at": "2199-01-01T00:00:00Z"}

    assert contract.parse(world.payments, ahead, now=world.now).time == world.now + 60 * SECOND
    with pytest.raises(RowRefused, match="later than now"):
        contract.parse(world.payments, raw, now=world.now, tolerance_us=0)


def test_a_row_keeps_all_its_reasons(world: Any) -> None:
    """A row that breaks four rules is refused with four sentences, and its neighbours are accepted."""
    bad = world.payment(" P2", world.now + 1, customer_id=None, amount="1.234")
    table = world.table([world.payment("P1", 0), bad, world.payment("P3", 0)])

    records, refused = contract.screen(world.payments, [table], now=world.now)

    assert records.ids.to_pylist() == ["P1", "P3"]
    assert refused.rows.tolist() == [1]
    assert [(r.field, r.code) for r in refused.reasons[0]] == [
        ("payment_id", "surrounding_space"),
        ("paid_at", "in_the_future"),
        ("customer_id", "missing"),
        ("amount", "too_many_decimals"),
    ]


def test_the_first_good_row_of_an_id_stays(world: Any) -> None:
    """Later rows of an id are refused, and a row that is refused for something else does not hold its id."""
    rows = [("P1", "-1"), ("P2", "1"), ("P1", "2"), ("P1", "3"), ("P2", "-4"), (None, "5"), (None, "6")]
    table = world.table([world.payment(name, 0, amount=amount) for name, amount in rows])

    records, refused = contract.screen(world.payments, [table], now=world.now)

    assert records.values["amount"].values.tolist() == [100, 200]
    assert [[r.code for r in reasons] for reasons in refused.reasons] == [
        ["below_minimum"],
        ["duplicate"],
        ["duplicate", "below_minimum"],
        ["missing"],
        ["missing"],
    ]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@pytest.mark.parametrize(
    ("names", "n_repeated"),
    [
        (["8", "9", "10", "11"], 0),
        (["8", "9", "10", "10"], 1),
        (["9", "10", "9", "10"], 2),
        (["10", "9", "11"], 0),
        (["a", "aa", "b", "a"], 1),
        (["a", "aa", "b"], 0),
    ],
)
def test_ids_are_told_apart_in_any_order(world: Any, names: list[str], n_repeated: int, kind: pa.DataType) -> None:
    """Whether ids rise as texts, as numbers written out or not at all: those that come again are refused."""
    table = world.table([world.payment(name, 0) for name in names])
    place = table.column_names.index("payment_id")
    table = table.set_column(place, "payment_id", table["payment_id"].cast(kind))

    records, refused = contract.screen(world.payments, [table], now=world.now)

    assert records.ids.to_pylist() == list(dict.fromkeys(names))
    assert len(refused) == n_repeated


def test_tables_of_several_types_are_one_source(world: Any) -> None:
    """Files may disagree about types: whole numbers here, texts there, and the ids still meet."""
    first = world.table([world.payment(1, 0, customer_id=596), world.payment(2, 0, customer_id=7)])
    second = world.table([world.payment("2", 0), world.payment("3", 0, customer_id="596")])
    second = second.set_column(4, "amount", pa.array([1.0, 1.5]))

    records, refused = contract.screen(world.payments, [first, second], now=world.now)

    assert records.ids.to_pylist() == ["1", "2", "3"]
    assert [records.keys["customer_id"].names[c].as_py() for c in records.keys["customer_id"].codes] == [
        "596",
        "7",
        "596",
    ]
    assert records.values["amount"].values.tolist() == [1230, 1230, 150]
    assert refused.counts == {"payment_id: duplicate": 1}


def test_a_missing_column_is_named_with_its_nearest(world: Any) -> None:
    """A column that is called otherwise is told with what was probably meant."""
    table = world.table([world.payment("P1", 0)]).rename_columns(
        ["payment_id", "paid_at", "customer_id", "terminal_id", "amout", "rate", "due_at"]
    )

    with pytest.raises(ColumnMissing, match=r"needs a column 'amount'.*Did you mean 'amout'\?"):
        contract.screen(world.payments, [table], now=world.now)


def test_a_column_of_another_kind_is_refused_as_a_whole(world: Any) -> None:
    """A float cannot be a key, and the sentence says what can."""
    table = world.table([world.payment("P1", 0, customer_id=1.5)])

    with pytest.raises(ColumnUnusable, match="'customer_id' of 'payments' holds double.*texts and whole numbers"):
        contract.screen(world.payments, [table], now=world.now)


def test_every_code_has_its_sentence() -> None:
    """No rule can be broken without a sentence that tells it."""
    kinds: list[f.Field] = [f.key, f.money("EUR", minimum=0, maximum=1), f.number(1), f.integer(), f.flag, f.time]

    for code in RefusalCode:
        for field in kinds:
            if code is not RefusalCode.FINE:
                assert refusal_reason("field", field, code, "x").sentence.endswith(".")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "event_id": st.sampled_from(["a", "b", "c", "", " d", None]),
                "at": st.sampled_from(
                    ["1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", "1969-01-01T00:00:00Z", "?", None]
                ),
                "who": st.sampled_from(["x", "y", "\n", None]),
                "amount": st.sampled_from(["1", "0.10", "-1", "0.001", "one", None]),
                "note": st.sampled_from(["3", "10", None]),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_rows_of_history_and_requests_are_refused_alike(rows: list[dict[str, str | None]]) -> None:
    """Row by row, a table gives the records and the reasons that requests give, but for ids that come twice."""
    table = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in EVENTS.fields})

    records, refused = contract.screen(EVENTS, [table], now=1)

    refusals = dict(zip(refused.rows.tolist(), refused.reasons, strict=True))
    kept = iter(zip(records.ids.to_pylist(), records.time, records.values["amount"].values, strict=True))
    for place, row in enumerate(rows):
        reasons = tuple(r for r in refusals.get(place, ()) if r.code != "duplicate")
        single = alone(row)
        assert reasons == (single if isinstance(single, tuple) else ())
        if place not in refusals and isinstance(single, Record):
            assert next(kept) == (single.id, single.time, single.values["amount"])
    assert list(kept) == []


@given(st.lists(st.none() | st.integers(0, 9)), st.sampled_from([pa.string(), pa.int16()]))
def test_ids_come_once_whatever_their_type(numbers: list[int | None], kind: pa.DataType) -> None:
    """The first row of each id stays, and every later one is refused, for whole numbers and for texts."""
    n = len(numbers)
    ids = pa.array(numbers, pa.int64()).cast(kind)
    rows = {"at": pa.array([0] * n, pa.timestamp("us")), "who": ["x"] * n, "amount": ["1"] * n}
    table = pa.table({"event_id": ids} | rows | {"note": pa.nulls(n)})

    records, refused = contract.screen(EVENTS, [table], now=1)

    assert records.ids.to_pylist() == [str(number) for number in dict.fromkeys(numbers) if number is not None]
    assert len(records) + len(refused) == n
