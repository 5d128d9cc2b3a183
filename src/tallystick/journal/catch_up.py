"""Bringing the state to where the log is: at a first start from history, after a crash from what came since."""

from tallystick.data.records import Record
from tallystick.definitions.progress import Progress
from tallystick.errors import StateAhead
from tallystick.features.online.executor import Online
from tallystick.journal.history import History
from tallystick.journal.records import records_of, seen
from tallystick.log.entry import RECORDS
from tallystick.log.protocol import LogReader

PAGE_RECORDS = 5_000
"""How many records one transaction of the state takes: more holds more unwritten, fewer syncs more often."""


def catch_up(online: Online, log: LogReader, history: History, progress: Progress | None = None) -> None:
    """Append to the state what the log has after its position, and load an empty state at once.

    Parameters
    ----------
    online : the state
    log : what it follows
    history : from before the log's first entry; what streams hold that are none of its sources is skipped
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
        online.rebuild(records_of(log, history, until=head), progress)
    sources = {source.name: source for source in history.sources}
    page = []
    for position, record in seen(
        sources, log.read(after=online.position, until=head, kinds=RECORDS, namespaces=tuple(sources))
    ):
        page.append((position, record))
        if len(page) == PAGE_RECORDS:
            _append(online, page, page[-1][0])
            page = []
            if progress is not None:
                progress(position - log.origin.position, head - log.origin.position)
    if online.position < head:
        _append(online, page, head)


def _append(online: Online, page: list[tuple[int, Record]], until: int) -> None:
    with online.transaction() as state:
        for position, record in page:
            state.append(record, position)
        state.commit(until)
