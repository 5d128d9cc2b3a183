"""A CSV file as a piece of a source: every value is text, so that money is parsed as a decimal and never a float."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv

from tallystick.data.sources.piece import require_columns, sentence_of
from tallystick.definitions.streams import Source
from tallystick.errors import SourceUnreadable

_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file in UTF-8: a header row, commas, quotes where a value needs them; an empty value is missing."""

    source: Source
    address: str
    opened: Callable[[], AbstractContextManager[Any]]

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePosixPath(self.address).name

    def read(self, fields: Sequence[str]) -> pa.Table:
        """Return the declared columns of all rows, as texts."""
        require_columns(self.source, self.address, self._header(), fields)
        return self._table(dict.fromkeys(fields, pa.string()), list(fields))

    def rows(self, places: pa.Array) -> pa.Table:
        """Return every column of the rows at some places, as bytes: one that nothing declares may not be UTF-8."""
        return self._table(dict.fromkeys(self._header(), pa.binary()), None).take(places)

    def _header(self) -> list[str]:
        try:
            with self._texts() as lines:
                names = next(csv.reader(lines), [])
        except (csv.Error, OSError) as error:
            raise self._unreadable(f"its header row cannot be read ({sentence_of(error)})") from error
        if any("\ufffd" in name for name in names):
            raise self._unreadable("its header row is not UTF-8")
        if not names:
            raise self._unreadable("it has no header row")
        return names

    def _table(self, kinds: dict[str, pa.DataType], fields: list[str] | None) -> pa.Table:
        converted = pcsv.ConvertOptions(
            column_types=kinds,
            include_columns=fields,
            # Only an empty value is missing: "NA" is a country, and "null" may be a name.
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        # Slower, but a quoted value may hold a line break, and cut there it would be two rows.
        parsed = pcsv.ParseOptions(newlines_in_values=True)
        try:
            with self._bytes() as file:
                quotes = _Quotes(file)
                # Threads of Arrow's would call this Python object, and one that still does when the process ends aborts
                # it (one run of about sixty, on a busy machine).
                table = pcsv.read_csv(quotes, pcsv.ReadOptions(block_size=_BLOCK, use_threads=False), parsed, converted)
        except (pa.ArrowException, OSError) as error:
            # Arrow counts rows, and a value may span several lines; who corrects the file looks for a line.
            raise self._unreadable(self._ragged() or sentence_of(error)) from error
        # Arrow takes a quote that is never closed as closed at the end, and all rows in between as one value.
        if quotes.n % 2 and self._is_open():
            raise self._unreadable("a quote in it is never closed")
        return table

    def _ragged(self) -> str | None:
        """Return which line has another number of values than the header."""
        with self._texts() as lines:
            reader = csv.reader(lines)
            header, before = next(reader, []), reader.line_num
            try:
                for values in reader:
                    if values and len(values) != len(header):
                        return f"line {before + 1} has {len(values)} values, and the header names {len(header)}"
                    before = reader.line_num
            except csv.Error:
                return None
        return None

    def _is_open(self) -> bool:
        with self._texts() as lines:
            try:
                for _ in csv.reader(lines, strict=True):
                    pass
            except csv.Error as error:
                return "unexpected end" in str(error)
        return False

    @contextmanager
    def _texts(self) -> Iterator[io.TextIOWrapper]:
        with self._bytes() as file:
            # Spreadsheets write a byte order mark, which would become part of the first column's name.
            yield io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")

    @contextmanager
    def _bytes(self) -> Iterator[Any]:
        with self.opened() as handle:
            if not isinstance(handle, Path):
                yield handle
                return
            with handle.open("rb") as file:
                yield file

    def _unreadable(self, reason: str) -> SourceUnreadable:
        return SourceUnreadable(self.source.name, path=self.address, reason=reason)


class _Quotes(io.RawIOBase):
    """Hands a file's bytes on and counts the quotes in them."""

    def __init__(self, file: Any) -> None:
        self.file, self.n = file, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.file.read(size)
        self.n += data.count(b'"')
        return data
