"""Reading history: files and tables become screened, numbered, fingerprinted records, and refused rows a quarantine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tallystick.data import contract, quarantine
from tallystick.data.contract import KnownAt
from tallystick.data.fingerprint import fingerprint
from tallystick.data.numbering import assign_positions, outcome_known_at
from tallystick.data.records import Dataset, Records
from tallystick.data.refusals import RefusedRows
from tallystick.data.sources.address import pieces
from tallystick.data.sources.piece import Piece
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Step
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.errors import SettingOutOfRange, TooManyRefused
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.reporting.table import Column, Table
from tallystick.reporting.text import Text

_SOURCES = (Column("source"), Column("rows", "count"), Column("refused", "count"), Column("why"))


@dataclass(frozen=True, slots=True)
class Screening:
    """What came of one source.

    Parameters
    ----------
    source : the stream's or table's name
    n_rows : how many rows were read
    n_refused : how many of them were refused
    reasons : how often each reason was given, such as ``{"amount: below_minimum": 3}``, most often first
    quarantine : the file of refused rows, if any were refused and a folder was given
    in_time_order : whether the accepted rows came in order of time; if not, they were sorted by it
    """

    source: str
    n_rows: int
    n_refused: int
    reasons: dict[str, int]
    quarantine: Path | None
    in_time_order: bool

    @property
    def why(self) -> str:
        """The reasons with their numbers, most often first."""
        return ", ".join(f"{reason} ({n:,})" for reason, n in self.reasons.items())


@dataclass(frozen=True, slots=True)
class Reading(Displayed):
    """A dataset, and what came of each source on the way."""

    dataset: Dataset
    screenings: dict[str, Screening]

    def report(self) -> Report:
        """Return how many rows each source has, how many were refused and why, and where these lie."""
        found = self.screenings.values()
        table = Table.of(_SOURCES, [(each.source, each.n_rows, each.n_refused, each.why) for each in found])
        places = tuple(
            Text.of(f"The refused rows of {each.source}, with their reasons: {each.quarantine}")
            for each in found
            if each.quarantine
        )
        sections = [Section("", blocks) for blocks in ((table,), places) if blocks]
        return Report("Sources", tuple(sections))


def read(
    sources: Mapping[str, Source] | Iterable[Source],
    flags: Iterable[Flagged],
    root: Path,
    *,
    now: int,
    max_refused_share: float = 0.05,
    quarantine_dir: Path | None = None,
    progress: Step | None = None,
) -> Reading:
    """Read the history of some streams and tables from where the project says that it lies.

    Parameters
    ----------
    sources : the streams and tables, in the project's order. A table that no flag of these streams uses is not
        read: nothing says when its rows became known, so they have no place in the order
    flags : the flags of the project; they say when a table's outcomes become known
    root : the project's folder; what each ``source`` may say is told by `tallystick.data.sources.address`
    now : the present instant, microseconds since 1970 UTC; nothing can have happened later
    max_refused_share : how many rows of a source may be refused, 0 to 1
    quarantine_dir : where refused rows are written; None writes none
    progress : told of each source when it has been read

    Raises
    ------
    SourceMissing, SourceUnreadable, SourceAway, ReaderMissing
        If a source cannot be reached or read.
    ColumnMissing, ColumnUnusable
        If its columns are not what the project declares.
    DataUnwritable
        If its quarantine cannot be written.
    TooManyRefused
        If more rows than the share were refused; their quarantine is written all the same.
    SettingOutOfRange
        If the share is none.
    """
    if not 0 <= max_refused_share <= 1:
        raise SettingOutOfRange("max_refused_share", max_refused_share, allowed="a share between 0 and 1")
    listed, flags = list(sources.values() if isinstance(sources, Mapping) else sources), list(flags)
    read_ones = used(listed, flags)
    accepted: dict[str, Records] = {}
    found: dict[str, Screening] = {}
    # Tables come last: their rows wait for the time of the events they judge.
    for n_done, source in enumerate(sorted(read_ones, key=lambda s: isinstance(s, TableDefinition))):
        how = outcome_known_at(flags, source.name, accepted) if isinstance(source, TableDefinition) else None
        accepted[source.name], found[source.name] = _screened(source, root, now, how, quarantine_dir)
        # After its quarantine is written: who must correct the rows needs them.
        check_refused_share(found[source.name], max_refused_share)
        if progress is not None:
            progress("read", n_done + 1, len(read_ones))
    # Numbered in the project's order, not in the order of reading.
    numbered, in_order = assign_positions({source.name: accepted[source.name] for source in read_ones})
    n_records = sum(len(records) for records in numbered.values())
    screenings = {name: _with_order(found[name], is_ordered) for name, is_ordered in in_order.items()}
    return Reading(Dataset(numbered, fingerprint(numbered), n_records), screenings)


def used(sources: Iterable[Source], flags: Iterable[Flagged]) -> list[Source]:
    """Return the sources that can be read: of the tables of outcomes those whose rows some flag dates.

    Parameters
    ----------
    sources : the streams and tables, in the project's order
    flags : the flags of the project
    """
    listed, known_flags = list(sources), list(flags)
    streams = {source.name for source in listed if not isinstance(source, TableDefinition)}
    return [s for s in listed if not isinstance(s, TableDefinition) or _is_dated(s, known_flags, streams)]


def _is_dated(table: TableDefinition, flags: list[Flagged], streams: set[str]) -> bool:
    return any(flag.by == table.name and flag.known_after_us is not None and flag.stream in streams for flag in flags)


def _screened(
    source: Source, root: Path, now: int, how: KnownAt | None, folder: Path | None
) -> tuple[Records, Screening]:
    found = pieces(source, root)
    tables = [piece.read(list(source.fields)) for piece in found]
    records, refused = contract.screen(source, tables, now=now, known_at=how, origin=source.source)
    path = None
    if len(refused) and folder is not None:
        path = quarantine_rows(source, found, [len(table) for table in tables], refused, folder)
    n_rows = len(records) + len(refused)
    return records, Screening(source.name, n_rows, len(refused), refused.counts, path, in_time_order=True)


def check_refused_share(screening: Screening, max_share: float) -> None:
    """Stop where a source lost more of its rows than the share.

    Parameters
    ----------
    screening : what came of the source
    max_share : the largest share of its rows that may be refused, 0 to 1

    Raises
    ------
    TooManyRefused
        If it did.
    """
    if screening.n_refused > max_share * screening.n_rows:
        raise TooManyRefused(
            screening.source,
            n_refused=screening.n_refused,
            n_rows=screening.n_rows,
            max_share=max_share,
            reasons=screening.reasons,
            quarantine=screening.quarantine,
        )


def _with_order(s: Screening, is_ordered: bool) -> Screening:
    return Screening(s.source, s.n_rows, s.n_refused, s.reasons, s.quarantine, is_ordered)


def quarantine_rows(
    source: Source, found: Sequence[Piece], lengths: Sequence[int], refused: RefusedRows, folder: Path
) -> Path:
    """Write refused rows with all columns of their pieces, and return the file.

    Parameters
    ----------
    source : whose rows they are
    found, lengths : the source's pieces, and how many rows each has
    refused : the rows by their places among those of all pieces, and the reasons
    folder : the quarantine
    """
    ends = np.cumsum(lengths, dtype=np.int64)
    which = np.searchsorted(ends, refused.rows, side="right")
    places = refused.rows - (ends - np.array(lengths))[which]
    # Refused rows are read once more, whole: screening read the declared columns alone.
    parts = [found[n].rows(pa.array(places[which == n])) for n in np.unique(which)]
    origin = pa.table({"file": pa.array([found[n].name for n in which], pa.string()), "row": places})
    rows = pa.concat_tables([_all_texts(part) for part in parts], promote_options="default")
    return quarantine.write(folder, source.name, origin, rows, refused)


def _all_texts(rows: pa.Table) -> pa.Table:
    # A file may have several columns of one name, as long as no declared one is among them.
    names: list[str] = []
    for name in rows.column_names:
        names.append(quarantine.free_name(name, names))
    return pa.table([quarantine.column_as_texts(column) for column in rows.columns], names=names)
