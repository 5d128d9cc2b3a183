"""The digest of a dataset's content: the same records in the same order give the same, whatever files held them.

It is a digest of digests: of every source, and of each source's records block by block. A block is a stretch of the one
order of arrival, so that who sees the records piece by piece, or has them spread over workers, gets the same digest as
who has them all in memory.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import EncodedKeys, Records, id_field
from tallystick.definitions.digest import canonical, digest_of
from tallystick.definitions.streams import Source

BLOCK = 1 << 16
"""So many places in the order of arrival make a block; block ``b`` holds those from ``b * BLOCK`` on."""


def fingerprint(records: Mapping[str, Records]) -> str:
    """Return the digest of ids, times, keys, values and positions of all sources.

    File layout, the order of columns, the order of dictionaries, paths and the sources' order in the mapping do not
    matter: each source is digested by itself, from whole numbers in little-endian and texts in UTF-8.

    Examples
    --------
    >>> fingerprint({}) == fingerprint({})
    True
    """
    digest = Fingerprint(found.source for found in records.values())
    digest.add(records)
    return digest.hexdigest()


class Fingerprint:
    """The same digest, of records that come piece by piece in the order of arrival.

    Parameters
    ----------
    sources : whose records count; others that come are passed over
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._blocks = {source.name: _Blocks(source) for source in sources}

    def add(self, records: Mapping[str, Records]) -> None:
        """Take the records that come next, of any of the sources."""
        for name, blocks in self._blocks.items():
            if name in records:
                blocks.add(records[name])

    def hexdigest(self) -> str:
        """Return the digest of all that came; more may come afterwards."""
        return total(
            {name: of_blocks(blocks.source, blocks.n, blocks.digests()) for name, blocks in self._blocks.items()}
        )


def total(sources: Mapping[str, str]) -> str:
    """Return the fingerprint of sources of which each was digested with ``of_blocks``, by name."""
    return digest_of(dict(sources))


def of_blocks(source: Source, n: int, blocks: Mapping[int, str]) -> str:
    """Return the digest of a source.

    Parameters
    ----------
    source : whose records they are
    n : how many records it has
    blocks : what ``of_block`` says of each block that has any, by its number
    """
    head = {"id": id_field(source), "rows": n}
    return digest_of(head | {"blocks": [[number, blocks[number]] for number in sorted(blocks)]})


def of_block(pieces: Iterable[Records]) -> str:
    """Return the digest of one source's records of one block, which come in their order, in one piece or several."""
    return _of_block([_Columns.of(piece) for piece in pieces])


def first_seen(keys: EncodedKeys) -> EncodedKeys:
    """Return the same keys with their names in order of first use, and none that is not used."""
    codes, n = keys.codes, len(keys.names)
    first = np.full(n + 1, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last to be written is the first use; -1 writes the spare
    order = np.argsort(first[:n], kind="stable")[: int((first[:n] < len(codes)).sum())]
    # Columns that were parsed here are in this order already.
    if len(order) == n and np.array_equal(order, np.arange(n)):
        return keys
    to = np.full(n + 1, -1, np.int32)
    to[order] = np.arange(len(order), dtype=np.int32)
    return EncodedKeys(to[codes], keys.names.take(pa.array(order)))


class _Blocks:
    """A source's blocks: the digests of those that are whole, and the records of the last one, which may go on."""

    def __init__(self, source: Source) -> None:
        self.source, self.n = source, 0
        self._whole: dict[int, str] = {}
        self._last, self._pending = 0, list[_Columns]()

    def add(self, records: Records) -> None:
        if not len(records):
            return
        columns, number = _Columns.of(records), records.position // BLOCK
        self.n += len(records)
        starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
        for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(number)], strict=True):
            if self._pending and self._last != int(number[begin]):
                self._whole[self._last] = _of_block(self._pending)
                self._pending = []
            self._last = int(number[begin])
            self._pending.append(columns.slice(begin, end))

    def digests(self) -> dict[int, str]:
        return self._whole | ({self._last: _of_block(self._pending)} if self._pending else {})


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts as a digest takes them: the bytes of each, and how many, -1 where there is no text."""

    lengths: NDArray[np.int32]
    ends: NDArray[np.int32]
    content: NDArray[np.uint8]

    @classmethod
    def of(cls, texts: pa.Array) -> "_Texts":
        lengths = pc.fill_null(pc.binary_length(texts), -1).to_numpy(zero_copy_only=False)
        _, ends, content = texts.buffers()
        offsets = (
            np.frombuffer(ends, np.int32, count=len(texts) + 1, offset=4 * texts.offset) if len(texts) else _NO_END
        )
        octets = np.zeros(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)
        return cls(lengths.astype(np.int32, copy=False), offsets, octets)

    def slice(self, begin: int, end: int) -> "_Texts":
        return _Texts(self.lengths[begin:end], self.ends[begin : end + 1], self.content)

    @property
    def octets(self) -> NDArray[np.uint8]:
        return self.content[self.ends[0] : self.ends[-1]]


_NO_END = np.zeros(1, np.int32)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Records column by column: whole numbers, texts, and which values are missing, each under its own name."""

    numbers: dict[str, NDArray[np.int64]]
    texts: dict[str, _Texts]
    missing: dict[str, NDArray[np.bool_]]
    decimals: dict[str, int]

    @classmethod
    def of(cls, records: Records) -> "_Columns":
        own = id_field(records.source)
        texts = {"@id": _Texts.of(records.ids)}
        for name in sorted(records.keys):
            if name != own:  # a table's key is its id
                keys = records.keys[name]
                texts[name] = _Texts.of(keys.names.take(pa.array(keys.codes, mask=keys.codes < 0)))
        values = {name: records.values[name] for name in sorted(records.values)}
        numbers = {"@position": records.position, "@time": records.time} | {
            name: each.values for name, each in values.items()
        }
        missing = {name: each.missing for name, each in values.items()}
        return cls(numbers, texts, missing, {name: each.decimals for name, each in values.items()})

    def slice(self, begin: int, end: int) -> "_Columns":
        return _Columns(
            {name: each[begin:end] for name, each in self.numbers.items()},
            {name: each.slice(begin, end) for name, each in self.texts.items()},
            {name: each[begin:end] for name, each in self.missing.items()},
            self.decimals,
        )


def _of_block(pieces: list[_Columns]) -> str:
    """Digest columns one after the other, each through all pieces, so that nobody sees where one piece ends."""
    first = pieces[0]
    head = {"keys": list(first.texts), "values": first.decimals}
    digest = hashlib.sha256(canonical(head))
    for name in first.numbers:
        for piece in pieces:
            _add(digest, piece.numbers[name])
    for name in first.texts:
        for piece in pieces:
            _add(digest, piece.texts[name].lengths)
        for piece in pieces:
            _add(digest, piece.texts[name].octets)
    for name in first.missing:
        _add(digest, np.packbits(np.concatenate([piece.missing[name] for piece in pieces])))
    return digest.hexdigest()


def _add(digest: Any, values: NDArray[Any]) -> None:
    # On a big-endian machine the same records must give the same digest.
    digest.update(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")))
