"""The SQL executor: a plan's features from DuckDB, by the SQL that can be read and run elsewhere."""

import importlib
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.merge import no_records
from tallystick.data.records import Dataset, Records
from tallystick.errors import EngineFailed, EngineMissing, FeatureOverflow
from tallystick.features.entities import keys_of
from tallystick.features.plan import Plan
from tallystick.features.sql.names import Names, TableNames, unquoted
from tallystick.features.sql.query import guard, select
from tallystick.features.table import FeatureTable, Origin

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def compute(
    plan: Plan, dataset: Dataset, rows: Ints | None = None, *, threads: int = 1, in_order: bool | None = None
) -> FeatureTable:
    """Compute the features of records in DuckDB, each as it would have been served on its arrival.

    Parameters
    ----------
    plan : what to compute
    dataset : the spine, and the streams and tables that the features look at
    rows : shape (n,), places among the spine's records; all in their order if None
    threads : how many DuckDB may use; the result is the same for any number
    in_order : which form of the SQL runs; by default the one for records in order where that is proven of them

    Returns
    -------
    FeatureTable
        One row per asked row, in that order.

    Raises
    ------
    EngineFailed
        If it cannot run the query, as for lack of memory.
    EngineMissing
        If duckdb is not installed.
    FeatureOverflow
        If an entity's running totals of a column exceed half of what 64 bits hold.
    """
    duckdb = duckdb_library()
    spine = dataset.records[plan.definition.spine.name]
    wanted = np.arange(len(spine), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    names = Names(plan)
    ordered = is_in_order(plan, spine) if in_order is None else in_order
    query = select(plan, in_order=ordered, wanted=rows is not None, names=names)
    try:
        with duckdb.connect(config=_settings(threads)) as connection:
            _fill(connection, names, dataset, None if rows is None else spine.position[wanted])
            _refuse_too_large(connection, guard(plan, wanted=rows is not None, names=names))
            answer = connection.execute(query).fetchnumpy()
    except duckdb.Error as error:
        raise EngineFailed("DuckDB", reason=str(error).partition("\n")[0]) from error
    values = _matrix(answer, len(plan.names), spine.position[wanted])
    ids = spine.ids if rows is None else spine.ids.take(pa.array(wanted))
    named, origin = plan.definition.spine.id, Origin.of(plan, dataset.fingerprint)
    return FeatureTable(plan.names, ids, spine.position[wanted], spine.time[wanted], values, named, origin)


def duckdb_library() -> Any:
    """Return the module duckdb, of the ``sql`` extra.

    Raises
    ------
    EngineMissing
        If it is not installed.
    """
    try:
        return importlib.import_module("duckdb")
    except ModuleNotFoundError as error:
        raise EngineMissing("duckdb") from error


def is_in_order(plan: Plan, spine: Records) -> bool:
    """Return whether no record is late among those of any of its entities.

    Parameters
    ----------
    plan : says which keys name the spine's own entities
    spine : its records
    """
    if bool(np.all(spine.time[1:] >= spine.time[:-1])):
        return True
    own = {group.keys for group in plan.groups if group.stream == spine.source.name and group.keys == group.at}
    return all(_is_in_order(spine, keys) for keys in own)


def _is_in_order(spine: Records, keys: tuple[str, ...]) -> bool:
    codes = np.stack([keys_of(spine, key).codes for key in keys])
    order = np.lexsort((spine.position, *codes))
    combined = np.diff(spine.time[order]) < 0
    for column in codes:
        combined &= (column[order][1:] == column[order][:-1]) & (column[order][1:] >= 0)
    return not bool(np.any(combined))


def arrow(table: TableNames, records: Records) -> pa.Table:
    """Return a source's records as the table that queries read: texts, and whole numbers of 64 bits.

    Parameters
    ----------
    table : what the source and its fields are called in the queries
    records : of the source
    """
    columns = {table.position: pa.array(records.position)}
    columns |= {table.id: records.ids} if table.id else {}
    columns |= {table.time: pa.array(records.time)} if table.time else {}
    for field, keys in records.keys.items():
        codes = pa.array(keys.codes, mask=keys.codes < 0)
        columns[table.columns[field]] = pa.DictionaryArray.from_arrays(codes, keys.names)
    for field, column in records.values.items():
        columns[table.columns[field]] = pa.array(column.values, mask=column.missing)
    return pa.table({unquoted(name): column for name, column in columns.items()})


def _settings(threads: int) -> dict[str, Any]:
    """Let DuckDB compute, and nothing else: it loads no extension and opens no file of its own accord."""
    unwanted = ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access")
    return {"threads": threads} | dict.fromkeys(unwanted, False)


def _fill(connection: Any, names: Names, dataset: Dataset, positions: Ints | None) -> None:
    """Make the tables that the queries read."""
    tables = {
        table.name: arrow(table, dataset.records.get(source.name, no_records(source)))
        for source, table in zip(names.sources, names.tables.values(), strict=True)
    }
    if positions is not None:
        tables[names.wanted] = pa.table({"position": np.unique(positions)})
    for name, table in tables.items():
        connection.register("given", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        connection.unregister("given")


def _refuse_too_large(connection: Any, query: str | None) -> None:
    found = None if query is None else connection.execute(query).fetchone()
    if found is not None:
        field, key, entity, value = found
        raise FeatureOverflow(field, entity=f"{key} {entity}", value=int(value))


def _matrix(answer: dict[str, Any], width: int, positions: Ints) -> Floats:
    """Return the features' columns as one array, in the order of the rows that were asked about."""
    columns = list(answer.values())
    place = np.searchsorted(np.asarray(columns[0]), positions)
    values = np.empty((len(positions), width))
    for i, column in enumerate(columns[2:]):
        values[:, i] = np.ma.filled(column, np.nan)[place]
    return values
