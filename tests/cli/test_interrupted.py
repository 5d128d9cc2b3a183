"""A verb that is interrupted, killed or refused by the machine leaves nothing half-written; the next one works."""

import contextlib
import errno
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallystick.cli import show
from tallystick.cli.main import main
from tallystick.cli.screen import Screen
from tallystick.ledger.ledger import Ledger
from tallystick.testing import card_project
from tallystick.testing.command import connected, ended, free_port, run, start
from tallystick.testing.server_process import send

FOR_EVER = "trials=100_000"


def _begun(shop: Any) -> subprocess.Popen[str]:
    """Start a training that would last for ever, and wait until it is in the middle."""
    project = shop.folder / "project.py"
    project.write_text(project.read_text(encoding="utf-8").replace("trials=1", FOR_EVER), encoding="utf-8")
    shutil.rmtree(shop.hidden)
    process = start("--project", str(shop.folder), "--as", "ada", "train")
    while process.poll() is None and not (shop.hidden / "ledger.db").exists():
        time.sleep(0.05)
    time.sleep(1.5)
    return process


def _nothing_is_half_written(shop: Any) -> None:
    project = shop.folder / "project.py"
    project.write_text(project.read_text(encoding="utf-8").replace(FOR_EVER, "trials=1"), encoding="utf-8")
    trained = shop.document("train")
    assert shop.document("ledger", "verify")["holds"]
    assert {path.name for path in (shop.hidden / "candidates").iterdir()} == {made["candidate"] for made in trained}


def _is_one_sentence(text: str, begins: str) -> bool:
    # The terminal shows ^C; click ends that line before the sentence.
    return text.strip().startswith(begins) and "\n" not in text.strip()


def test_ctrl_c_while_training(shop: Any) -> None:
    """Ctrl-C in the middle of a training ends it with one sentence and 130; the next training works."""
    process = _begun(shop)

    process.send_signal(signal.SIGINT)

    ran = ended(process)
    assert (ran.code, ran.out) == (130, "")
    assert _is_one_sentence(ran.err, "tally: Stopped.")
    _nothing_is_half_written(shop)


def test_a_kill_while_training(shop: Any) -> None:
    """A training that is killed leaves a ledger that holds and nothing half-written."""
    process = _begun(shop)

    process.kill()

    assert ended(process).code == -signal.SIGKILL
    _nothing_is_half_written(shop)


def test_a_kill_while_serving(shop: Any) -> None:
    """What a server acknowledged before it was killed is there at the next start, and replays."""
    token = {"authorization": f"Bearer {shop.document('token', 'till', '--scope', 'decide')['token']}"}
    raw, port = card_project.payments(card_project.network(), 0)[30], free_port()
    arguments = ("--project", str(shop.folder), "--as", "ada", "serve", "--port", str(port))
    process = start(*arguments, "--rehearse-at", "2025-04-23")
    reply = send(connected(port), "POST", "/decisions", raw, token)

    process.kill()

    ended(process)
    restarted = start(*arguments, "--rehearse-at", "2025-04-23")
    repeated = send(connected(port), "POST", "/decisions", raw, token)
    restarted.send_signal(signal.SIGINT)
    ran = ended(restarted)
    assert (reply.status, repeated.body["action"]) == (200, reply.body["action"])
    assert (ran.code, ran.err) == (0, "")
    assert "Stopped: everything acknowledged is in the log" in ran.out
    assert shop.tally("replay", msgspec.json.decode(raw)["payment_id"]).code == 0


def test_the_log_has_one_writer(shop: Any) -> None:
    """A second server is told which process holds the log; reading beside the first one works."""
    port = free_port()
    first = start("--project", str(shop.folder), "--as", "ada", "serve", "--port", str(port))
    connected(port).close()

    second, replayed = shop.tally("serve", "--port", str(free_port())), shop.tally("replay", shop.decided)

    first.send_signal(signal.SIGTERM)
    assert ended(first).code == 0
    assert (second.code, f"process {first.pid}" in second.err) == (2, True)
    assert replayed.code == 0


def test_a_port_in_use_is_told(shop: Any) -> None:
    """A port that somebody listens on is named before anything is served."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        ran = shop.tally("serve", "--port", str(other.getsockname()[1]))

    assert (ran.code, "Address already in use" in ran.err) == (2, True)


@pytest.mark.parametrize("verb", ["train", "features", "ledger"])
def test_a_full_disk_is_told(verb: str, shop: Any, tmp_path: Path) -> None:
    """Where no file can grow any more, the verb says which one the machine refused; nothing is half-written."""
    shutil.rmtree(shop.hidden)
    longer = {"features": [str(tmp_path / "out.parquet")], "ledger": ["show"]}
    arguments = [verb, *longer.get(verb, [])]
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, {resource.RLIM_INFINITY}))"
    code = f"{limit}; from tallystick.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--project", str(shop.folder), "--as", "ada", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    ran = ended(process)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("tally: ")
    assert [word for word in ("Traceback", "damaged") if word in ran.err] == []
    assert not (tmp_path / "out.parquet").exists()
    assert shop.tally("train").code == 0


def test_a_refusing_machine_is_a_sentence(monkeypatch: pytest.MonkeyPatch, first_shop: Any) -> None:
    """Whatever the operating system refuses, wherever, is told with the file."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/log.db")

    monkeypatch.setattr(Ledger, "entries", full)

    ran = first_shop.tally("ledger", "show")

    assert ran.code == 2
    assert "No space left on device (/data/log.db)" in ran.err


def test_a_fault_of_ours_says_so(monkeypatch: pytest.MonkeyPatch, first_shop: Any) -> None:
    """A bug is one sentence that takes the blame, exits 3, and says where its trace lies."""
    monkeypatch.delenv("TALLY_TRACE", raising=False)
    monkeypatch.setattr(Screen, "say", lambda *_: 1 / 0)

    ran = first_shop.tally("show")

    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert "a fault of Tallystick, not yours (ZeroDivisionError: division by zero)" in ran.err
    trace = Path(next(word for word in ran.err.split() if word.endswith(".trace")))
    assert "ZeroDivisionError" in trace.read_text(encoding="utf-8")
    trace.unlink()


def test_a_fault_is_shown_to_who_asks(monkeypatch: pytest.MonkeyPatch, first_shop: Any) -> None:
    """With TALLY_TRACE=1 the trace stands on stderr."""
    monkeypatch.setenv("TALLY_TRACE", "1")
    monkeypatch.setattr(show, "listing", lambda *_: 1 / 0)

    ran = first_shop.tally("show", "--all")

    assert ran.code == 3
    assert "Traceback" in ran.err


def test_a_reader_that_left_is_no_error(first_shop: Any) -> None:
    """``tally ledger show | head -1`` ends without a complaint."""
    process = start("--project", str(first_shop.folder), "ledger", "show", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None

    ran = ended(process)

    assert ran.err in {"", None}


def test_an_interrupt_is_never_lost() -> None:
    """An interrupt that struck where Python goes on all the same ends the verb at its next step."""

    def swallowed() -> None:
        with Screen(as_json=True).progress() as step:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            step("search", 1, 2)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    with pytest.raises(KeyboardInterrupt):
        swallowed()

    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_an_interrupt_before_anything_is_told(monkeypatch: pytest.MonkeyPatch, first_shop: Any) -> None:
    """Ctrl-C anywhere in a verb is 130 and one sentence."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "entries", interrupted)

    ran = run(main, "--project", str(first_shop.folder), "ledger", "show")

    assert ran.code == 130
    assert _is_one_sentence(ran.err, "tally: Stopped.")


def test_an_interrupt_while_loading_is_told() -> None:
    """Ctrl-C before the command line is there, in the first second, is one sentence and 130."""
    program = (
        "import signal, sys\n"
        "from tallystick.__main__ import main\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'tallystick.cli':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "main()\n"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (130, "")
    assert _is_one_sentence(ran.stderr, "tally: Stopped before anything was begun.")


def test_a_fault_is_shown_where_no_file_takes_it(monkeypatch: pytest.MonkeyPatch, first_shop: Any) -> None:
    """Where no folder can be written, as in a read-only container, the trace stands on stderr."""
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    monkeypatch.setattr(show, "listing", lambda *_: 1 / 0)

    ran = first_shop.tally("show", "--all")

    assert ran.code == 3
    assert "Traceback" in ran.err
    assert "which is above" in ran.err


def test_ctrl_c_within_code_made_from_text_ends_by_our_exit_code(bare: Any) -> None:
    """An interrupt inside such code, as of a dataclass that is just declared, ends with the sentence and 130 too."""
    text = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
    (bare.folder / "project.py").write_text(f"exec({text!r})\n", encoding="utf-8")

    ran = ended(start("--project", str(bare.folder), "check"))

    assert (ran.code, ran.out) == (130, "")
    assert _is_one_sentence(ran.err, "tally: Stopped.")
