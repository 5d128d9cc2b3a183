"""CSV files are read as they are written, and what is wrong with one is a sentence with its line."""

import csv
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.data.sources.csv_file import CsvFile
from tallystick.definitions import fields as f
from tallystick.definitions.streams import Table
from tallystick.errors import ColumnMissing, SourceUnreadable

HEADER = "payment_id,paid_at,customer_id,terminal_id,amount,rate,due_at\n"
TEXTS = Table("texts", key="a", source="any.csv", fields={"b": f.key, "c": f.key}).definition
AT = "1970-01-05T10:00:00Z"


def write(path: Path, table: pa.Table, *, quoted: bool = False) -> None:
    """Write a table with Python's own writer, instants as RFC 3339 and flags as it shows them."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
        writer.writerow(table.column_names)
        writer.writerows([[_text(value) for value in row.values()] for row in table.to_pylist()])


def _text(value: Any) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def line(number: object, amount: object = "1.00", **others: object) -> str:
    """Return a payment's line."""
    values = {"customer_id": "C1", "terminal_id": "T1", "amount": amount, "rate": "", "due_at": ""} | others
    return ",".join(map(str, [number, AT, *values.values()])) + "\n"


@pytest.mark.parametrize("quoted", [False, True])
def test_csv_gives_the_dataset_of_the_same_parquet(history: Any, content: Any, elsewhere: Any, *, quoted: bool) -> None:
    """Quotes, commas within them, umlauts, exponents, missing values and flags come out as from Parquet, to the bit."""
    for name in ("payments", "reports", "outcomes"):
        write(history.root / f"{name}.csv", content(name), quoted=quoted)

    reading = elsewhere(payments="payments.csv", reports="reports.csv", outcomes="outcomes.csv")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


@given(st.lists(st.tuples(*(st.text(st.characters(codec="utf-8"), min_size=1) for _ in range(3))), min_size=1))
def test_any_text_survives_csv(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]) -> None:
    """Whatever stands in a value, quoted as Python's writer does, is read as Parquet has it."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    table = pa.table(dict(zip("abc", map(pa.array, zip(*rows, strict=True)), strict=True)))
    write(path, table)
    piece = CsvFile(TEXTS, str(path), lambda: nullcontext(path))

    read, kept = piece.read(["a", "c"]), piece.rows(pa.array([len(rows) - 1]))

    assert read.to_pydict() == table.select(["a", "c"]).to_pydict()
    assert kept.cast(table.schema).to_pylist() == table.slice(len(rows) - 1).to_pylist()


def test_a_folder_of_csv_files_is_one_source(history: Any, content: Any, elsewhere: Any) -> None:
    """Files of a folder are read in order of their names, and a refused row is told with its file and its row."""
    rows = content("payments")
    write(history.root / "parts" / "a.csv", rows.slice(0, 15))
    write(history.root / "parts" / "b.csv", pa.concat_tables([rows.slice(15), rows.slice(3, 1)]))

    reading = elsewhere(payments="parts")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint
    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["file"], refused["row"], refused["payment_id"]) == ("b.csv", 25, "P3")


def test_money_never_becomes_a_float(history: Any, elsewhere: Any) -> None:
    """An amount of sixteen digits keeps its last cent, and one cent too fine is refused as it was written."""
    (history.root / "p.csv").write_text(HEADER + line("P1", "90071992547409.93") + line("P2", "0.105"))

    reading = elsewhere(payments="p.csv")

    assert reading.dataset.records["payments"].values["amount"].values.tolist() == [9007199254740993]
    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["row"], refused["amount"], refused["rate"]) == (1, "0.105", None)


def test_an_empty_value_is_missing_and_na_is_a_key(history: Any, elsewhere: Any) -> None:
    """Only nothing is missing, with quotes or without; no word is taken for it."""
    (history.root / "p.csv").write_text(
        HEADER + line("NA", terminal_id='""') + line("null", terminal_id="") + line("P3", customer_id="")
    )

    reading = elsewhere(payments="p.csv")

    assert reading.dataset.records["payments"].ids.to_pylist() == ["NA", "null"]
    assert reading.dataset.records["payments"].keys["terminal_id"].codes.tolist() == [-1, -1]
    assert reading.screenings["payments"].reasons == {"customer_id: missing": 1}


def test_flags_are_written_in_words_or_digits(history: Any, elsewhere: Any) -> None:
    """What Python, SQL and spreadsheets write for true and false is read; any other word is refused, with its row."""
    words = ["true", "False", "TRUE", "0", "1.0", "yes"]
    lines = [f"P{n},{word}\n" for n, word in enumerate(words)]
    (history.root / "o.csv").write_text("payment_id,is_fraud\n" + "".join(lines))

    reading = elsewhere(outcomes="o.csv")

    assert reading.dataset.records["outcomes"].values["is_fraud"].values.tolist() == [1, 0, 1, 0, 1]
    [refused] = pq.read_table(reading.screenings["outcomes"].quarantine).to_pylist()
    assert refused["reasons"] == ["is_fraud is 'yes'; allowed is true, false, 1 or 0."]


def test_columns_that_nothing_declares_may_hold_anything(history: Any, elsewhere: Any) -> None:
    """A note in another encoding stops no reading, and stands in the quarantine as bytes."""
    head = HEADER.replace("\n", ",note\n").encode()
    rows = [line("P1").encode().replace(b"\n", b",caf\xe9\n"), line("P1").encode().replace(b"\n", b",x\n")]
    (history.root / "p.csv").write_bytes(b"\xef\xbb\xbf" + head + b"".join(rows))

    reading = elsewhere(payments="p.csv")

    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["row"], refused["note"]) == (1, "x")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([line("P1"), line('"P\n2"'), "P3,x\n", line("P4")], "line 5 has 2 values, and the header names 7"),
        ([line("P1"), "\n", line("P2").replace("\n", ",more\n")], "line 4 has 8 values, and the header names 7"),
        ([line("P1"), line("P2", due_at='"'), line("P3")], "a quote in it is never closed"),
        ([line("P1", customer_id="caf\udce9")], "'customer_id'|invalid UTF8"),
    ],
)
def test_a_wrong_line_is_told(history: Any, elsewhere: Any, lines: list[str], sentence: str) -> None:
    """The sentence names the file, and the line where one is ragged; no row is lost in a quote."""
    (history.root / "p.csv").write_bytes((HEADER + "".join(lines)).encode("utf-8", "surrogateescape"))

    with pytest.raises(SourceUnreadable, match=rf"(?s)'payments' .*p\.csv'.*({sentence})"):
        elsewhere(payments="p.csv")


def test_quotes_within_values_are_left_alone(history: Any, elsewhere: Any) -> None:
    """A single quote sign in the middle of a value opens nothing."""
    (history.root / "p.csv").write_text(HEADER + line("P1", customer_id='5" pipe') + line("P2"))

    reading = elsewhere(payments="p.csv")

    assert reading.dataset.records["payments"].ids.to_pylist() == ["P1", "P2"]


def test_a_header_alone_is_a_source_without_rows(history: Any, elsewhere: Any) -> None:
    """No row is no mistake."""
    (history.root / "p.csv").write_text(HEADER)

    assert len(elsewhere(payments="p.csv").dataset.records["payments"]) == 0


def test_an_empty_file_is_a_sentence(history: Any, elsewhere: Any) -> None:
    """A CSV file begins with a header row."""
    (history.root / "p.csv").write_text("")

    with pytest.raises(SourceUnreadable, match=r"p\.csv'.* no header row"):
        elsewhere(payments="p.csv")


def test_a_missing_column_names_the_file(history: Any, elsewhere: Any) -> None:
    """A file with semicolons has one column, and the sentence shows it."""
    (history.root / "p.csv").write_text(HEADER.replace(",", ";"))

    with pytest.raises(ColumnMissing, match=r"'payment_id', and '.*p\.csv' has none\. Found: payment_id;paid_at;"):
        elsewhere(payments="p.csv")


def test_a_column_that_stands_twice_is_a_sentence(history: Any, elsewhere: Any) -> None:
    """Nothing says which of two columns of one name is meant."""
    (history.root / "p.csv").write_text(HEADER.replace("rate", "amount"))

    with pytest.raises(SourceUnreadable, match="several columns 'amount'"):
        elsewhere(payments="p.csv")


def test_a_folder_of_two_formats_is_a_sentence(history: Any, content: Any, elsewhere: Any) -> None:
    """A row might lie there twice, so nothing is read."""
    write(history.root / "parts" / "a.csv", content("payments"))
    pq.write_table(content("payments"), history.root / "parts" / "a.parquet")

    with pytest.raises(SourceUnreadable, match=r"holds \.csv and \.parquet files"):
        elsewhere(payments="parts")
