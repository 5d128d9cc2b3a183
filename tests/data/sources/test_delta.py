"""Delta tables are read as their newest version stands, file by file in the order of writing."""

import json
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tallystick.errors import ColumnMissing, SourceMissing, SourceUnreadable


def written(path: Path, *tables: pa.Table, **settings: Any) -> Path:
    """Write tables as the versions of one Delta table."""
    for table in tables:
        deltalake.write_deltalake(str(path), table, mode="append", **settings)
    return path


@pytest.mark.parametrize("address", ["delta:payments", "payments", "delta:{root}/payments"])
def test_delta_gives_the_dataset_of_the_same_parquet(history: Any, content: Any, elsewhere: Any, address: str) -> None:
    """A table is named as such, or known by its log; instants, texts and missing values come out to the bit."""
    rows = content("payments")
    written(history.root / "payments", rows.slice(0, 10), rows.slice(10))

    reading = elsewhere(payments=address.format(root=history.root))

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


def test_a_table_in_partitions_keeps_their_column(history: Any, content: Any, elsewhere: Any) -> None:
    """A partition's value stands in the log and not in the file, and is a column all the same."""
    written(history.root / "payments", content("payments"), partition_by=["customer_id"])

    reading = elsewhere(payments="delta:payments")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


def test_what_was_deleted_is_not_read(history: Any, content: Any, elsewhere: Any) -> None:
    """Only the newest version counts."""
    path = written(history.root / "payments", content("payments"))
    deltalake.DeltaTable(str(path)).delete("payment_id = 'P3'")

    ids = elsewhere(payments="delta:payments").dataset.records["payments"].ids.to_pylist()

    assert sorted(ids) == sorted(set(content("payments")["payment_id"].to_pylist()) - {"P3"})


def test_a_refused_row_is_told_with_its_data_file(history: Any, content: Any, elsewhere: Any) -> None:
    """The file and the row lead to what was written, every column of it."""
    rows = content("payments")
    amounts = pc.replace_substring_regex(rows["amount"], "^7$", "-7")
    wrong = rows.set_column(rows.column_names.index("amount"), "amount", amounts)
    path = written(history.root / "payments", rows.slice(0, 8), wrong.slice(8, 3), rows.slice(11))

    reading = elsewhere(payments="delta:payments")

    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["payment_id"], refused["amount"], refused["reasons"]) == (
        "P9",
        "-7",
        ["amount is '-7'; the least allowed is 0."],
    )
    assert pq.read_table(path / refused["file"])["payment_id"][refused["row"]].as_py() == "P9"


def test_a_folder_without_a_log_is_a_sentence(history: Any, elsewhere: Any) -> None:
    """The sentence names the folder."""
    (history.root / "payments").mkdir()

    with pytest.raises(SourceMissing, match=r"'payments' cannot be read from '.*/payments': there is no Delta table"):
        elsewhere(payments="delta:payments")


def test_a_damaged_log_is_a_sentence(history: Any, content: Any, elsewhere: Any) -> None:
    """A log that is no JSON is no table."""
    path = written(history.root / "payments", content("payments"))
    (path / "_delta_log" / "00000000000000000000.json").write_text("not a log")

    with pytest.raises((SourceUnreadable, SourceMissing), match="'payments' cannot be read from"):
        elsewhere(payments="delta:payments")


def test_a_lost_data_file_is_a_sentence(history: Any, content: Any, elsewhere: Any) -> None:
    """The sentence names the file that the log knows of."""
    path = written(history.root / "payments", content("payments"))
    [lost] = path.glob("*.parquet")
    lost.unlink()

    with pytest.raises(SourceUnreadable, match=f"its file {lost.name} is not readable"):
        elsewhere(payments="delta:payments")


def test_a_table_that_needs_another_reader_is_a_sentence(history: Any, content: Any, elsewhere: Any) -> None:
    """Deletion vectors, which hide rows of a file, are not passed over: nothing is read."""
    path = written(history.root / "payments", content("payments"))
    log = path / "_delta_log" / "00000000000000000000.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
    known = {kind: ["deletionVectors", "timestampNtz"] for kind in ("readerFeatures", "writerFeatures")}
    needed = [{"protocol": protocol | known} if "protocol" in action else action for action in actions]
    log.write_text("\n".join(map(json.dumps, needed)))

    with pytest.raises(SourceUnreadable, match="deletionVectors"):
        elsewhere(payments="delta:payments")


def test_a_missing_column_is_a_sentence(history: Any, content: Any, elsewhere: Any) -> None:
    """The sentence knows what the table has."""
    written(history.root / "payments", content("payments").drop_columns(["amount"]))

    with pytest.raises(ColumnMissing, match=r"needs a column 'amount', and .*payments' has none\. Found: payment_id"):
        elsewhere(payments="delta:payments")
