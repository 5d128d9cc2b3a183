"""Spark gives batch's bits, from the same files, in the same order; and says in a sentence what it cannot do."""

import socket
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.cli.main import main
from tallystick.data import fingerprint as data_fingerprint
from tallystick.data import read as data_read
from tallystick.data.records import arrived_at
from tallystick.errors import (
    ColumnMissing,
    ColumnUnusable,
    EngineUnfit,
    FeatureOverflow,
    JavaMissing,
    SourceMissing,
    SparkAway,
    TooManyRefused,
)
from tallystick.features import table_file
from tallystick.features.prove import available_executors, prove, with_spark
from tallystick.features.spark import executor, numbering, reading
from tallystick.features.spark.session import check_master
from tallystick.features.spill.pieces import InMemory
from tallystick.simulation.cards import simulate
from tallystick.testing.project import PROJECT

from .spark_here import here
from .spark_lender import lender, lender_source
from .spark_project import NOW, START, Project, generated

pytest.importorskip("pyspark", reason="pyspark, of the extra 'spark', is not installed")


@pytest.fixture(scope="module")
def spark() -> Any:
    """Return the session that the tests of Spark share."""
    return here()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write a project's files: ties, missing keys and values, reports, outcomes, and rows to refuse."""
    return generated(tmp_path_factory.mktemp("project"), n=3_000, seed=7)


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write the project whose rows ask about other streams and tables."""
    return lender(tmp_path_factory.mktemp("lender") / "project", n=300, seed=5)


@pytest.fixture(scope="module")
def found(spark: Any, project: Project) -> dict[str, reading.ScreenedSource]:
    """Read the project's files with Spark."""
    quarantine = str(project.root / "refused")
    return reading.read(
        spark, project.sources, project.flags, project.root, now=NOW, max_refused_share=0.5, quarantine=quarantine
    )


def test_spark_gives_the_bits_of_batch(
    project: Project, found: dict[str, reading.ScreenedSource], tmp_path: Path
) -> None:
    """The table has batch's rows at batch's positions, every bit of every feature, and both digests."""
    header = executor.write(project.plan, found, str(tmp_path / "out"))

    made, wanted = project.written(tmp_path / "out"), project.wanted
    assert header.rows == len(made)
    assert made.ids.to_pylist() == wanted.ids.to_pylist()
    assert (made.position.tolist(), made.time.tolist()) == (wanted.position.tolist(), wanted.time.tolist())
    assert made.values.tobytes() == wanted.values.tobytes()
    assert (made.origin, header.digest) == (wanted.origin, wanted.digest)


def test_long_entities_are_cut_and_nothing_changes(
    project: Project, found: dict[str, reading.ScreenedSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entities cut into ranges of time with the prefix that their windows reach, and many files, give the same bits."""
    monkeypatch.setattr(executor, "ROWS_OF_A_FILE", 700)
    executor.write(project.plan, found, str(tmp_path / "out"), hot=200)

    made = project.written(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.parquet"))) > 3
    assert made.ids.to_pylist() == project.wanted.ids.to_pylist()
    assert made.values.tobytes() == project.wanted.values.tobytes()


def test_the_whole_algebra_gives_the_bits_of_batch(spark: Any, lent: Project, tmp_path: Path) -> None:
    """Other streams, other keys, tables, texts, corrections and late events, short entities and cut ones: all equal."""
    out = tmp_path / "out"
    header = executor.features(lent.plan, lent.sources, lent.flags, lent.root, str(out), now=NOW, hot=60)

    made, wanted = lent.written(out), lent.wanted
    assert header.rows == len(made)
    assert (made.ids.to_pylist(), made.position.tolist()) == (wanted.ids.to_pylist(), wanted.position.tolist())
    assert [n for i, n in enumerate(lent.plan.names) if (bits(made.values, i) != bits(wanted.values, i))] == []
    assert made.origin == wanted.origin


def test_blocks_spread_over_tasks_give_one_fingerprint(
    spark: Any, lent: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many blocks and many parts of the order, on several tasks, give the places and the fingerprint of one machine."""
    monkeypatch.setattr(numbering, "ROWS_OF_A_TASK", 100)
    monkeypatch.setattr(numbering, "BLOCK", 64)
    monkeypatch.setattr(data_fingerprint, "BLOCK", 64)
    seen = data_read.read(lent.sources, lent.flags, lent.root, now=NOW).dataset

    placed = numbering.numbered(reading.read(spark, lent.sources, lent.flags, lent.root, now=NOW))

    assert numbering.fingerprint(placed) == seen.fingerprint
    for name, records in seen.records.items():
        mine = sorted((row["row"], row["id"]) for row in placed[name].frame.select("row", "id").collect())
        assert mine == list(zip(records.position.tolist(), records.ids.to_pylist(), strict=True))


def test_records_that_come_in_pieces_give_the_bits_of_batch(spark: Any, lent: Project, tmp_path: Path) -> None:
    """Records that Spark cannot read itself, as a log's, are written for it: the same positions, bits and digests."""
    seen = data_read.read(lent.sources, lent.flags, lent.root, now=NOW).dataset
    records = InMemory(seen, places=200)

    header = executor.features_of(lent.plan, records, str(tmp_path / "out"), folder=tmp_path / "spill")

    made = lent.written(tmp_path / "out")
    assert made.position.tolist() == lent.wanted.position.tolist()
    assert made.values.tobytes() == lent.wanted.values.tobytes()
    assert (made.origin, header.digest) == (lent.wanted.origin, lent.wanted.digest)
    assert list((tmp_path / "spill").iterdir()) == []


def test_a_proof_has_spark_where_a_master_is_named(spark: Any, lent: Project) -> None:
    """The last records of the whole algebra, given from memory in the order of their sequence, have batch's bits."""
    seen = data_read.read(lent.sources, lent.flags, lent.root, now=NOW).dataset
    in_spark = with_spark("local[2]")[-1]

    proof = prove(lent.plan, seen, 40, executors=[in_spark])

    assert (proof.n_rows, proof.is_identical) == ({"batch": 40, "spark": 40}, True)
    assert "spark" not in [executor.name for executor in available_executors()]


def test_only_the_period_is_written(project: Project, found: dict[str, reading.ScreenedSource], tmp_path: Path) -> None:
    """Rows of a period are those of batch, with all that they see from before it."""
    times = np.sort(project.wanted.time)
    begin, end = int(times[1_000]), int(times[2_000])
    executor.write(project.plan, found, str(tmp_path / "out"), begin=begin, end=end)

    inside = (project.wanted.time >= begin) & (project.wanted.time < end)
    made = project.written(tmp_path / "out")
    assert made.ids.to_pylist() == project.wanted.ids.filter(pa.array(inside)).to_pylist()
    assert made.values.tobytes() == project.wanted.values[inside].tobytes()
    assert made.digest == project.wanted.taken(np.flatnonzero(inside)).digest


def test_rows_are_refused_as_on_a_laptop(project: Project, found: dict[str, reading.ScreenedSource]) -> None:
    """The same rows are refused for the same reasons, and stand in the quarantine with what they held."""
    for name, screening in project.screenings.items():
        assert (found[name].n_rows, found[name].n_refused) == (screening.n_rows, screening.n_refused)
        assert found[name].reasons == screening.reasons
    refused = pq.read_table(str(found["payments"].quarantine)).to_pylist()
    theirs = pq.read_table(str(project.screenings["payments"].quarantine)).to_pylist()
    mine = {(row["file"], row["row"], row["payment_id"], row["amount"], *row["reasons"]) for row in refused}
    assert mine == {(row["file"], row["row"], row["payment_id"], row["amount"], *row["reasons"]) for row in theirs}


def test_what_is_told_twice_is_refused_as_on_a_laptop(spark: Any, tmp_path: Path) -> None:
    """Versions of one key and instant, a static row and an id that come again, in one batch or a later one: refused."""
    moved = ("profiles", "countries", "payments")
    sources = tuple(Project.with_source(lender_source(name), name) for name in moved)
    at = {name: pa.array([START, START + 1, START], pa.timestamp("us", "UTC")) for name in ("since", "paid_at")}
    rows = {
        "profiles": pa.table({"person": ["a", "b", "a"], "since": at["since"], "home": ["de", None, "fr"]}),
        "countries": pa.table({"code": ["de", "fr", "de"], "tax": ["1.50", "2.50", "1.50"]}),
        "payments": pa.table({
            "payment_id": ["p1", "p2", "p1"], "paid_at": at["paid_at"], "shop": ["s"] * 3, "amount": ["1.00"] * 3,
            "came_at": pa.array([START + 9, START + 5, START + 7], pa.timestamp("us", "UTC")), "customer": ["a"] * 3,
        }),
    }  # fmt: skip
    for name, table in rows.items():
        (tmp_path / name).mkdir()
        for file in ("a", "b"):
            pq.write_table(table, tmp_path / name / f"{file}.parquet")
    wanted = data_read.read(sources, [], tmp_path, now=NOW, max_refused_share=1.0)

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "4")
    found = reading.read(spark, sources, [], tmp_path, now=NOW, max_refused_share=1.0)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "65536")

    for name, screening in wanted.screenings.items():
        assert (found[name].n_rows, found[name].reasons) == (screening.n_rows, screening.reasons)
        theirs = wanted.dataset.records[name]
        mine = sorted((row["arrived"], row["id"], row["time"]) for row in found[name].frame.collect())
        assert mine == sorted(
            zip(arrived_at(theirs).tolist(), theirs.ids.to_pylist(), theirs.time.tolist(), strict=True)
        )
    assert sum(source.n_refused for source in found.values()) == 5 + 4 + 4  # a home is missing too


def test_too_many_refused_rows_stop_the_run(spark: Any, project: Project) -> None:
    """A source that loses more rows than the share stops the run."""
    with pytest.raises(TooManyRefused, match="payments"):
        reading.read(spark, project.sources, project.flags, project.root, now=NOW, max_refused_share=0.0)


def test_a_total_out_of_range_names_its_entity(spark: Any, tmp_path: Path) -> None:
    """An overflow on a worker comes back as the same sentence as batch's."""
    large = generated(tmp_path, n=20, seed=1, amount="46116860184273879.05")

    with pytest.raises(FeatureOverflow, match="running total of 'amount' for card"):
        executor.features(
            large.plan, large.sources, large.flags, large.root, str(tmp_path / "out"), now=NOW, max_refused_share=1.0
        )


def test_what_cannot_be_read_is_a_sentence(spark: Any, project: Project, tmp_path: Path) -> None:
    """A missing file, a missing column, a column of another kind and a lake's table are each named."""
    payments = project.sources[0]
    pq.write_table(pa.table({"payment_id": ["p1"]}), tmp_path / "thin.parquet")
    strange = {"payment_id": ["p1"], "paid_at": [True], "card": ["a"], "shop": ["b"], "amount": [1], "points": [1]}
    pq.write_table(pa.table(strange), tmp_path / "strange.parquet")

    cases = [
        ("gone.parquet", SourceMissing),
        ("thin.parquet", ColumnMissing),
        ("strange.parquet", ColumnUnusable),
        ("delta:lake", EngineUnfit),
    ]
    for source, error in cases:
        with pytest.raises(error, match="payments"):
            reading.read(spark, [project.with_source(payments, source)], [], tmp_path, now=NOW)


def test_csv_is_read_as_its_contract_says(spark: Any, project: Project, tmp_path: Path) -> None:
    """A CSV file's rows are those of the same file read on a laptop, line breaks in values included."""
    lines = ["payment_id,paid_at,card,shop,amount,points", 'p1,2025-10-21T00:00:00Z,"a,\nb",s,1.50,3']
    lines += ["p2,2025-10-22T00:00:00Z,,s,,4", "p3,2025-10-23T00:00:00Z,c,,1.5,4"]
    (tmp_path / "payments.csv").write_text("\n".join(lines), encoding="utf-8")
    source = project.with_source(project.sources[0], "payments.csv")

    found = reading.read(spark, [source], [], tmp_path, now=NOW, max_refused_share=1.0)["payments"]

    # A key may hold no line break, and a shop may not be missing.
    assert found.reasons == {"card: control_character": 1, "shop: missing": 1}
    assert [(row["id"], row["keys"], row["values"]) for row in found.frame.collect()] == [
        ("p2", [None, "s"], [None, 4])
    ]


def test_the_command_writes_the_same_matrix(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``tally features --engine spark`` writes the rows that the command writes without it."""
    network = simulate(customers=30, terminals=20, start=date(2026, 1, 1), days=20, seed=7)
    (tmp_path / "data").mkdir()
    (tmp_path / "project.py").write_text(PROJECT, encoding="utf-8")
    pq.write_table(network.payments, tmp_path / "data" / "payments.parquet")
    pq.write_table(network.chargebacks, tmp_path / "data" / "chargebacks.parquet")
    monkeypatch.chdir(tmp_path)

    for arguments in (["one.parquet"], ["many.parquet", "--engine", "spark"]):
        with pytest.raises(SystemExit) as ended:
            main(["features", *arguments, "--to", "2026-01-18", "--json"])
        assert ended.value.code == 0

    one, many = (pq.read_table(tmp_path / name) for name in ("one.parquet", "many.parquet"))
    assert many.equals(one)
    assert table_file.read_header(tmp_path / "many.parquet") == table_file.read_header(tmp_path / "one.parquet")
    with pytest.raises(SystemExit) as ended:
        main(["features", "many.parquet", "--engine", "spark"])
    assert ended.value.code == 2


def test_no_master_is_a_sentence() -> None:
    """An address at which nothing answers is told at once, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(SparkAway, match=rf"spark://127.0.0.1:{port}.*--master 'local\[2\]'"):
        check_master(f"spark://127.0.0.1:{port}")


def test_no_java_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Java is told which to install."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(JavaMissing, match="Java 17"):
        check_master("local[2]")


def bits(values: Any, column: int) -> bytes:
    """Return a feature's bits."""
    found: bytes = values[:, column].tobytes()
    return found
