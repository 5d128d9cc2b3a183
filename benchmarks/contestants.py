"""Who does the features benchmark: ours, and what a user could pick instead, each in its best known form."""

import atexit
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.network import Columns, Window, loaded
from numpy.typing import NDArray

from tallystick.data.read import read
from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Records
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.expressions import Aggregate, AnyExpr, Flagged
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.fields import flag, key, money
from tallystick.definitions.streams import Stream
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.spark import executor
from tallystick.features.spark.session import session
from tallystick.features.sql import duck
from tallystick.features.table import FeatureTable
from tallystick.features.table_file import write

Run = Callable[[], Columns]
"""Does the work once, on what was prepared, and returns the features' columns by name."""


payments = Stream(
    "payments", id="payment_id", time="paid_at", source="payments.parquet",
    fields={"customer": key, "terminal": key, "amount": money("EUR"), "fraud": flag},
)  # fmt: skip
chargebacks = Stream(
    "chargebacks", id="report_id", time="reported_at", source="chargebacks.parquet", fields={"payment_id": key}
)


def ours(folder: Path, work: list[Window], cores: int) -> Run:
    """Run the batch executor on records in memory."""
    dataset, plan = _dataset(folder), _plan(work)
    return lambda: _columns(batch.compute(plan, dataset, threads=cores))


def ours_known_at(folder: Path, work: list[Window], cores: int) -> Run:
    """Run it with frauds that count from when they were reported, which is other and more work."""
    flagged = payments.flagged_by(chargebacks, on="payment_id")
    found, plan = _read(folder, flagged), _plan(work, flagged)
    return lambda: _columns(batch.compute(plan, found, threads=cores))


def ours_from_parquet(folder: Path, work: list[Window], cores: int) -> Run:
    """Go the whole path from a Parquet file to the matrix."""
    plan = _plan(work)
    return lambda: _columns(batch.compute(plan, _read(folder), threads=cores))


def ours_to_parquet(folder: Path, work: list[Window], cores: int) -> Run:
    """Go the whole path from a Parquet file to a Parquet file."""
    plan = _plan(work)

    def run() -> Columns:
        matrix = batch.compute(plan, _read(folder), threads=cores)
        write(matrix, folder / "ours.parquet")
        return _columns(matrix)

    return run


def ours_duckdb(folder: Path, work: list[Window], cores: int) -> Run:
    """Let DuckDB run the SQL that ours emits, tables included as `tally features --engine duckdb` makes them."""
    dataset, plan = _dataset(folder), _plan(work)
    return lambda: _columns(duck.compute(plan, dataset, threads=cores))


def ours_spark(folder: Path, work: list[Window], cores: int) -> Run:
    """Go the whole path within Spark, as `tally features --engine spark` does; in a Spark that runs, as the other."""
    plan, turns = _plan(work), iter(range(100))
    running = session(f"local[{cores}]", settings={"spark.driver.memory": "6g"})
    running.__enter__()
    atexit.register(running.__exit__, None, None, None)

    def run() -> Columns:
        out = folder / f"by-spark-{next(turns)}"
        executor.features(plan, plan.sources, [], folder, str(out), now=2**62, master=f"local[{cores}]")
        made = pq.read_table(out, columns=["payment_id", *plan.names])
        made = made.take(pa.array(np.argsort(made["payment_id"].cast(pa.int64()).to_numpy())))
        return {name: made[name].to_numpy() for name in plan.names}

    return run


def _plan(work: list[Window], flagged: Flagged | None = None) -> Plan:
    features: dict[str, AnyExpr] = {}
    for window in work:
        entity = payments.by(window.entity)
        of = flagged if window.value == "fraud" and flagged is not None else payments[window.value]
        for name, function in zip(window.names, window.functions, strict=True):
            measure = entity.count() if function == "count" else getattr(entity, function)(of)
            features[name] = cast("Aggregate", measure.over(f"{window.days}d", delay=f"{window.delay}d"))
    sources = (payments.definition, *([] if flagged is None else [chargebacks.definition]))
    return Plan(FeatureDefinition("Benchmark", payments.definition, features), sources)


def _dataset(folder: Path) -> Dataset:
    columns = loaded(folder)
    n = len(columns["paid_at"])
    position, nothing = np.arange(1, n + 1), np.zeros(n, np.bool_)
    keys = {name: EncodedKeys(columns[name], _texts(columns[name])) for name in ("customer", "terminal")}
    values = {name: FixedPoint(columns[name], nothing, digits) for name, digits in (("amount", 2), ("fraud", 0))}
    ids = pq.read_table(folder / "cents.parquet", columns=["payment_id"])["payment_id"].combine_chunks()
    records = Records(payments.definition, position, columns["paid_at"], ids, keys, values)
    return Dataset({"payments": records}, "", n)


def _texts(codes: NDArray[Any]) -> pa.Array:
    return pa.array(np.arange(int(codes.max()) + 1)).cast(pa.string())


def _read(folder: Path, flagged: Flagged | None = None) -> Dataset:
    sources = [payments.definition, *([] if flagged is None else [chargebacks.definition])]
    return read(sources, [] if flagged is None else [flagged], folder, now=2**62).dataset


def _columns(matrix: FeatureTable) -> Columns:
    return {name: matrix.values[:, i] for i, name in enumerate(matrix.names)}


def duckdb(folder: Path, work: list[Window], cores: int) -> Run:
    """Run frames over time, all windows of an entity in one query: RANGE over an integer is DuckDB's fastest form."""
    library = duck.duckdb_library()
    connection = library.connect(config={"threads": cores})
    columns = loaded(folder)
    given = pa.table(columns | {"row": np.arange(len(columns["paid_at"]))})
    connection.register("given", given)
    connection.execute("CREATE TABLE payments AS SELECT * FROM given")
    connection.unregister("given")
    return lambda: dict(connection.execute(frames(work)).fetchnumpy())


def frames(work: list[Window]) -> str:
    """Return the work as SQL that DuckDB and Spark both take."""
    columns, named = ["row"], []
    for i, window in enumerate(work):
        end, begin = window.delay * DAY_US, (window.delay + window.days) * DAY_US - 1
        upper = f"{end} PRECEDING" if end else "CURRENT ROW"
        frame = f"PARTITION BY {window.entity} ORDER BY paid_at RANGE BETWEEN {begin} PRECEDING AND {upper}"
        named.append(f"w{i} AS ({frame})")
        for name, function in zip(window.names, window.functions, strict=True):
            columns.append(f"{function}({'*' if function == 'count' else window.value}) OVER w{i} AS {name}")
    return f"SELECT {', '.join(columns)} FROM payments WINDOW {', '.join(named)}"


def polars(folder: Path, work: list[Window], _: int) -> Run:
    """Roll sums over a time column within an entity: its fastest form of five that were tried.

    The others: group_by().rolling, rolling over one packed key of entity and time (both 1.1 to 1.4 times its time),
    the packed key with rolling_sum_by (1.3 times), search_sorted in cumulative sums (3 times).
    """
    pl = _library("polars")
    frame = pl.DataFrame(loaded(folder)).with_columns(one=pl.lit(1, dtype=pl.Int64))

    def rolled(window: Window, function: str, days: int) -> Any:
        column = pl.col("one" if function == "count" else window.value)
        roll = column.rolling_max_by if function == "max" else column.rolling_sum_by
        return roll("paid_at", window_size=f"{days * DAY_US}i").over(window.entity)

    def feature(window: Window, function: str) -> Any:
        whole = rolled(window, function, window.days + window.delay)
        return whole - rolled(window, function, window.delay) if window.delay else whole

    requested = [
        feature(window, function).alias(name)
        for window in work
        for name, function in zip(window.names, window.functions, strict=True)
    ]
    return lambda: {column.name: column.to_numpy() for column in frame.lazy().select(requested).collect().get_columns()}


def pandas(folder: Path, work: list[Window], _: int) -> Run:
    """Apply a function to each entity's payments that rolls over an index of time: the Handbook's way.

    References
    ----------
    Y.-A. Le Borgne, W. Siblini, B. Lebichot, G. Bontempi (2022), "Reproducible Machine Learning for Credit Card Fraud
    Detection - Practical Handbook", chapter 3, "Baseline feature transformation".
    """
    pd = _library("pandas")
    columns = loaded(folder)
    stamps = columns.pop("paid_at").astype("datetime64[us]")
    frame = pd.DataFrame({name: column.astype(np.float64) for name, column in columns.items()} | {"at": stamps})

    def spending(of_entity: Any, windows: list[Window]) -> Any:
        of_entity = of_entity.sort_values("at")
        made, series = {}, of_entity.set_index("at")
        for window in windows:
            for name, function in zip(window.names, window.functions, strict=True):
                wide, late = (
                    getattr(series[window.value].rolling(f"{days}D"), function)().to_numpy() if days else 0.0
                    for days in (window.days + window.delay, window.delay)
                )
                made[name] = wide - late
        return pd.DataFrame(made, index=of_entity.index)

    def run() -> Columns:
        parts = []
        for entity in dict.fromkeys(window.entity for window in work):
            own = [window for window in work if window.entity == entity]
            parts.append(frame.groupby(entity, group_keys=False)[["at", own[0].value]].apply(spending, windows=own))
        return {name: part[name].reindex(frame.index).to_numpy() for part in parts for name in part}

    return run


def spark(folder: Path, work: list[Window], cores: int) -> Run:
    """Run the same frames in Spark SQL on a cached table, to a folder of Parquet files."""
    sql_module = _library("pyspark.sql")
    builder = sql_module.SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", str(2 * cores)).config("spark.driver.memory", "6g")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    columns = loaded(folder)
    given = folder / "for-spark.parquet"
    pq.write_table(pa.table(columns | {"row": np.arange(len(columns["paid_at"]))}), given)
    session.read.parquet(str(given)).cache().createOrReplaceTempView("payments")
    session.sql("SELECT count(*), sum(amount) FROM payments").collect()
    turns = iter(range(100))

    def run() -> Columns:
        out = folder / f"spark-{next(turns)}"
        session.sql(frames(work)).write.parquet(str(out))
        made = pq.read_table(out)
        return {name: made[name].to_numpy() for name in made.column_names}

    return run


def _library(name: str) -> Any:
    return importlib.import_module(name)
