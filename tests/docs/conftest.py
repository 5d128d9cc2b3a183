"""A reader's way through the pages: their blocks are run in order by one bash, in a project that page 1 makes."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = (
    "docs/1-first-project.md",
    "docs/2-what-features-mean.md",
    "docs/3-serving-and-deciding.md",
    "docs/4-replay.md",
    "docs/5-monitoring-and-retraining.md",
    "docs/6-people-keys-and-the-ledger.md",
    "docs/7-when-something-goes-wrong.md",
    "docs/formats.md",
)
MARK = "=== done "
PATIENCE_S = 240.0
PORT = "8710"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"\s+# exits (\d+)$")
_DIGEST = re.compile(r"\b[0-9a-f]{8,64}\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the line of the page it begins at."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a page writes it, the exit code it promises, and the output printed below it."""

    text: str
    exits: int
    shown: str


@dataclass
class Journey:
    """Pages followed in order, each once, in one project."""

    folder: Path
    environment: Mapping[str, str]
    n_blocks: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """The project that page 1 makes."""
        return self.folder / "card-fraud"

    def follow(self, page: str) -> int:
        """Follow a page, after those before it; return how many of its blocks were run.

        The README is followed in a copy of the project as it is when its bundle has just been approved.
        """
        if page == "README.md":
            self.follow(CHAPTERS[0])
            return self.read(page, self.folder / "approved" / "card-fraud")
        for each in CHAPTERS[: CHAPTERS.index(page) + 1]:
            assert each not in self.broken, f"{each} comes before {page}, and did not hold"
            if each not in self.n_blocks:
                self.broken.add(each)
                self.n_blocks[each] = self.read(each, self.project if self.n_blocks else self.folder)
                self.broken.remove(each)
                if each == CHAPTERS[0]:
                    shutil.copytree(self.project, self.folder / "approved" / "card-fraud")
        return self.n_blocks[page]

    def read(self, page: str, folder: Path) -> int:
        """Follow one page in a folder."""
        with Reader(folder, port=_free_port(), environment=self.environment, digests=self.digests) as reader:
            return reader.follow(page)


class Reader:
    """Reads pages and does what they say.

    Two things differ from the page. The server listens on a port of the test's own. A digest is another one every
    time, so wherever a page shows one, the one printed at the same place is meant from then on.

    Parameters
    ----------
    folder : where the reader's shell begins
    port : the free port that stands for the page's
    digests : printed digests by the written ones, shared by the pages of one project; grows
    """

    def __init__(self, folder: Path, *, port: int, environment: Mapping[str, str], digests: dict[str, str]) -> None:
        self.folder, self.port, self.digests = folder, str(port), digests
        self.bash = subprocess.Popen(
            ["bash"], cwd=folder, env=dict(environment), text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._patience = threading.Timer(PATIENCE_S, self.bash.kill)
        self._patience.start()
        # A reader sees the sentence on the screen; here a pipe must not hide that a command failed.
        self.run("set -o pipefail")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What the page left running in the background is stopped; wait lets it end before the next page begins.
        self.run("kill $(jobs -p) 2>/dev/null; wait")
        self._patience.cancel()
        assert self.bash.stdin is not None
        self.bash.stdin.close()
        self.bash.wait()

    def follow(self, page: str) -> int:
        """Do everything a page says; return how many blocks were run, and fail at the first broken promise."""
        n = 0
        for block in blocks(page):
            where = f"{page}:{block.line}"
            if block.language == "console":
                for command in commands(block):
                    self._do(command, where)
                n += 1
            elif block.language == "python":
                code, printed = self._python(block, n)
                assert code == 0, f"{where}: the python block ends with {code}:\n{printed}"
                n += 1
        return n

    def run(self, text: str) -> tuple[int, str]:
        """Run one command in the shell; return its exit code and what it printed."""
        assert self.bash.stdin is not None
        assert self.bash.stdout is not None
        self.bash.stdin.write(f"{{ {text}\n}} < /dev/null; printf '\\n{MARK}%s\\n' $?\n")
        self.bash.stdin.flush()
        printed: list[str] = []
        for line in self.bash.stdout:
            if line.startswith(MARK):
                return int(line.removeprefix(MARK)), "".join(printed)
            printed.append(line)
        raise AssertionError(f"The shell ended at: {text}\n{''.join(printed)}")

    def _do(self, command: Command, where: str) -> None:
        code, printed = self.run(self._meant(command.text))
        assert code == command.exits, f"{where}: '{command.text}' exits {code}, not {command.exits}:\n{printed}"
        self.digests |= dict(zip(_DIGEST.findall(command.shown), _DIGEST.findall(printed), strict=False))
        if command.text.endswith(" serve &"):
            health = f"http://127.0.0.1:{self.port}/healthz"
            tries = f"for try in $(seq 400); do curl -s -o /dev/null {health} && break; sleep 0.05; done"
            assert self.run(f"{tries}; curl -s -o /dev/null {health}")[0] == 0, f"{where}: the server does not answer"

    def _python(self, block: Block, number: int) -> tuple[int, str]:
        # Beside the project, not in it: what a reader types at a prompt leaves no file there.
        path = self.folder.parent / f"block-{number}.py"
        path.write_text(block.text, encoding="utf-8")
        return self.run(f"PYTHONPATH=.${{PYTHONPATH:+:$PYTHONPATH}} {sys.executable} {path}")

    def _meant(self, text: str) -> str:
        """Return a written command as it is meant here and now."""
        requested = text.replace(" serve &", f" serve --port {self.port} &").replace(PORT, self.port)
        return _DIGEST.sub(lambda found: self._digest(found[0]), requested)

    def _digest(self, written: str) -> str:
        known = [real for shown, real in self.digests.items() if shown.startswith(written)]
        return known[0][: len(written)] if known else written


def blocks(page: str) -> Iterator[Block]:
    """Yield a page's fenced blocks in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a console block: lines after '$ ', continued by a backslash or within quotes.

    A command's last line may end in '# exits N'; without that it promises 0.
    """
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    for part in parts:
        lines = part.splitlines()
        n = 1
        while lines[n - 1].endswith("\\") or "\n".join(lines[:n]).count("'") % 2:
            n += 1
        text = "\n".join(lines[:n])
        noted = _EXITS.search(text)
        yield Command(_EXITS.sub("", text), int(noted[1]) if noted else 0, "\n".join(lines[n:]))


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Return a reader with an empty folder and our commands on the path."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the pages speak to bash and curl, and one of them is not installed")
    folder = tmp_path_factory.mktemp("pages")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
    return Journey(folder, kept | {"PATH": path, "HOME": str(folder), "TERM": "dumb", "COLUMNS": "100"})


@pytest.fixture
def follow(journey: Journey) -> Callable[[str], int]:
    """Return the function that follows a page, after those before it; it says how many blocks were run."""
    return journey.follow


@pytest.fixture
def project(journey: Journey) -> Path:
    """Return the project of the pages, as far as they were followed."""
    return journey.project


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
