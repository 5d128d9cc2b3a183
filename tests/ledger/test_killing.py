"""A writer of the ledger killed at any moment loses nothing that it acknowledged."""

import random
import subprocess
import sys
import time
from pathlib import Path

from tallystick.ledger.keys import Signer
from tallystick.ledger.ledger import Ledger

RECORDING = Path(__file__).with_name("recording.py")


def test_every_acknowledged_entry_survives_a_kill(ledger: Ledger, ada: Signer) -> None:
    """After three kills all acknowledged entries and checkpoints are there, and the ledger proves itself."""
    chance = random.Random(3)  # noqa: S311
    for _ in range(3):
        command = [sys.executable, str(RECORDING), str(ledger.path.parent)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(chance.uniform(0.0, 0.2))
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
        writer.wait()

        words = [line.split() for line in lines if line.endswith("\n")]
        stated = {kind: int(number) for kind, number in words}
        assert ledger.verify().n_entries >= stated["entry"]
        assert ledger.checkpoints.read()[-1].number >= stated.get("checkpoint", 0)
    assert ledger.record("noted", {}, ada, 0).number == ledger.verify().n_entries
