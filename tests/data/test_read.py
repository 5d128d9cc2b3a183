"""Files become a dataset, and what is wrong with them a sentence or a quarantine."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.data.read import read
from tallystick.definitions.streams import Table
from tallystick.errors import (
    ColumnMissing,
    DataUnwritable,
    SettingOutOfRange,
    SourceMissing,
    SourceUnreadable,
    TooManyRefused,
)

DAY = 86_400_000_000


def order(reading: Any) -> list[str]:
    """Return the ids of all records of all sources in the order of their sequence."""
    found = reading.dataset.records.values()
    ids = [name for records in found for name in records.ids.to_pylist()]
    position = np.concatenate([records.position for records in found])
    assert sorted(position) == list(range(1, reading.dataset.last_position + 1))
    return [ids[place] for place in np.argsort(position)]


def test_records_of_all_sources_are_one_sequence(world: Any) -> None:
    """Records come by time, then by the source's place in the project, then by row; outcomes when they became known."""
    world.write(
        [world.payment("P1", 0), world.payment("P2", 7 * DAY), world.payment("P3", 7 * DAY)],
        reports=[{"report_id": "R1", "reported_at": 7 * DAY, "payment_id": "P9", "real": True}],
        outcomes=[{"payment_id": "P1", "is_fraud": True}],
    )

    reading = world.read()

    assert order(reading) == ["P1", "P2", "P3", "R1", "P1"]
    assert reading.dataset.records["outcomes"].time.tolist() == [7 * DAY]


def test_rows_out_of_order_are_sorted_and_told(world: Any) -> None:
    """A file that is not in order of time is sorted stably, and its screening says so."""
    world.write([world.payment(name, at * DAY) for name, at in [("P1", 2), ("P2", 1), ("P3", 2), ("P4", 0)]])

    reading = world.read()

    records = reading.dataset.records["payments"]
    assert order(reading) == records.ids.to_pylist() == ["P4", "P2", "P1", "P3"]
    assert records.time.tolist() == [0, DAY, 2 * DAY, 2 * DAY]
    assert [s.in_time_order for s in reading.screenings.values()] == [False, True, True]


def test_a_folder_of_files_is_one_source(world: Any) -> None:
    """Files of a folder are read in order of their names, and other files in it are left alone."""
    world.write([world.payment("P1", 0)])
    folder = world.root / "parts"
    folder.mkdir()
    for name, number in [("b.parquet", "P2"), ("a.parquet", "P1"), ("c.parquet", "P1")]:
        pq.write_table(world.table([world.payment(number, 0)]), folder / name)
    (folder / "README.md").write_text("not data")
    (world.root / "payments.parquet").unlink()
    folder.rename(world.root / "payments.parquet")

    reading = world.read(max_refused_share=0.5, quarantine_dir=world.root / "quarantine")

    assert reading.dataset.records["payments"].ids.to_pylist() == ["P1", "P2"]
    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["file"], refused["row"], refused["payment_id"]) == ("c.parquet", 0, "P1")


def test_refused_rows_go_to_quarantine_as_they_came(world: Any) -> None:
    """The quarantine has every column of a refused row as text, undeclared ones too, and all its sentences."""
    rows = [world.payment(f"P{n}", n, amount=12.3, row=n) for n in range(40)]
    rows[7] |= {"amount": -1.5, "customer_id": None}
    world.write(rows)

    reading = world.read(quarantine_dir=world.root / "quarantine")

    screening = reading.screenings["payments"]
    assert (screening.n_rows, screening.n_refused) == (40, 1)
    assert screening.reasons == {"customer_id: missing": 1, "amount: below_minimum": 1}
    [refused] = pq.read_table(screening.quarantine).to_pylist()
    assert refused["row"] == 7
    assert refused["reasons"] == [
        "customer_id is missing; needed is a text or a whole number.",
        "amount is -1.5; the least allowed is 0.",
    ]
    assert (refused["payment_id"], refused["amount"], refused["row_found"]) == ("P7", "-1.5", "7")


def test_undeclared_columns_of_one_name_are_kept_apart(world: Any) -> None:
    """A refused row keeps every column of its file, those that share a name too."""
    world.write([world.payment("P1", 0)])
    path = world.root / "payments.parquet"
    found = world.table([world.payment("P1", 0, amount=-1.0), world.payment("P2", 1, amount=2.0)])
    notes = [pa.array(["first", "x"]), pa.array(["second", "y"])]
    pq.write_table(pa.table([*found.columns, *notes], names=[*found.column_names, "note", "note"]), path)

    reading = world.read(max_refused_share=0.5, quarantine_dir=world.root / "quarantine")

    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["note"], refused["note_found"]) == ("first", "second")


def test_reading_twice_leaves_one_quarantine(world: Any) -> None:
    """The same refused rows give the same file, whole, and nothing unfinished beside it."""
    world.write([world.payment("P1", 0), world.payment("P1", 0)])

    for _ in range(2):
        world.read(max_refused_share=0.5, quarantine_dir=world.root / "quarantine")

    assert [path.suffix for path in (world.root / "quarantine").iterdir()] == [".parquet"]


def test_reading_stops_above_the_share(world: Any) -> None:
    """Too many refused rows are told with their share, their reasons and their quarantine."""
    world.write([world.payment("P1", 0), world.payment("P2", 0, amount="-1"), world.payment("P3", 0, amount="-2")])

    with pytest.raises(TooManyRefused, match=r"2 of 3 rows of 'payments' were refused \(66.67%\)") as stopped:
        world.read(quarantine_dir=world.root / "quarantine")

    assert stopped.value.reasons == {"amount: below_minimum": 2}
    assert isinstance(stopped.value.quarantine, Path)
    assert stopped.value.quarantine.is_file()
    assert str(stopped.value.quarantine) in str(stopped.value)


def test_an_outcome_of_an_unknown_event_is_refused(world: Any) -> None:
    """Nothing says when such an outcome became known, so it goes to quarantine."""
    outcomes = [{"payment_id": name, "is_fraud": False} for name in ("P2", "P9", "P1")]
    world.write([world.payment("P1", 0), world.payment("P2", 0)], outcomes=outcomes)

    reading = world.read(max_refused_share=0.5)

    assert reading.dataset.records["outcomes"].ids.to_pylist() == ["P2", "P1"]
    assert reading.screenings["outcomes"].reasons == {"payment_id: event_unknown": 1}


def test_a_table_that_no_flag_uses_is_not_read(world: Any) -> None:
    """Without a flag nothing dates a table's rows, so its file is not even looked for."""
    unused = Table("unused", key="payment_id", source="nowhere.parquet", fields={}).definition
    world.write([world.payment("P1", 0)])

    reading = read([*world.sources, unused], world.flags, world.root, now=world.now)

    assert list(reading.dataset.records) == ["payments", "reports", "outcomes"]


def test_progress_is_told_per_source(world: Any) -> None:
    """Every source that was read is a step."""
    world.write([world.payment("P1", 0)])
    steps: list[tuple[str, int, int]] = []

    world.read(progress=lambda *step: steps.append(step))

    assert steps == [("read", 1, 3), ("read", 2, 3), ("read", 3, 3)]


def test_a_missing_file_is_a_sentence(world: Any) -> None:
    """The sentence names source and path."""
    with pytest.raises(SourceMissing, match=r"'payments' cannot be read from '.*payments.parquet': there is no such"):
        world.read()


def test_an_empty_folder_is_a_sentence(world: Any) -> None:
    """A folder without Parquet files is no history."""
    (world.root / "payments.parquet").mkdir()

    with pytest.raises(SourceMissing, match=r"the folder holds no \.parquet file"):
        world.read()


def test_a_file_that_is_no_parquet_is_a_sentence(world: Any) -> None:
    """The sentence names the file."""
    (world.root / "payments.parquet").write_text("payment_id,amount\n")

    with pytest.raises(SourceUnreadable, match=r"payments\.parquet"):
        world.read()


def test_a_missing_column_names_the_file(world: Any) -> None:
    """Each file must have every declared column, and the sentence knows what the file has."""
    pq.write_table(pa.table({"payment_id": ["P1"], "paidat": [0]}), world.root / "payments.parquet")

    with pytest.raises(
        ColumnMissing, match=r"needs a column 'paid_at', and .*payments\.parquet.*Did you mean 'paidat'"
    ):
        world.read()


def test_a_share_is_between_nothing_and_everything(world: Any) -> None:
    """5 per cent is 0.05, not 5."""
    with pytest.raises(SettingOutOfRange, match="max_refused_share is 5"):
        world.read(max_refused_share=5)


def test_texts_that_are_no_utf8_are_a_sentence(world: Any) -> None:
    """A text column with other bytes in it cannot be read, and the sentence names it."""
    latin = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 1], np.int32)), pa.py_buffer(b"\xe9"))
    table = world.table([world.payment("P1", 0)]).set_column(2, "customer_id", latin)
    world.write([world.payment("P1", 0)])
    pq.write_table(table, world.root / "payments.parquet")

    with pytest.raises(SourceUnreadable, match="customer_id"):
        world.read()


def test_files_may_lie_beside_the_project(tmp_path: Path, world: Any) -> None:
    """A source is read as written, relative to the project's folder, also out of it."""
    project = tmp_path / "project"
    project.mkdir()
    world.write([world.payment("P1", 0)])

    elsewhere = [
        type(s)(**({n: getattr(s, n) for n in s.__struct_fields__} | {"source": f"../{s.source}"}))
        for s in world.sources
    ]

    assert len(read(elsewhere, world.flags, project, now=world.now).dataset.records["payments"]) == 1


def test_a_column_that_stands_twice_is_a_sentence(world: Any) -> None:
    """Nothing says which of two columns of one name is meant."""
    table = world.table([world.payment("P1", 0)])
    world.write([world.payment("P1", 0)])
    pq.write_table(table.append_column("amount", pa.array(["1"])), world.root / "payments.parquet")

    with pytest.raises(SourceUnreadable, match="several columns 'amount'"):
        world.read()


def test_a_quarantine_that_cannot_be_written_is_a_sentence(world: Any) -> None:
    """A file where the folder should be is told; no row is lost in silence."""
    world.write([world.payment("P1", 0), world.payment("P1", 0)])
    (world.root / "quarantine").write_text("in the way")

    with pytest.raises(DataUnwritable, match="quarantine"):
        world.read(max_refused_share=0.5, quarantine_dir=world.root / "quarantine")


def test_tables_without_chunks_are_empty_sources(world: Any) -> None:
    """A file of no rows is a source without records, whatever its types."""
    world.write([world.payment("P1", 0)])
    content = pq.read_table(world.root / "payments.parquet")
    pq.write_table(content.slice(0, 0), world.root / "payments.parquet")

    reading = world.read()

    assert reading.dataset.last_position == 0
    assert [len(records) for records in reading.dataset.records.values()] == [0, 0, 0]
