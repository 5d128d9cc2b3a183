"""What a worker does with raw rows: every batch of them is held against its contract, and none disappears."""

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data import contract, quarantine
from tallystick.data.records import id_field, time_field
from tallystick.data.refusals import RefusalCode, RefusalReason, RefusedRows, refusal_reason
from tallystick.definitions.streams import Source
from tallystick.features.spark.packed import packed

Ints = NDArray[np.int64]

ROW, KNOWN = "@row", "@known"
SCREENED = (
    "row bigint, arrived bigint, time bigint, id string, keys array<string>, values array<bigint>, "
    "codes array<string>, reasons array<string>, found array<string>"
)
"""An accepted row has no ``codes``; a refused one has nothing but its row, its reasons, and the values found."""


def screened(batches: Iterator[pa.RecordBatch], *, source: bytes, now: int, origin: str) -> Iterator[pa.RecordBatch]:
    """Yield each raw row, as it is accepted or with all reasons why not.

    Parameters
    ----------
    batches : the declared columns in their order, named by their places; the row's place among all of its source, and
        for a table without times when each outcome became known
    source : the stream's or table's definition as JSON
    now : the present instant, microseconds since 1970 UTC
    origin : where the rows come from, for the errors' sentences
    """
    declared: Source = msgspec.json.decode(source, type=Source)
    for batch in batches:
        rows = _in_order(pa.Table.from_batches([batch]))
        if len(rows):
            yield from _screened(declared, rows, now, origin).to_batches()


def duplicates(batches: Iterator[pa.RecordBatch], *, source: bytes) -> Iterator[pa.RecordBatch]:
    """Yield raw rows as refused, since an earlier one has their id.

    Parameters
    ----------
    batches : the declared columns in their order, named by their places; the row's place among all of its source
    source : the stream's or table's definition as JSON
    """
    declared: Source = msgspec.json.decode(source, type=Source)
    # A dated table's rows have no id: what may not come twice is a version from one instant.
    dated = None if id_field(declared) else time_field(declared)
    own = dated or contract.name_field(declared)
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        if len(rows):
            ids = _declared(declared, rows).column(own).to_pylist()
            row_reasons = tuple(
                (refusal_reason(own, declared.fields[own], RefusalCode.DUPLICATE, value),) for value in ids
            )
            yield from _refused(declared, rows, RefusedRows(np.arange(len(rows)), row_reasons)).to_batches()


def _in_order(rows: pa.Table) -> pa.Table:
    # A worker may be given a later file first; of two rows with one id, the first of all files stays.
    place = rows.column(ROW).to_numpy()
    is_rising = bool(np.all(place[1:] > place[:-1]))
    return rows if is_rising else rows.take(pa.array(np.argsort(place)))


def _declared(source: Source, rows: pa.Table) -> pa.Table:
    return pa.table({name: rows.column(f"r{i}") for i, name in enumerate(source.fields)})


def _screened(source: Source, rows: pa.Table, now: int, origin: str) -> pa.Table:
    place = rows.column(ROW).to_numpy()
    known_at = _known(rows) if KNOWN in rows.column_names else None
    records, refused = contract.screen(source, [_declared(source, rows)], now=now, known_at=known_at, origin=origin)
    accepted = np.ones(len(rows), dtype=bool)
    accepted[refused.rows] = False
    n = int(accepted.sum())
    nothing = pa.nulls(n, pa.list_(pa.string()))
    columns = packed(records, place[accepted]) | dict.fromkeys(("codes", "reasons", "found"), nothing)
    fine = pa.table(columns)
    return pa.concat_tables([fine, _refused(source, rows, refused)]) if len(refused) else fine


def _known(rows: pa.Table) -> contract.KnownAt:
    known = rows.column(KNOWN)
    instants = known.fill_null(0).to_numpy(), known.is_null().to_numpy()

    def of_ids(_: pa.Array) -> tuple[Ints, NDArray[np.bool_]]:
        return instants

    return of_ids


def _refused(source: Source, rows: pa.Table, refused: RefusedRows) -> pa.Table:
    n, these = len(refused), rows.take(pa.array(refused.rows))
    texts = [quarantine.column_as_texts(column).to_pylist() for column in _declared(source, these).columns]
    columns = {
        "row": these.column(ROW),
        "arrived": pa.nulls(n, pa.int64()),
        "time": pa.nulls(n, pa.int64()),
        "id": pa.nulls(n, pa.string()),
        "keys": pa.nulls(n, pa.list_(pa.string())),
        "values": pa.nulls(n, pa.list_(pa.int64())),
        "codes": _reason_lists(refused.reasons, lambda reason: f"{reason.field}: {reason.code}"),
        "reasons": _reason_lists(refused.reasons, lambda reason: reason.sentence),
        "found": pa.array([list(row) for row in zip(*texts, strict=True)], pa.list_(pa.string())),
    }
    return pa.table(columns)


def _reason_lists(reasons: tuple[tuple[RefusalReason, ...], ...], what: Callable[[RefusalReason], str]) -> pa.Array:
    return pa.array([[what(reason) for reason in of_row] for of_row in reasons], pa.list_(pa.string()))
