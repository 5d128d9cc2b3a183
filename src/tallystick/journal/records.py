"""The records that the log and the history before it hold, up to a position, as the sources of a plan read them."""

from collections.abc import Iterable, Iterator, Mapping

from tallystick.data.contract import parse
from tallystick.data.merge import concat, from_parsed, no_records
from tallystick.data.records import Dataset, Record
from tallystick.definitions.streams import Source
from tallystick.errors import RowRefused
from tallystick.features.plan import Plan
from tallystick.journal.history import History
from tallystick.log.entry import RECORDS, Entry
from tallystick.log.protocol import LogReader

NOW_ON = 2**62
"""A position after every other."""


def records(log: LogReader, plan: Plan, *, until: int = NOW_ON) -> Dataset:
    """Return history and everything the log added to it up to a position, as the plan's sources read it.

    Parameters
    ----------
    log : where they are
    plan : whose sources read them
    until : the last position
    """
    return records_of(log, History.of(log, plan.sources), until=until)


def records_of(log: LogReader, history: History, *, until: int = NOW_ON) -> Dataset:
    """Return a history and everything the log added to it up to a position.

    Parameters
    ----------
    log : what came after the history
    history : from before the log's first entry; its sources read both
    until : the last position
    """
    sources = {source.name: source for source in history.sources}
    added: dict[str, list[tuple[int, Record]]] = {name: [] for name in sources}
    for position, record in seen(sources, log.read(until=until, kinds=RECORDS, namespaces=tuple(sources))):
        added[record.stream].append((position, record))
    past = history.dataset() or Dataset({name: no_records(source) for name, source in sources.items()}, "", 0)
    more = {name: from_parsed(sources[name], parsed) for name, parsed in added.items() if parsed}
    return concat(past, more) if more else past


def seen(sources: Mapping[str, Source], entries: Iterable[Entry]) -> Iterator[tuple[int, Record]]:
    """Yield the position and the record of each event or outcome that these sources can read.

    A record that another contract accepted and this one refuses is not there for it: neither for its state nor for
    its replay, so that both see the same.

    Parameters
    ----------
    sources : by name; every entry is of one of them
    entries : events and outcomes
    """
    for entry in entries:
        record = reread(sources[entry.namespace], entry)
        if record is not None:
            yield entry.position, record


def reread(source: Source, entry: Entry) -> Record | None:
    """Return the record of an event or outcome as it was screened when it arrived, or None where a source refuses it.

    Fields that this contract does not declare are left out: the bundle that accepted them knew more, and who rolls
    back to one that knows less must be able to read on. How late it came was judged then.

    Parameters
    ----------
    source : the contract that reads it
    entry : the event or outcome
    """
    return reread_raw(source, entry.body, entry.at)


def reread_raw(source: Source, raw: bytes, at: int) -> Record | None:
    """Return the record of a request that some contract accepted, or None where this one refuses it.

    Parameters
    ----------
    source : the contract that reads it
    raw : the record's JSON object as it was received
    at : when it arrived, in microseconds since 1970 UTC
    """
    try:
        return parse(source, raw, now=at, ignore_unknown=True, is_known=True)
    except RowRefused:
        return None
