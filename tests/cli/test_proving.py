"""The verbs prove and features: every engine, the SQL itself, and a wrong executor."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tallystick import lifecycle
from tallystick.data.records import Dataset, Records
from tallystick.definitions.streams import StreamDefinition
from tallystick.features import prove
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.prove import Executor


def test_prove_finds_no_difference(first_shop: Any) -> None:
    """On a project's own records, history and log, all executors agree; the exit code is 0."""
    noted, document = first_shop.tally("prove", "--rows", "400"), first_shop.document("prove", "--rows", "400")

    assert (noted.code, noted.err) == (0, "")
    assert "online, oracle (300 rows), duckdb" in noted.out
    assert document["identical"]
    assert document["n_rows"] == {"batch": 400, "online": 400, "oracle": 300, "duckdb": 400}
    assert {sum(feature["mismatches"].values()) for feature in document["features"]} == {0}


def test_prove_finds_a_wrong_executor(first_shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor that is wrong about one row is named with the record; the exit code is 1."""

    def wrong(plan: Plan, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        values = batch.compute(plan, dataset, rows).values
        values[3, 0] += 0.01
        return values

    monkeypatch.setattr(prove, "available_executors", lambda: (Executor("planted", wrong),))

    noted = first_shop.tally("prove", "--rows", "50")
    document = first_shop.tally("prove", "--rows", "50", "--json")

    assert (noted.code, document.code) == (1, 1)
    first = document.document["features"][0]
    assert first["mismatches"] == {"planted": 1}
    assert f"{first['feature']} of {first['first']['record']}: planted has" in noted.out
    assert "duckdb is not installed" in noted.out


def test_the_engine_changes_no_byte(first_shop: Any, tmp_path: Path) -> None:
    """DuckDB writes the same matrix as batch."""
    files = {engine: tmp_path / f"{engine}.parquet" for engine in ("batch", "duckdb")}

    for engine, file in files.items():
        assert first_shop.document("features", str(file), "--engine", engine)["rows"] > 0

    assert pq.read_table(files["duckdb"]).equals(pq.read_table(files["batch"]))


def test_the_sql_that_is_shown_runs(first_shop: Any) -> None:
    """The printed SQL, run on tables of the project's own files, gives the matrix; nothing is to be too large."""
    shown = first_shop.tally("features", "--show-sql")
    project = lifecycle.open(first_shop.folder, actor="ada")
    dataset, model = project.dataset(), project.definitions.model()
    with duckdb.connect() as connection:
        for name in ("payments", "chargebacks"):
            connection.register("given", plain_table(dataset.records[name]))
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')
        statements = connection.extract_statements(shown.out)
        too_large = connection.execute(statements[0]).fetchall()
        rows = connection.execute(statements[1]).fetchnumpy()

    wanted = batch.compute(project.plan(model), dataset)
    found = np.column_stack([np.ma.filled(rows[name], np.nan) for name in wanted.names])
    assert shown.code == 0
    assert too_large == []
    assert found.tobytes() == wanted.values.tobytes()
    assert first_shop.document("features", "--show-sql") == {"sql": shown.out.removesuffix("\n")}


def test_the_sql_of_spark_is_shown_for_its_engine(first_shop: Any) -> None:
    """The SQL comes in the spelling of the engine that was named."""
    shown = first_shop.tally("features", "--show-sql", "--engine", "spark")

    assert shown.code == 0
    assert "FROM `payments` AS r" in shown.out


def test_features_needs_a_file_or_a_wish_for_sql(first_shop: Any) -> None:
    """Without OUT the verb says what it wants."""
    ran = first_shop.tally("features")

    assert ran.code == 2
    assert "--show-sql" in ran.err


def plain_table(records: Records) -> pa.Table:
    """Return records as anybody would lay them down: texts, whole numbers, microseconds, the order of arrival."""
    source = records.source
    assert isinstance(source, StreamDefinition)
    keys = {name: pc.take(column.names, pa.array(column.codes)) for name, column in records.keys.items()}
    values = {name: column.values for name, column in records.values.items()}
    return pa.table({"position": records.position, source.id: records.ids, source.time: records.time, **keys, **values})
