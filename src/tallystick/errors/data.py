"""Files and requests that do not keep their contract.

DataError
· SourceMissing         no such file, folder or table
· SourceUnreadable      its content cannot be read
· SourceAway            its store does not answer, or gives no right
· ReaderMissing         the extra that reads it is not installed
· ColumnMissing         a declared column is not there
· ColumnUnusable        a column's type cannot become the declared kind
· TooManyRefused        more rows were refused than the share allowed
· RowRefused            one raw record breaks its contract
· DataUnwritable        a quarantine or segment cannot be written
· RecordsClash          two records claim one place in the order
· SegmentDamaged        a segment's bytes are not those that were saved
· SegmentFormatUnknown  another version wrote it
· SegmentUnfit          a segment lacks what the project declares
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tallystick.errors.base import TallystickError, did_you_mean


class RefusedRow(Protocol):
    """What is wrong with one field: its name, a code that never changes, and a sentence."""

    @property
    def field(self) -> str: ...  # noqa: D102
    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def sentence(self) -> str: ...  # noqa: D102


class DataError(TallystickError):
    """Files or raw records cannot be taken in."""


class SourceMissing(DataError):
    """A source's file, folder or table is not there, or holds nothing that can be read.

    Parameters
    ----------
    source : the stream's or table's name
    path : the file or address, as the project file says it
    reason : what is missing, without a full stop
    """

    def __init__(self, source: str, *, path: str, reason: str) -> None:
        self.source, self.path, self.reason = source, path, reason
        super().__init__(
            f"{source!r} cannot be read from {path!r}: {reason}. "
            "Put the data there (Parquet or CSV, a file or a folder of them), or correct source= in the project file."
        )


class SourceUnreadable(DataError):
    """A file or table of a source is there, and its content cannot be read.

    Parameters
    ----------
    source : the stream's or table's name
    path : the file or address, as the project file says it
    reason : what the content has, without a full stop
    """

    def __init__(self, source: str, *, path: str, reason: str) -> None:
        self.source, self.path, self.reason = source, path, reason
        super().__init__(f"{source!r} cannot be read from {path!r}: {reason}. Write it again, or take it away.")


class SourceAway(DataError):
    """A source's object store or catalog does not answer, or gives no right to read.

    Parameters
    ----------
    source : the stream's or table's name
    path : the file or address, as the project file says it
    reason : what is wrong with it, without a full stop
    remedy : what to do, as a sentence
    """

    def __init__(self, source: str, *, path: str, reason: str, remedy: str) -> None:
        self.source, self.path, self.reason, self.remedy = source, path, reason, remedy
        super().__init__(f"{source!r} cannot be read from {path!r}: {reason}. {remedy}")


class ReaderMissing(DataError):
    """The library that reads such a source, of an extra, is not installed.

    Parameters
    ----------
    source : the stream's or table's name
    address : what ``source=`` says
    library : the library's name, as it is imported
    extra : the extra of tallystick that brings it
    """

    def __init__(self, source: str, *, address: str, library: str, extra: str) -> None:
        self.source, self.address, self.library, self.extra = source, address, library, extra
        super().__init__(
            f"{source!r} cannot be read from {address!r}: {library!r} is needed for it, and it is not installed. "
            f"Run: pip install 'tallystick[{extra}]'."
        )


class ColumnMissing(DataError):
    """A declared column is not in a file.

    Parameters
    ----------
    source : the stream's or table's name
    column : the declared column's name
    path : the file or address that lacks it
    found : the columns that are there
    """

    def __init__(self, source: str, column: str, *, path: str, found: Iterable[str]) -> None:
        self.source, self.column, self.path, self.found = source, column, path, list(found)
        super().__init__(
            f"{source!r} needs a column {column!r}, and {path!r} has none. "
            f"Found: {', '.join(self.found) or 'no column'}. "
            f"{did_you_mean(column, self.found) or 'Add the column, or take the field out of the project file.'}"
        )


class ColumnUnusable(DataError):
    """A column's type cannot become what the field declares.

    Parameters
    ----------
    source : the stream's or table's name
    column : the declared column's name
    found : the column's Arrow type
    kind : what the field declares, such as "money"
    allowed : what it can be read from, in words
    """

    def __init__(self, source: str, column: str, *, found: str, kind: str, allowed: str) -> None:
        self.source, self.column, self.found, self.kind, self.allowed = source, column, found, kind, allowed
        super().__init__(
            f"The column {column!r} of {source!r} holds {found}, which cannot be read as {kind}. "
            f"Allowed: {allowed}. Convert the column, or declare another kind."
        )


class TooManyRefused(DataError):
    """More rows of a source broke their contract than the run may lose.

    Parameters
    ----------
    source : the stream's or table's name
    n_refused : how many rows were refused
    n_rows : of how many
    max_share : the largest share that may be, 0 to 1
    reasons : how often each reason was given
    quarantine : where the refused rows lie; None where nowhere
    """

    def __init__(
        self,
        source: str,
        *,
        n_refused: int,
        n_rows: int,
        max_share: float,
        reasons: Mapping[str, int],
        quarantine: Path | str | None,
    ) -> None:
        self.source, self.n_refused, self.n_rows, self.max_share = source, n_refused, n_rows, max_share
        self.reasons, self.quarantine = dict(reasons), quarantine
        top = sorted(self.reasons.items(), key=lambda pair: -pair[1])[:3]
        most_often = ", ".join(f"{reason} ({count:,} times)" for reason, count in top)
        where = f"Each refused row and its reasons are in {quarantine}. " if quarantine else ""
        super().__init__(
            f"{n_refused:,} of {n_rows:,} rows of {source!r} were refused ({n_refused / n_rows:.2%}), and at most "
            f"{max_share:.2%} may be. Most often: {most_often}. {where}Correct the rows or the declared fields, "
            "or allow a larger share."
        )


class RowRefused(DataError):
    """A raw record breaks its contract; every broken field is told at once.

    Parameters
    ----------
    source : the stream's name
    reasons : every rule that was broken, one for each field or more
    """

    def __init__(self, source: str, *, reasons: Sequence[RefusedRow]) -> None:
        self.source, self.reasons = source, tuple(reasons)
        super().__init__(f"This record of {source!r} is refused. " + " ".join(reason.sentence for reason in reasons))


class DataUnwritable(DataError):
    """A quarantine or a segment cannot be written.

    Parameters
    ----------
    path : the file or folder
    reason : what the machine says
    """

    def __init__(self, path: Path, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be written: {reason}. Check that this user may write there and that the disk has space."
        )


class RecordsClash(DataError):
    """Records to be put together claim the same place in the order of arrival.

    Parameters
    ----------
    source : the stream or table of one of the two
    position : the place that two records claim
    """

    def __init__(self, source: str, *, position: int) -> None:
        self.source, self.position = source, position
        super().__init__(
            f"Two records claim place {position} in the order of arrival, one of them in {source!r}. "
            "Put every record in once: history first, then what the log added after it."
        )


class SegmentDamaged(DataError):
    """A file of a segment is not the one that was saved. `file` names it within the segment's folder.

    Parameters
    ----------
    folder : the segment's folder
    file : the file within it
    reason : what is wrong with the file, as the end of a sentence that begins with its name
    """

    def __init__(self, folder: Path, *, file: str, reason: str) -> None:
        self.folder, self.file, self.reason = folder, file, reason
        super().__init__(
            f"The segment {folder} is damaged: {file} {reason}. "
            "Keep it as evidence, and bring back the copy that was saved; a segment is never repaired."
        )


class SegmentFormatUnknown(DataError):
    """A segment was written by another version."""

    def __init__(self, folder: Path, found: int, *, known: Iterable[int]) -> None:
        self.folder, self.found, self.known = folder, found, sorted(known)
        super().__init__(
            f"The segment {folder} has format {found}, and this version opens {', '.join(map(str, self.known))}. "
            "Open it with the version that wrote it, or start a new log from the files."
        )


class SegmentUnfit(DataError):
    """A whole segment lacks a stream, table or field that is asked of it.

    Parameters
    ----------
    folder : the segment's folder
    reason : what it lacks, without a full stop
    """

    def __init__(self, folder: Path, *, reason: str) -> None:
        self.folder, self.reason = folder, reason
        super().__init__(
            f"The segment {folder} does not fit the project: {reason}. "
            "Open it with the definitions it was saved with, or start a new log from the files."
        )
