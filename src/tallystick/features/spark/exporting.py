"""Records that come piece by piece, such as a log's, written where Spark reads them: it reads no log itself."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.data.fingerprint import Fingerprint
from tallystick.data.merge import no_records
from tallystick.data.records import Records
from tallystick.features.plan import Plan
from tallystick.features.spark.packed import COLUMNS, packed
from tallystick.features.spark.reading import ScreenedSource
from tallystick.features.spill.folder import spill_folder
from tallystick.features.spill.pieces import Pieces


@contextmanager
def exported(spark: Any, plan: Plan, records: Pieces, folder: Path) -> Iterator[tuple[dict[str, ScreenedSource], str]]:
    """Write the records of a plan's sources for Spark, and remove them when the block is left.

    Parameters
    ----------
    spark : a session, whose workers see the folder
    plan : whose sources
    records : in the order of arrival
    folder : where they are written

    Yields
    ------
    The records by source, known by their places, and their fingerprint.
    """
    with spill_folder(folder) as own:
        seen, n_rows = Fingerprint(plan.sources), dict.fromkeys((source.name for source in plan.sources), 0)
        files = {source.name: own / f"{number}.parquet" for number, source in enumerate(plan.sources)}
        with ExitStack() as open_ones, records.pieces() as pieces:
            nothing = {source.name: _rows(no_records(source)).schema for source in plan.sources}
            writers = {name: open_ones.enter_context(pq.ParquetWriter(files[name], nothing[name])) for name in files}
            for piece in pieces:
                seen.add(piece.records)
                for name in [name for name in files if name in piece.records]:
                    writers[name].write_table(_rows(piece.records[name]))
                    n_rows[name] += len(piece.records[name])
        frames = {name: spark.read.parquet(str(path)).select(*COLUMNS) for name, path in files.items()}
        sources = {source.name: source for source in plan.sources}
        found = {n: ScreenedSource(sources[n], frames[n], n_rows[n], 0, {}, None, frames[n]) for n in files}
        yield found, seen.hexdigest()


def _rows(records: Records) -> pa.Table:
    """Return records as Spark moves them: known, and arrived, by their places."""
    return pa.table(packed(records, records.position) | {"arrived": pa.array(records.position)})
