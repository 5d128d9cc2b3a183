"""A writer to be killed: appends groups and prints each last position after it was acknowledged."""

import itertools
import os
import sys

from tallystick.log.entry import Draft
from tallystick.log.sqlite import SqliteLog

with SqliteLog.create_or_open(sys.argv[1]) as log:
    for group in itertools.count():
        drafts = [
            Draft(kind="event", stream="payments", id=f"{os.getpid()}-{group}-{i}", at=group, body=b"%d" % i)
            for i in range(1 + group % 7)
        ]
        entries = log.append(drafts)
        for entry in entries:
            sys.stdout.write(f"{entry.position} {entry.id}\n")
        sys.stdout.flush()
