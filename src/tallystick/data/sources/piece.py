"""What every format gives: the pieces of a source, each with columns to screen and rows to put into quarantine."""

import importlib
import re
from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa

from tallystick.definitions.streams import Source
from tallystick.errors import ColumnMissing, DataError, ReaderMissing, SourceAway, SourceUnreadable

_STORE = "Check the AWS_ variables (endpoint, region, credentials), this user's rights and the network, and try again."
_USER = re.compile(r"//[^/@\s]+@")


class Piece(Protocol):
    """A part of a source that has rows of its own, usually a file.

    Two reads of a piece give the same rows in the same order, as long as nobody writes it: a row's place in it is how
    a refused row is found again. Values are as they were written. Money that is text stays text, and nothing becomes
    a float that was none.
    """

    @property
    def name(self) -> str:
        """What the quarantine calls it: the file's name."""
        ...

    def read(self, fields: Sequence[str]) -> pa.Table:
        """Return the declared columns of all rows.

        Raises
        ------
        ColumnMissing, SourceUnreadable, SourceAway
            If the piece does not have them, or cannot be read.
        """
        ...

    def rows(self, places: pa.Array) -> pa.Table:
        """Return every column, undeclared ones too, of the rows at some places, counted from 0.

        Raises
        ------
        SourceUnreadable, SourceAway
            If the piece cannot be read.
        """
        ...


def require_columns(source: Source, address: str, found: Sequence[str], fields: Sequence[str]) -> None:
    """Demand that each declared column is found once.

    Parameters
    ----------
    source : whose piece it is
    address : the file, for the errors' sentences
    found : the names of its columns, as often as they stand there
    fields : the declared columns

    Raises
    ------
    ColumnMissing
        If one is not there.
    SourceUnreadable
        If nothing says which of several columns of one name is meant.
    """
    for name in fields:
        # Readers take the first or the last of them, each another one.
        if list(found).count(name) > 1:
            raise SourceUnreadable(source.name, path=address, reason=f"it has several columns {name!r}")
        if name not in found:
            raise ColumnMissing(source.name, name, path=address, found=found)


def validated(source: Source, address: str, table: pa.Table) -> pa.Table:
    """Return a table whose texts are texts.

    Parameters
    ----------
    source : whose piece it is
    address : the file, for the errors' sentences
    table : what was read from it

    Raises
    ------
    SourceUnreadable
        If a column holds other bytes.
    """
    for name in table.column_names:
        try:
            # Arrow trusts what a file says of its texts; bytes that are no UTF-8 would surface far from here, without a
            # file's name.
            table.column(name).validate(full=True)
        except pa.ArrowInvalid as error:
            reason = f"the column {name!r} is damaged ({sentence_of(error)})"
            raise SourceUnreadable(source.name, path=address, reason=reason) from error
    return table


def sentence_of(error: object) -> str:
    r"""Return what a library said in its first line, without the name and password that an address may carry.

    >>> sentence_of(OSError("no answer from http://ada:secret@127.0.0.1/\nmore"))
    'no answer from http://127.0.0.1/'
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _USER.sub("//", lines[0]).rstrip(". ")


def read_error(source: Source, address: str, error: Exception, reason: str) -> DataError:
    """Return the error for a table that could not be read: what a store in a network refuses may not be the table's.

    Parameters
    ----------
    source : whose table it is
    address : where it lies; with ``://`` it is in a network
    error : what the library raised
    reason : what it said, without a full stop
    """
    # Over a network most errors are the network's, and then the remedy is to try once more, not to write the table
    # anew.
    if "://" in address and isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        return SourceAway(source.name, path=address, reason=reason, remedy=_STORE)
    return SourceUnreadable(source.name, path=address, reason=reason)


def reader_library(name: str, source: Source, *, extra: str) -> Any:
    """Return a library that only some formats need.

    Parameters
    ----------
    name : of the module that is imported
    source : the source that needs it, for the error's sentence
    extra : the extra of tallystick that brings it

    Raises
    ------
    ReaderMissing
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ReaderMissing(source.name, address=source.source, library=name.partition(".")[0], extra=extra) from error
