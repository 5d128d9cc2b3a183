"""Bringing the state to where the log is: at a first start from history, after a crash from what came since."""

from collections.abc import Iterator, Mapping

from tallystick.data.contract import parse
from tallystick.data.merge import concat, empty, from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.progress import Progress
from tallystick.definitions.streams import Source
from tallystick.errors import StateAhead
from tallystick.features.online.executor import Online
from tallystick.log.entry import RECORDS, Entry
from tallystick.log.protocol import LogReader
from tallystick.serving.history import History

MOST_TOGETHER = 5_000


def catch_up(
    online: Online,
    log: LogReader,
    sources: Mapping[str, Source],
    history: History,
    progress: Progress | None = None,
) -> None:
    """Append to the state what the log has after its position, and load an empty state at once.

    Parameters
    ----------
    online : the state
    log : what it follows
    sources : streams and tables by name; what other streams hold is skipped
    history : from before the log's first entry
    progress : told how many of how many pieces of work are done

    Raises
    ------
    StateAhead
        If the state knows entries that the log does not have.
    """
    head = log.head.position
    if online.position > head:
        raise StateAhead(state=online.position, log=head)
    if online.position == 0 and head > 0:
        online.rebuild(everything(log, sources, history, until=head), progress)
    for entries in _pages(log.read(after=online.position, until=head, kinds=RECORDS, namespaces=tuple(sources))):
        known = [(entry.position, reread(sources[entry.namespace], entry)) for entry in entries]
        with online.transaction() as state:
            for position, record in known:
                state.append(record, position)
            state.commit(entries[-1].position)
        if progress is not None:
            progress(entries[-1].position - log.origin.position, head - log.origin.position)
    if online.position < head:
        with online.transaction() as state:
            state.commit(head)


def everything(log: LogReader, sources: Mapping[str, Source], history: History, *, until: int) -> Dataset:
    """Return history and all that the log added to it up to a position, as these sources read it."""
    added: dict[str, list[tuple[int, Record]]] = {name: [] for name in sources}
    for entry in log.read(until=until, kinds=RECORDS, namespaces=tuple(sources)):
        added[entry.namespace].append((entry.position, reread(sources[entry.namespace], entry)))
    past = history.dataset() or Dataset({name: empty(source) for name, source in sources.items()}, "", 0)
    more = {name: from_parsed(sources[name], parsed) for name, parsed in added.items() if parsed}
    return concat(past, more) if more else past


def reread(source: Source, entry: Entry) -> Record:
    """Return the record of an event or outcome, as it was screened when it arrived.

    Fields that this contract does not declare are left out: the bundle that accepted them knew more, and who rolls
    back to one that knows less must be able to read on. How late it came was judged then.
    """
    return parse(source, entry.body, now=entry.at, ignore_unknown=True, is_known=True)


def _pages(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    page = []
    for entry in entries:
        page.append(entry)
        if len(page) == MOST_TOGETHER:
            yield page
            page = []
    if page:
        yield page
