"""A fingerprint is of content: all of it, and nothing else."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tallystick as ts
from tallystick.data import fingerprint as module
from tallystick.data.fingerprint import Fingerprint, fingerprint, first_seen
from tallystick.data.records import EncodedKeys, FixedPoint, Records

ROWS = [
    {"payment_id": f"P{n}", "paid_at": n // 2, "customer_id": f"C{n % 5}", "amount": f"{n}.25", "terminal_id": None}
    for n in range(50)
]


@pytest.mark.parametrize("layout", ["row groups", "columns", "dictionary", "folder", "types", "path"])
def test_layout_does_not_matter(world: Any, tmp_path: Path, layout: str) -> None:
    """Row groups, column order, dictionaries, several files, other types and other paths give one fingerprint."""
    rows = [world.payment(row["payment_id"], **_without_id(row)) for row in ROWS]
    world.write(rows)
    before = world.read().dataset.fingerprint
    table, path = world.table(rows), tmp_path / "payments.parquet"
    path.unlink()

    if layout == "row groups":
        pq.write_table(table, path, row_group_size=7, compression="zstd")
    elif layout == "columns":
        pq.write_table(table.select(table.column_names[::-1]).append_column("more", [["x"] * 50]), path)
    elif layout == "dictionary":
        names = pa.array([f"C{n}" for n in (9, 4, 3, 2, 1, 0)])
        codes = pa.array([5 - n % 5 for n in range(50)], pa.int8())
        pq.write_table(table.set_column(2, "customer_id", pa.DictionaryArray.from_arrays(codes, names)), path)
    elif layout == "folder":
        path.mkdir()
        for part in range(5):
            pq.write_table(table.slice(part * 10, 10), path / f"{part}.parquet")
    elif layout == "types":
        amount = pa.array([float(str(row["amount"])) for row in ROWS])
        pq.write_table(table.set_column(4, "amount", amount), path)
    else:
        pq.write_table(table, tmp_path / "elsewhere.parquet")
        (tmp_path / "elsewhere.parquet").rename(path)

    assert world.read().dataset.fingerprint == before


@pytest.mark.parametrize(
    "change",
    [
        {"payment_id": "P99"},
        {"at": 1},
        {"customer_id": "C9"},
        {"terminal_id": "T1"},
        {"amount": "0.26"},
        {"rate": None},
        {"due_at": 0},
    ],
)
def test_every_value_matters(world: Any, change: dict[str, Any]) -> None:
    """One other id, instant, key or number, or one that is missing, gives another fingerprint."""
    row = {"payment_id": "P0", "at": 0, "customer_id": "C0", "amount": "0.25", "terminal_id": None}
    world.write([world.payment(row.pop("payment_id"), **row)])
    before = world.read().dataset.fingerprint
    row = {"payment_id": "P0"} | row | change
    world.write([world.payment(row.pop("payment_id"), **row)])

    assert world.read().dataset.fingerprint != before


def test_order_matters(world: Any) -> None:
    """The same rows in another order of arrival are another dataset."""
    rows = [world.payment("P1", 0), world.payment("P2", 0)]
    world.write(rows)
    before = world.read().dataset.fingerprint
    world.write(rows[::-1])

    assert world.read().dataset.fingerprint != before


def test_neighbouring_texts_do_not_run_into_each_other(world: Any) -> None:
    """Ids "ab", "c" are not ids "a", "bc"."""
    world.write([world.payment("ab", 0), world.payment("c", 0)])
    before = world.read().dataset.fingerprint
    world.write([world.payment("a", 0), world.payment("bc", 0)])

    assert world.read().dataset.fingerprint != before


@given(st.lists(st.integers(-1, 5)), st.permutations(list("abcdef")))
def test_names_come_in_order_of_first_use(codes: list[int], names: list[str]) -> None:
    """Whatever a dictionary's order was, the same texts give the same codes and names."""
    keys = EncodedKeys(np.array(codes, np.int32), pa.array(names))

    seen = first_seen(keys)

    texts = [None if code < 0 else names[code] for code in codes]
    assert [None if code < 0 else seen.names[code].as_py() for code in seen.codes] == texts
    assert seen.names.to_pylist() == list(dict.fromkeys(t for t in texts if t is not None))


def test_the_sequence_is_part_of_it(world: Any) -> None:
    """The same rows at other places in the order of arrival are another dataset."""
    world.write([world.payment("P1", 0)])
    records = world.read().dataset.records
    moved = records | {"payments": replace(records["payments"], position=records["payments"].position + 1)}

    assert fingerprint(moved) != fingerprint(records)


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {"at" if name == "paid_at" else name: value for name, value in row.items() if name != "payment_id"}


@given(st.lists(st.integers(0, 60), max_size=6), st.sampled_from([3, 16, 1 << 16]))
def test_pieces_and_blocks_do_not_matter(cuts: list[int], block: int) -> None:
    """Records that come in any pieces have the fingerprint of the whole, wherever blocks end."""
    records = _records(60)
    edges = [0, *sorted(cuts), 60]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        seen = Fingerprint([records.source])
        for begin, end in pairwise(edges):
            seen.add({"payments": records.sliced(begin, end)})

        assert seen.hexdigest() == fingerprint({"payments": records})
        assert seen.hexdigest() != fingerprint({"payments": records.sliced(0, 59)})


def _records(n: int) -> Records:
    codes = np.arange(n, dtype=np.int32) % 7 - 1
    missing = np.arange(n) % 5 == 0
    amounts = FixedPoint(np.where(missing, 0, np.arange(n)), missing, 2)
    keys = EncodedKeys(codes, pa.array([f"c{i}" for i in range(6)]))
    ids = pa.array([f"p{i}" for i in range(n)])
    payments = ts.Stream("payments", id="id", time="at", fields={"who": ts.key, "amount": ts.money("EUR")}).definition
    return Records(payments, np.arange(n) * 2 + 1, np.arange(n) * 10, ids, {"who": keys}, {"amount": amounts})
