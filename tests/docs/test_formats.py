"""The page on formats is enough: programs that use nothing of ours verify log, ledger and checkpoints by it."""

import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


def test_the_pages_program_finds_a_flipped_byte(follow: Callable[[str], int], project: Path, tmp_path: Path) -> None:
    """The program on the page names the first position whose bytes are not those that were written."""
    follow("docs/formats.md")
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    copy = Path(shutil.copytree(project, tmp_path / "copy"))
    position = _flip_one_byte(copy / ".tally" / "log.db")

    ran = subprocess.run([sys.executable, "-c", program], cwd=copy, capture_output=True, text=True, check=False)

    assert "tallystick.log" not in program
    assert (ran.returncode, ran.stderr.strip()) == (1, f"position {position} is not what was written")


def test_the_ledger_is_as_the_page_says(follow: Callable[[str], int], project: Path) -> None:
    """Hashes, the order of entries, signatures and keys are those that the page describes."""
    follow("docs/formats.md")
    keys: dict[str, bytes] = {}
    known = hashlib.sha256(b"tallystick ledger genesis 1\n").hexdigest()

    for number, text, hashed, signature in _rows(project / ".tally" / "ledger.db"):
        record = json.loads(text)
        if record["kind"] == "actor_enrolled":
            keys[record["facts"]["name"]] = record["facts"]["public_key"].encode()
        _verify(keys[record["actor"]], signature, b"tallystick ledger signature 1\n" + hashed)
        assert (record["number"], record["previous"]) == (number, known)
        assert hashlib.sha256(b"tallystick ledger entry 1\n" + text.encode()).digest() == hashed
        known = hashed.hex()

    assert set(keys) >= {"ada", "vera"}


def test_checkpoints_are_as_the_page_says(follow: Callable[[str], int], project: Path) -> None:
    """Each line names an entry by its hash, follows the line before, and is signed by its actor."""
    follow("docs/formats.md")
    rows = _rows(project / ".tally" / "ledger.db")
    hashes = {number: hashed.hex() for number, _, hashed, _ in rows}
    records = [json.loads(text) for _, text, _, _ in rows]
    keys = {r["facts"]["name"]: r["facts"]["public_key"].encode() for r in records if r["kind"] == "actor_enrolled"}
    domain = b"tallystick ledger checkpoint 1\n"
    previous = hashlib.sha256(domain).hexdigest()

    for line in (project / ".tally" / "checkpoints.jsonl").read_bytes().splitlines(keepends=True):
        stated = json.loads(line)
        signature = bytes.fromhex(stated.pop("signature"))
        plain = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
        _verify(keys[stated["actor"]], signature, domain + plain)
        assert (stated["hash"], stated["previous"]) == (hashes[stated["number"]], previous)
        previous = hashlib.sha256(line).hexdigest()

    assert previous != hashlib.sha256(domain).hexdigest()


def _flip_one_byte(path: Path) -> int:
    with sqlite3.connect(path) as log:
        log.execute("DROP TRIGGER entries_are_written_once")
        position, body = log.execute("SELECT position, body FROM entries WHERE kind = 'event' LIMIT 1").fetchone()
        changed = body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]
        log.execute("UPDATE entries SET body = ? WHERE position = ?", (changed, position))
    log.close()
    return int(position)


def _rows(path: Path) -> list[tuple[int, str, bytes, bytes]]:
    with sqlite3.connect(path) as ledger:
        rows = ledger.execute("SELECT number, record, hash, signature FROM entries ORDER BY number").fetchall()
    ledger.close()
    return rows


def _verify(pem: bytes, signature: bytes, message: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key = load_pem_public_key(pem)
    assert isinstance(key, EllipticCurvePublicKey)
    assert len(signature) == 64
    key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
