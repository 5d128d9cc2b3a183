"""The feature table: its columns, what it says of itself, and how every change of a file is noticed."""

import math
import struct
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import (
    TableColumnsMissing,
    TableDamaged,
    TableFormatUnknown,
    TableOfOtherData,
    TableOfOtherPlan,
    TableUnreadable,
)
from tallystick.features import table_file
from tallystick.features.checksum import added, checksum
from tallystick.features.table import FeatureTable, Origin, own_columns

ORIGIN = Origin("a" * 64, "b" * 64, {"x": "1", "y": "2"})


def a_table(n: int = 40) -> FeatureTable:
    """Return a table with missing values, both zeros, and ids of many lengths."""
    draw = np.random.default_rng(n)
    values = draw.normal(size=(n, 2))
    values[::3, 1] = np.nan
    values[1::5, 0] = -0.0
    ids = pa.array(["p" * (i % 19) + str(i) for i in range(n)], pa.string())
    return FeatureTable(("x", "y"), ids, np.arange(n) * 3 + 1, np.arange(n) * 10**9, values, "payment_id", ORIGIN)


def is_same(one: FeatureTable, other: FeatureTable) -> bool:
    """Return whether two tables have the same rows, bit for bit, and the same origin."""
    columns = ((table.position, table.time, table.values) for table in (one, other))
    bits = all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(*columns, strict=True))
    return bits and one.ids.equals(other.ids) and (one.names, one.origin) == (other.names, other.origin)


def rewritten(path: Path, change: Any, *, name: str | None = None) -> None:
    """Write a table's file anew with its header, as a tool would that keeps metadata."""
    found = pq.read_table(path)
    metadata = pq.read_metadata(path).metadata
    pq.write_table(change(found).replace_schema_metadata({table_file.KEY: metadata[table_file.KEY]}), name or path)


def test_a_file_holds_ids_places_instants_and_exact_doubles(tmp_path: Path) -> None:
    """Any reader finds the columns in order, doubles with their bits, and missing values as nulls."""
    values = np.array([[0.1, np.nan], [1 / 3, 5e-324]])
    made = FeatureTable(("x", "y"), pa.array(["p1", "p2"]), np.array([1, 4]), np.array([5, 6]), values, "id", ORIGIN)

    table_file.write(made, tmp_path / "out.parquet")

    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["id", "position", "time", "x", "y"]
    assert found.select(["id", "position", "x", "y"]).to_pydict() == {
        "id": ["p1", "p2"], "position": [1, 4], "x": [0.1, 1 / 3], "y": [None, 5e-324],
    }  # fmt: skip
    assert found.column("time").cast(pa.int64()).to_pylist() == [5, 6]
    assert found.schema.field("time").type == pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize("n", [0, 1, 40])
def test_what_was_written_is_read(tmp_path: Path, n: int) -> None:
    """Rows, bits, origin and digest come back, of an empty table too."""
    made = a_table(n)

    header = table_file.write(made, tmp_path / "out.parquet")

    found = table_file.read(tmp_path / "out.parquet")
    assert is_same(found, made)
    assert found.digest == made.digest == header.digest == table_file.read_header(tmp_path / "out.parquet").digest
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_a_folder_of_files_is_a_table_in_order_of_arrival(tmp_path: Path) -> None:
    """Several files with one header beside them are one table, whatever their names and their rows' order."""
    made = a_table()
    header = table_file.write(made, tmp_path / "whole.parquet")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, rows in {"b": np.arange(15), "a": np.arange(15, 40)[::-1]}.items():
        pq.write_table(made.taken(rows).to_arrow(), folder / f"{name}.parquet")
    (folder / table_file.COMMON).write_bytes(table_file.common_bytes(header))

    assert is_same(table_file.read(folder), made)
    assert len(pq.read_table(folder)) == 40


def test_digests_tell_tables_apart() -> None:
    """Another plan, other data and other rows are another table; other values are not, since they follow from those."""
    made = a_table()
    others = [Origin("c" * 64, ORIGIN.data, {}), Origin(ORIGIN.plan, "c" * 64, {})]
    digests = {
        FeatureTable(made.names, made.ids, made.position, made.time, made.values, "id", o).digest for o in others
    }

    assert len({made.digest, made.taken(np.arange(39)).digest, made.taken(np.arange(1, 40)).digest} | digests) == 5
    assert (
        FeatureTable(made.names, made.ids, made.position, made.time, made.values * 2, "id", ORIGIN).digest
        == made.digest
    )


@pytest.mark.parametrize("column", ["payment_id", "position", "time", "x", "y"])
def test_one_changed_value_is_noticed(tmp_path: Path, column: str) -> None:
    """A file of which one value was edited and whose header was kept is not read, whichever column it is."""
    path = tmp_path / "out.parquet"
    table_file.write(a_table(), path)

    def edited(found: pa.Table) -> pa.Table:
        values = found.column(column).to_pylist()
        values[7] = {"payment_id": "q", "position": 20}.get(column, values[8])
        return found.set_column(
            found.column_names.index(column),
            found.schema.field(column),
            pa.array(values, found.schema.field(column).type),
        )

    rewritten(path, edited)

    with pytest.raises(TableDamaged, match="checksum"):
        table_file.read(path)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda t: t.slice(1), TableDamaged, "1 of its 40 rows are not there"),
        (lambda t: pa.concat_tables([t, t]), TableDamaged, "more than its 40 rows"),
        (lambda t: pa.concat_tables([t.slice(1), t.slice(1, 1)]), TableDamaged, "checksum"),
        (lambda t: t.drop_columns(["y", "time"]), TableColumnsMissing, "lacks the columns time, y"),
        (lambda t: t.rename_columns(["payment_id", "position", "time", "y", "x"]), TableDamaged, "checksum"),
        (lambda t: t.set_column(3, "x", t.column("x").cast(pa.float32())), TableDamaged, "'x' is float and was double"),
    ],
)
def test_other_rows_and_columns_are_sentences(tmp_path: Path, change: Any, error: Any, sentence: str) -> None:
    """Rows that went, came or were exchanged, columns that are lacking, exchanged or of another type are named."""
    path = tmp_path / "out.parquet"
    table_file.write(a_table(), path)

    rewritten(path, change)

    with pytest.raises(error, match=sentence):
        table_file.read(path)


def test_what_is_no_table_is_a_sentence(tmp_path: Path) -> None:
    """No file, no Parquet, Parquet of somebody else, a folder without a header, another format: each is told."""
    path = tmp_path / "out.parquet"
    (tmp_path / "text.parquet").write_text("no parquet")
    (tmp_path / "folder").mkdir()
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "foreign.parquet")
    header = msgspec.json.decode(msgspec.json.encode(table_file.write(a_table(), path))) | {"format": 99}
    pq.write_table(pq.read_table(path).replace_schema_metadata({table_file.KEY: msgspec.json.encode(header)}), path)

    cases = {"gone.parquet": "no such file", "folder": "_common_metadata", "foreign.parquet": "nothing in it says"}
    for name, sentence in (cases | {"text.parquet": "no feature table"}).items():
        with pytest.raises(TableUnreadable, match=sentence):
            table_file.read(tmp_path / name)
    with pytest.raises(TableFormatUnknown, match="has format 99, and this version reads 1"):
        table_file.read(path)


def test_other_origins_are_refused_by_name() -> None:
    """Features that mean something else are named; where only a source differs, that is said; other data too."""
    with pytest.raises(TableOfOtherPlan, match="These differ: y, z, x"):
        ORIGIN.require(Origin("c" * 64, ORIGIN.data, {"y": "3", "z": "4"}))
    with pytest.raises(TableOfOtherPlan, match="time zone that they look at differs"):
        ORIGIN.require(Origin("c" * 64, ORIGIN.data, ORIGIN.meanings))
    with pytest.raises(TableOfOtherData, match="bbbbbbbbbbbb, and the project's data is cccccccccccc"):
        ORIGIN.require(Origin(ORIGIN.plan, "c" * 64, ORIGIN.meanings))


def test_a_feature_keeps_its_name_before_ours() -> None:
    """Features called as our own columns keep their names."""
    assert own_columns("time", ["position", "time"]) == ("time_", "position_", "time__")


@given(st.lists(st.tuples(st.text(), st.integers(-(2**63), 2**63 - 1), st.floats()), max_size=30), st.data())
def test_the_checksum_is_of_rows_however_they_are_cut(rows: list[Any], data: Any) -> None:
    """Any order and any cut of the rows into parts gives one checksum; another value gives another."""

    def of(some: list[Any]) -> int:
        ids = pa.array([row[0].encode("utf-8", "replace").decode() for row in some], pa.string())
        place = np.array([row[1] for row in some], np.int64)
        return checksum(ids, place, place, np.array([[row[2]] for row in some], np.float64).reshape(-1, 1))

    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))

    assert added((of(shuffled[:cut]), of(shuffled[cut:]))) == of(rows)
    if rows:
        one = rows[0]
        assert of([(one[0] + "a", *one[1:]), *rows[1:]]) != of(rows)
        assert of([(one[0], one[1] ^ 1, one[2]), *rows[1:]]) != of(rows)


def test_the_checksum_is_as_the_page_on_formats_says() -> None:
    """A program in plain Python, written from the page, finds the checksum of a table."""

    def stirred(number: int, word: int) -> int:
        number = ((number ^ word) * 0x9E3779B97F4A7C15) % 2**64
        return ((number ^ number >> 32) * 0x9E3779B97F4A7C15) % 2**64

    made, total = a_table(), 0
    for name, position, time, values in zip(made.ids.to_pylist(), made.position, made.time, made.values, strict=True):
        octets = name.encode()
        number = len(octets)
        for at in range(0, len(octets), 8):
            number = stirred(number, int.from_bytes(octets[at : at + 8], "little"))
        number = stirred(stirred(number, int(position)), int(time))
        for value in values.tolist():
            bits = 0x7FF8000000000000 if math.isnan(value) else struct.unpack("<Q", struct.pack("<d", value))[0]
            number = stirred(number, bits)
        total = (total + number) % 2**64

    assert checksum(made.ids, made.position, made.time, made.values) == total
