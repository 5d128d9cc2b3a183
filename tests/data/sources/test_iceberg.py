"""Iceberg tables are read as their current snapshot stands, by a catalog's name for them or by their metadata."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.utils.config import Config

from tallystick.errors import ColumnMissing, SourceAway, SourceMissing, SourceUnreadable

Write = Callable[..., Any]


@pytest.fixture
def write(history: Any, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return the function that writes tables as commits of one Iceberg table, in a catalog of a database file."""
    warehouse = history.root / "warehouse"
    warehouse.mkdir()
    monkeypatch.setenv("PYICEBERG_CATALOG__BANK__URI", f"sqlite:///{warehouse}/catalog.db")
    monkeypatch.setenv("PYICEBERG_CATALOG__BANK__WAREHOUSE", warehouse.as_uri())
    monkeypatch.setenv("PYICEBERG_CATALOG__AWAY__URI", "http://ada:secret@127.0.0.1:9")
    # A process reads its environment once, when pyiceberg is imported; this one reads it again.
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())
    catalog = load_catalog("bank")
    catalog.create_namespace("cards")

    def written(*tables: pa.Table) -> Any:
        table = catalog.create_table("cards.payments", schema=tables[0].schema)
        for commit in tables:
            table.append(commit)
        return table

    return written


def test_a_catalog_gives_the_dataset_of_the_same_parquet(
    history: Any, content: Any, elsewhere: Any, write: Write
) -> None:
    """Commits count in their order, though the newest stands first in the metadata."""
    rows = content("payments")
    write(rows.slice(0, 10), rows.slice(10, 20), rows.slice(30))

    reading = elsewhere(payments="iceberg:bank.cards.payments")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


@pytest.mark.parametrize("before", ["", "iceberg:"])
def test_metadata_gives_the_dataset_of_the_same_parquet(
    history: Any, content: Any, elsewhere: Any, write: Write, before: str
) -> None:
    """A metadata file is a table at one of its snapshots, without a catalog."""
    metadata = write(content("payments")).metadata_location.removeprefix("file://")

    reading = elsewhere(payments=f"{before}{Path(metadata).relative_to(history.root)}")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


def test_a_folder_with_a_version_hint_is_a_table(history: Any, content: Any, elsewhere: Any, write: Write) -> None:
    """A table that no catalog holds tells in its folder which metadata is the newest."""
    metadata = Path(write(content("payments")).metadata_location.removeprefix("file://"))
    (metadata.parent / "version-hint.text").write_text(metadata.name)

    reading = elsewhere(payments=f"iceberg:{metadata.parents[1]}")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


def test_commits_of_one_instant_keep_their_order(history: Any, content: Any, elsewhere: Any, write: Write) -> None:
    """Of two rows with one id, the one that was committed first stays."""
    rows = content("payments")
    write(rows.slice(4, 1), pa.concat_tables([rows.slice(5, 1), rows.slice(4, 1)]))

    reading = elsewhere(payments="iceberg:bank.cards.payments")

    assert reading.dataset.records["payments"].ids.to_pylist() == ["P4", "P5"]
    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["row"], refused["payment_id"], refused["customer_id"]) == (1, "P4", "Müller, 4")


def test_what_was_deleted_is_not_read(history: Any, content: Any, elsewhere: Any, write: Write) -> None:
    """Only the current snapshot counts."""
    write(content("payments")).delete("payment_id = 'P3'")

    ids = elsewhere(payments="iceberg:bank.cards.payments").dataset.records["payments"].ids.to_pylist()

    assert sorted(ids) == sorted(set(content("payments")["payment_id"].to_pylist()) - {"P3"})


def test_a_refused_row_is_told_with_its_data_file(history: Any, content: Any, elsewhere: Any, write: Write) -> None:
    """The file and the row lead to what was written."""
    rows = content("payments")
    amounts = pc.replace_substring_regex(rows["amount"], "^7$", "-7")
    wrong = rows.set_column(rows.column_names.index("amount"), "amount", amounts)
    write(rows.slice(0, 8), wrong.slice(8, 3), rows.slice(11))

    reading = elsewhere(payments="iceberg:bank.cards.payments")

    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    [file] = (history.root / "warehouse").rglob(refused["file"])
    assert refused["reasons"] == ["amount is '-7'; the least allowed is 0."]
    assert pq.read_table(file)["payment_id"][refused["row"]].as_py() == refused["payment_id"] == "P9"


def test_a_table_without_a_snapshot_has_no_rows(content: Any, elsewhere: Any, write: Write) -> None:
    """A table that was created and never written is a source without records."""
    write(content("payments").slice(0, 0))

    assert len(elsewhere(payments="iceberg:bank.cards.payments").dataset.records["payments"]) == 0


@pytest.mark.parametrize(
    ("address", "error", "sentence"),
    [
        ("iceberg:bank.cards.loans", SourceMissing, r"'iceberg:bank\.cards\.loans': .*cards\.loans"),
        ("iceberg:bank.loans.loans", SourceMissing, "loans"),
        ("iceberg:payments", SourceMissing, r"is named CATALOG\.NAMESPACE\.TABLE"),
        ("iceberg:shop.cards.payments", SourceAway, r"Name the catalog .*PYICEBERG_CATALOG__SHOP__URI"),
        ("iceberg:away.cards.payments", SourceAway, r"see that it answers"),
        ("no/such.metadata.json", SourceMissing, r"no/such\.metadata\.json"),
        ("wrong.metadata.json", SourceUnreadable, "it is no Iceberg table"),
    ],
)
def test_what_is_no_table_is_a_sentence(
    history: Any,
    elsewhere: Any,
    write: Write,
    address: str,
    error: type[Exception],
    sentence: str,
) -> None:
    """No table, no catalog, a catalog that does not answer, a file of something else: each is told with its address."""
    (history.root / "wrong.metadata.json").write_text("{}")

    with pytest.raises(error, match=sentence) as raised:
        elsewhere(payments=address)

    assert "secret" not in str(raised.value)


def test_a_missing_column_is_a_sentence(content: Any, elsewhere: Any, write: Write) -> None:
    """The sentence knows what the table has."""
    write(content("payments").drop_columns(["amount"]))

    with pytest.raises(ColumnMissing, match=r"needs a column 'amount', and 'iceberg:.*' has none\. Found: payment_id"):
        elsewhere(payments="iceberg:bank.cards.payments")
