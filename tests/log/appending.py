"""A writer to be killed: appends groups and prints each position after it was acknowledged."""

import itertools
import os
import sys

from tallystick.log.entry import Draft
from tallystick.log.sqlite import SqliteLog


def append_for_ever(path: str) -> None:
    """Append groups of one to seven entries, and say which are durable."""
    with SqliteLog.create_or_open(path) as log:
        for group in itertools.count():
            drafts = [
                Draft(kind="event", namespace="payments", id=f"{os.getpid()}-{group}-{i}", at=group, body=b"%d" % i)
                for i in range(1 + group % 7)
            ]
            for entry in log.append(drafts):
                sys.stdout.write(f"{entry.position} {entry.id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    append_for_ever(sys.argv[1])
