"""Opening a log for reading: the one place that knows which reader reads which format."""

from collections.abc import Mapping
from pathlib import Path

from tallystick.log.database import format_of
from tallystick.log.protocol import LogReader
from tallystick.log.sqlite_reader import LOG_FILE, SqliteLogReader

READERS: Mapping[int, type[SqliteLogReader]] = {1: SqliteLogReader}
"""The reader of each format, by the number in the file's header. A format never changes; a new one gets a new line."""


def open_log(path: Path | str) -> LogReader:
    """Open an existing log for reading only, also while another process writes it.

    Parameters
    ----------
    path : Path or str
        The log's file.

    Raises
    ------
    LogUnavailable
        When there is no such file, or it cannot be read.
    LogFormatUnknown
        When no reader knows its format.
    LogDamaged
        When it is no log.
    """
    path = Path(path)
    connection = LOG_FILE.connect_for_reading(path)
    with LOG_FILE.translated(path):
        return READERS[format_of(connection)](path, connection)
