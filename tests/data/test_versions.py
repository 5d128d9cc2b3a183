"""Dated and static tables as records: what names a row, when it holds, and where it stands in the order."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.data.contract import parse, screen
from tallystick.data.fingerprint import fingerprint
from tallystick.data.merge import concat, from_parsed
from tallystick.data.read import read
from tallystick.data.records import BEGINNING_US, Dataset, Records
from tallystick.data.segment import open_segment, save
from tallystick.definitions import fields as f
from tallystick.definitions.streams import Stream, Table
from tallystick.errors import RowRefused

NOW = 1_000_000_000
payments = Stream("payments", id="payment_id", time="paid_at", source="p.parquet", fields={"customer_id": f.key})
profiles = Table(
    "profiles", key="customer_id", valid_from="since", source="v.parquet", fields={"limit": f.optional(f.money("EUR"))}
)
shops = Table("shops", key="shop_id", static=True, source="s.parquet", fields={"country": f.key})
SOURCES = (payments.definition, profiles.definition, shops.definition)


def _instants(*values: int) -> pa.Array:
    return pa.array(values, pa.timestamp("us", "UTC"))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Return two payments, three versions of two profiles, and two shops, read from files."""
    pq.write_table(
        pa.table({"payment_id": [1, 2], "paid_at": _instants(10, 30), "customer_id": [7, 8]}), tmp_path / "p.parquet"
    )
    versions = {"customer_id": [7, 8, 7], "since": _instants(20, 0, 5), "limit": [1.5, None, 2.5]}
    pq.write_table(pa.table(versions), tmp_path / "v.parquet")
    pq.write_table(pa.table({"shop_id": ["B", "A"], "country": ["DE", "FR"]}), tmp_path / "s.parquet")
    return read(SOURCES, (), tmp_path, now=NOW).dataset


def _row(records: Records, row: int) -> tuple[str, int, dict[str, Any]]:
    keys = {name: column.names[column.codes[row]].as_py() for name, column in records.keys.items()}
    return records.ids[row].as_py(), int(records.time[row]), keys


def test_a_version_is_named_by_key_and_instant(dataset: Dataset) -> None:
    """A dated row's id is its key and the instant it holds from; its key is among its keys, its instant is its time."""
    versions = dataset.records["profiles"]

    assert _row(versions, 0) == ("8@0", 0, {"customer_id": "8"})
    assert _row(versions, 1) == ("7@5", 5, {"customer_id": "7"})
    assert versions.values.keys() == {"limit"}
    assert versions.values["limit"].missing.tolist() == [True, False, False]


def test_static_rows_have_always_held(dataset: Dataset) -> None:
    """Static rows come first in the order, at the beginning of time, in the order of their rows."""
    rows = dataset.records["shops"]

    assert _row(rows, 0) == ("B", BEGINNING_US, {"shop_id": "B", "country": "DE"})
    assert rows.position.tolist() == [1, 2]
    assert {name: found.position.tolist() for name, found in dataset.records.items() if name != "shops"} == {
        "payments": [5, 7],
        "profiles": [3, 4, 6],
    }


def test_a_segment_keeps_versions(dataset: Dataset, tmp_path: Path) -> None:
    """Dated and static rows come back from a segment as they were."""
    found = open_segment(Path(save(dataset, tmp_path / "kept").path), SOURCES)

    assert found.fingerprint == dataset.fingerprint == fingerprint(found.records)


def test_requests_and_tables_agree(dataset: Dataset) -> None:
    """A row sent as a request is the record that the table gave, under the same id."""
    rows: list[dict[str, object]] = [
        {"customer_id": 8, "since": "1970-01-01T00:00:00Z"},
        {"customer_id": "7", "since": "1970-01-01T00:00:00.000005Z", "limit": "2.5"},
        {"customer_id": 7, "since": "1970-01-01T00:00:00.00002Z", "limit": 1.5},
    ]
    sent = [parse(profiles.definition, row, now=NOW) for row in rows]
    listed = [{"shop_id": "B", "country": "DE"}, {"shop_id": "A", "country": "FR"}]
    shop = [parse(shops.definition, row, now=NOW) for row in listed]
    made = {
        "profiles": from_parsed(profiles.definition, list(zip((3, 4, 6), sent, strict=True))),
        "shops": from_parsed(shops.definition, list(zip((1, 2), shop, strict=True))),
    }

    rest = Dataset({"payments": dataset.records["payments"]}, "", 7)
    assert concat(rest, made).fingerprint == dataset.fingerprint


def test_a_version_comes_once() -> None:
    """Two rows of one key and instant are one too many; the first stays. Of a static table, one row has a key."""
    versions = pa.table({"customer_id": [7, 7, 8], "since": _instants(5, 5, 5), "limit": [1, 2, 3]})
    rows = pa.table({"shop_id": ["A", "A"], "country": ["DE", "FR"]})

    kept, refused = screen(profiles.definition, [versions], now=NOW)
    _, twice = screen(shops.definition, [rows], now=NOW)

    assert kept.ids.to_pylist() == ["7@5", "8@5"]
    assert refused.counts == {"since: duplicate": 1}
    assert "row about this key holds from this instant" in refused.reasons[0][0].sentence
    assert twice.counts == {"shop_id: duplicate": 1}


def test_what_names_a_version_is_never_missing() -> None:
    """A row without key or instant, or from the future, is refused."""
    versions = pa.table(
        {"customer_id": [None, "7", "8"], "since": pa.array([1, None, 2 * NOW], pa.timestamp("us")), "limit": [1, 2, 3]}
    )

    _, refused = screen(profiles.definition, [versions], now=NOW)

    assert refused.counts == {"customer_id: missing": 1, "since: missing": 1, "since: in_the_future": 1}
    with pytest.raises(RowRefused, match="customer_id is missing"):
        parse(profiles.definition, {"since": "1970-01-01T00:00:00Z"}, now=NOW)


@given(st.lists(st.tuples(st.text("@1a", min_size=1, max_size=3), st.integers(0, 3)), max_size=12))
def test_ids_tell_versions_apart(rows: list[tuple[str, int]]) -> None:
    """Whatever a key looks like, two versions share an id only where key and instant are the same."""
    table = pa.table(
        {
            "customer_id": pa.array([key for key, _ in rows], pa.string()),
            "since": pa.array([at for _, at in rows], pa.timestamp("us")),
            "limit": pa.nulls(len(rows), pa.int64()),
        }
    )

    kept, _ = screen(profiles.definition, [table], now=NOW)

    assert len(kept) == len(set(rows))
