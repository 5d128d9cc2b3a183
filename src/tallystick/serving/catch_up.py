"""Bringing the state to where the log is: at a first start from history, after a crash from what came since."""

from collections.abc import Callable, Iterator, Mapping

from tallystick.data.contract import parse
from tallystick.data.records import Record
from tallystick.definitions.streams import Source
from tallystick.errors import StateAhead
from tallystick.features.online import Online
from tallystick.log.entry import Entry
from tallystick.log.reader import LogReader
from tallystick.serving.history import History

MOST_TOGETHER = 5_000
RECORDS = ("event", "outcome")

Progress = Callable[[int, int], None]


def catch_up(
    online: Online,
    log: LogReader,
    sources: Mapping[str, Source],
    history: History,
    progress: Progress | None = None,
) -> int:
    """Append to the state what the log has after its position; return how many records that were.

    Parameters
    ----------
    online : the state
    log : what it follows
    sources : streams and tables by name; what other streams hold is skipped
    history : from before the log's first entry, loaded whole into an empty state
    progress : told how many of how many pieces of work are done

    Raises
    ------
    StateAhead
        If the state knows entries that the log does not have.
    """
    head, n_records = log.head.position, 0
    if online.position > head:
        raise StateAhead(state=online.position, log=head)
    if online.position < log.origin.position and (dataset := history.dataset()) is not None:
        online.rebuild(dataset, progress)
    for entries in _pages(log.read(after=online.position, until=head, kinds=RECORDS)):
        known = [(entry.position, reread(sources[entry.stream], entry)) for entry in entries if entry.stream in sources]
        with online.transaction() as state:
            for position, record in known:
                state.append(record, position)
            state.commit(entries[-1].position)
        if progress is not None:
            progress(entries[-1].position - log.origin.position, head - log.origin.position)
        n_records += len(known)
    if online.position < head:
        with online.transaction() as state:
            state.commit(head)
    return n_records


def reread(source: Source, entry: Entry) -> Record:
    """Return the record of an event or outcome, screened as it was when it arrived."""
    return parse(source, entry.body, now=entry.at)


def _pages(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    page = []
    for entry in entries:
        page.append(entry)
        if len(page) == MOST_TOGETHER:
            yield page
            page = []
    if page:
        yield page
