"""A writer to be killed: records entries and checkpoints, and prints each number after it was acknowledged."""

import itertools
import sys
from pathlib import Path

from tallystick.ledger.keys import Keys
from tallystick.ledger.ledger import Ledger


def record_for_ever(folder: Path) -> None:
    """Record entries, every third with a checkpoint, and say which are durable."""
    ledger = Ledger.open(folder / "ledger.sqlite", folder / "checkpoints.jsonl")
    ada = Keys(folder / "keys").load("ada")
    for at in itertools.count():
        sys.stdout.write(f"entry {ledger.record('noted', {'n': at}, ada, at).number}\n")
        if at % 3 == 0:
            sys.stdout.write(f"checkpoint {ledger.checkpoint(ada, at).number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    record_for_ever(Path(sys.argv[1]))
