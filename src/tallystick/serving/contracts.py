"""The contracts that records are held against: models may read one stream by different versions of it."""

from collections.abc import Iterable

from tallystick.definitions.streams import Source
from tallystick.journal.history import History
from tallystick.log.protocol import LogReader


class Contracts:
    """Every version of a stream or table that some model reads; versions that say the same are one.

    Parameters
    ----------
    log : it tells where the history lies
    sources : of all models; the first of a name is the one by which its records are taken
    """

    def __init__(self, log: LogReader, sources: Iterable[Source]) -> None:
        self._versions: list[Source] = []
        for source in sources:
            if source not in self._versions:
                self._versions.append(source)
        histories = [History.indexed(log, (version,)) for version in self._versions]
        self._histories = {id(v): history for v, history in zip(self._versions, histories, strict=True)}

    @property
    def taken(self) -> dict[str, Source]:
        """The sources by name, each in the version by which records are taken."""
        return {source.name: source for source in reversed(self._versions)}

    @property
    def without_history(self) -> tuple[str, ...]:
        """The streams and tables that were declared after the log began: none of their history is in it."""
        return tuple(dict.fromkeys(name for history in self._histories.values() for name in history.unknown))

    def of(self, source: Source) -> Source:
        """Return the one object that stands for all versions that say the same: they can be compared by ``is``."""
        return next(version for version in self._versions if version == source)

    def history(self, source: Source) -> History:
        """Return the history from before the log's first entry, as one of these versions reads it."""
        return self._histories[id(source)]
