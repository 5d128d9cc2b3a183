"""History on disk: the records a log begins with, in files that are known by their digest and never change."""

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.data.fingerprint import fingerprint, first_seen
from tallystick.data.merge import no_records
from tallystick.data.records import (
    Dataset,
    EncodedKeys,
    FixedPoint,
    Records,
    arrival_field,
    id_field,
    key_fields,
    value_fields,
)
from tallystick.definitions.digest import digest_bytes
from tallystick.definitions.stored import read_stored, reader_of, stored_bytes
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.durable import place
from tallystick.errors import DataUnwritable, SegmentDamaged, SegmentFormatUnknown, SegmentUnfit
from tallystick.log.entry import Segment

FORMAT = 1
MANIFEST = "manifest.json"
_POSITION, _TIME, _ID = "@position", "@time", "@id"  # beside the declared fields, which keep their own names
_INSTANT = pa.timestamp("us", tz="UTC")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    file: str
    sha256: str
    rows: int
    decimals: dict[str, int]


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    fingerprint: str
    last: int
    files: list[_File]


READERS: Mapping[int, Callable[[bytes], _Manifest]] = {FORMAT: partial(read_stored, kind=_Manifest)}
"""One reader of a segment's manifest for each format that is known."""


def save(dataset: Dataset, folder: Path) -> Segment:
    """Write a dataset into a new folder named by its digest, whole or not at all.

    Parameters
    ----------
    dataset : what to keep; its positions start at 1
    folder : where segments are kept

    Returns
    -------
    The segment as the log attaches it. The same dataset written by the same version is the same segment.

    Raises
    ------
    DataUnwritable
        If the folder or the disk does not take the files.
    """
    # The name is the digest, which is known at the end: written under another name, and renamed once it is whole.
    unfinished = folder / f".unfinished-{secrets.token_hex(8)}"
    try:
        unfinished.mkdir(parents=True)
        path = folder / _filled(unfinished, dataset)
        # The same dataset is the same segment, so one that is there already is this one.
        if not path.exists():
            place(unfinished, path)
    except OSError as error:
        raise DataUnwritable(folder, reason=str(error)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Segment(path.name, 1, dataset.last_position, str(path))


def open_segment(path: Path, sources: Mapping[str, Source] | Iterable[Source]) -> Dataset:
    """Read a segment back, after every byte of it was held against its digest.

    Parameters
    ----------
    path : the segment's folder, whose name is its digest
    sources : the streams and tables wanted, in the project's order; one that the segment does not know is empty

    Raises
    ------
    SegmentDamaged
        If a file was changed, lost or put in; the error names it.
    SegmentUnfit
        If the segment has another format, or lacks a declared field.
    """
    listed = list(sources.values() if isinstance(sources, Mapping) else sources)
    manifest = _manifest(path)
    # All files are proven, also those of sources that are not wanted: a damaged segment is not opened in part.
    contents = {entry.source: _content(path, entry) for entry in manifest.files}
    entries = {entry.source: entry for entry in manifest.files}
    records = {
        source.name: _whole(path, source, entries[source.name], contents[source.name])
        if source.name in entries
        else no_records(source)
        for source in listed
    }
    is_whole = records.keys() == entries.keys()
    return Dataset(records, manifest.fingerprint if is_whole else fingerprint(records), manifest.last)


def n_records(path: Path) -> dict[str, int]:
    """Return how many records of each source a segment holds, by name.

    Raises
    ------
    SegmentDamaged, SegmentUnfit
        If its manifest was changed or cannot be read.
    """
    return {entry.source: entry.rows for entry in _manifest(path).files}


def read_pieces(path: Path, source: Source, most: int) -> Iterator[Records]:
    """Yield one source's records of a segment in their order, with no more than a piece of them in memory.

    Its file is held against its digest before the first piece comes, and is read a second time for the pieces: who
    changes it between the two is not noticed here, but by whatever holds the records against their fingerprint.

    Parameters
    ----------
    path : the segment's folder, whose name is its digest
    source : the stream or table wanted; nothing comes of one that the segment does not know
    most : how many records a piece has at most

    Raises
    ------
    SegmentDamaged
        If a file was changed, lost or put in; the error names it.
    SegmentUnfit
        If the segment has another format, or lacks a declared field.
    """
    for entry in (entry for entry in _manifest(path).files if entry.source == source.name):
        try:
            with (path / entry.file).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            raise SegmentDamaged(path, file=entry.file, reason="is not there") from None
        if digest != entry.sha256:
            raise SegmentDamaged(path, file=entry.file, reason="has not the digest that the manifest tells")
        opened, columns = _opened(path, source, entry, path / entry.file)
        with opened:
            for batch in opened.iter_batches(batch_size=most, columns=columns):
                yield _records(source, pa.Table.from_batches([batch]))


def sources_in(path: Path) -> frozenset[str]:
    """Return the streams and tables whose records a segment holds.

    Raises
    ------
    SegmentDamaged, SegmentUnfit
        If its manifest was changed or cannot be read.
    """
    return frozenset(entry.source for entry in _manifest(path).files)


def _filled(folder: Path, dataset: Dataset) -> str:
    files = [_written(folder, name, records) for name, records in dataset.records.items()]
    manifest = stored_bytes(_Manifest(FORMAT, dataset.fingerprint, dataset.last_position, files))
    (folder / MANIFEST).write_bytes(manifest)
    return digest_bytes(manifest)


def _written(folder: Path, name: str, records: Records) -> _File:
    own = id_field(records.source) or _ID
    columns = {_POSITION: pa.array(records.position), _TIME: pa.array(records.time, _INSTANT), own: records.ids}
    texts = [field for field in records.keys if field != own]
    for field in texts:
        # In order of first use, so that equal columns give equal bytes, however they were encoded before.
        keys = first_seen(records.keys[field])
        codes = pa.array(keys.codes, mask=keys.codes < 0)
        columns[field] = pa.DictionaryArray.from_arrays(codes, keys.names)
    for field, fixed in records.values.items():
        columns[field] = pa.array(fixed.values, mask=fixed.missing)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd", compression_level=1, use_dictionary=texts)
    content = sink.getvalue()
    # A source's name may hold anything, and a file's name may not.
    file = f"{quote(name, safe='')}.parquet"
    (folder / file).write_bytes(content)
    decimals = {field: fixed.decimals for field, fixed in records.values.items()}
    return _File(name, file, hashlib.sha256(content).hexdigest(), len(records), decimals)


def _manifest(path: Path) -> _Manifest:
    try:
        content = (path / MANIFEST).read_bytes()
    except OSError:
        raise SegmentDamaged(path, file=MANIFEST, reason="is not there") from None
    if digest_bytes(content) != path.name:
        raise SegmentDamaged(path, file=MANIFEST, reason="has not the digest that its folder is named by")
    try:
        manifest = reader_of(content, READERS, unknown=partial(SegmentFormatUnknown, path, known=READERS))(content)
    except ValueError as error:
        raise SegmentUnfit(path, reason=f"its manifest cannot be read ({error})") from None
    if manifest.format != FORMAT:
        raise SegmentUnfit(path, reason=f"it has format {manifest.format}, and this version knows format {FORMAT}")
    # A file that nobody listed is proven by nobody.
    strangers = {found.name for found in path.iterdir()} - {MANIFEST} - {entry.file for entry in manifest.files}
    for name in sorted(strangers):
        raise SegmentDamaged(path, file=name, reason="does not belong to it")
    return manifest


def _content(path: Path, entry: _File) -> bytes:
    # Read once: what was held against the digest is what is parsed.
    try:
        content = (path / entry.file).read_bytes()
    except OSError:
        raise SegmentDamaged(path, file=entry.file, reason="is not there") from None
    if digest_bytes(content) != entry.sha256:
        raise SegmentDamaged(path, file=entry.file, reason="has not the digest that the manifest tells")
    return content


def _whole(path: Path, source: Source, entry: _File, content: bytes) -> Records:
    file, columns = _opened(path, source, entry, pa.BufferReader(content))
    return _records(source, file.read(columns=columns))


def _opened(path: Path, source: Source, entry: _File, content: Any) -> tuple[pq.ParquetFile, list[str]]:
    """Open a source's file, and say which columns of it are wanted."""
    own = id_field(source) or _ID
    keyed = [name for name in key_fields(source) if name != own]
    valued = {name: field.decimals for name, field in value_fields(source).items()}
    there = pq.read_schema(content).names
    for name in [own, *keyed, *valued]:
        # A field that may be missing, and was declared after these records were kept, is missing in all of them; and
        # where nothing said when they arrived, it counts as when they happened.
        is_later = name not in there and name != own and (source.fields[name].optional or name == arrival_field(source))
        if not is_later and (name not in there or valued.get(name) != entry.decimals.get(name)):
            raise SegmentUnfit(path, reason=f"{source.name!r} has no field {name!r} of the declared kind in it")
    file = pq.ParquetFile(content, read_dictionary=[name for name in keyed if name in there])
    return file, [_POSITION, _TIME, own, *(name for name in [*keyed, *valued] if name in there)]


def _records(source: Source, table: pa.Table) -> Records:
    own, there = id_field(source) or _ID, table.column_names
    keyed = [name for name in key_fields(source) if name != own]
    valued = {name: field.decimals for name, field in value_fields(source).items()}
    ids = _single(table.column(own))
    keys = {name: _keys(table.column(name)) if name in there else _no_keys(len(ids)) for name in keyed}
    if isinstance(source, TableDefinition):
        keys[own] = EncodedKeys(np.arange(len(ids), dtype=np.int32), ids)
    values = {
        name: _fixed(table.column(name), decimals) if name in there else _no_values(len(ids), decimals)
        for name, decimals in valued.items()
    }
    position, time = (pc.cast(table.column(name), pa.int64()).to_numpy() for name in (_POSITION, _TIME))
    arrived = arrival_field(source)
    if arrived is not None and arrived not in there:
        values[arrived] = FixedPoint(time, np.zeros(len(time), np.bool_), 0)
    return Records(source, position, time, ids, keys, values)


def _keys(column: pa.ChunkedArray) -> EncodedKeys:
    encoded = _single(column.unify_dictionaries())
    codes = pc.fill_null(pc.cast(encoded.indices, pa.int32()), -1).to_numpy()
    return first_seen(EncodedKeys(codes, pc.cast(encoded.dictionary, pa.string())))


def _fixed(column: pa.ChunkedArray, decimals: int) -> FixedPoint:
    missing = pc.is_null(column).to_numpy()
    return FixedPoint(pc.fill_null(column, 0).to_numpy(), missing, decimals)


def _no_keys(n: int) -> EncodedKeys:
    return EncodedKeys(np.full(n, -1, np.int32), pa.array([], pa.string()))


def _no_values(n: int, decimals: int) -> FixedPoint:
    return FixedPoint(np.zeros(n, np.int64), np.ones(n, np.bool_), decimals)


def _single(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
