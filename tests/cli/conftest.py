"""A small shop where everything was done once; each test may break a copy of its own."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tallystick import lifecycle
from tallystick.cli.main import main
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.serving.requests import Request
from tallystick.testing import card_project
from tallystick.testing.command import CommandResult, run


@dataclass(frozen=True, slots=True)
class Shop:
    """A project's folder, and the digests of what lies in it.

    Parameters
    ----------
    sound : the bundle without a failed check; vera approved it
    unsound : the bundle that failed one
    decided : a decision's id
    """

    folder: Path
    sound: str = ""
    unsound: str = ""
    decided: str = ""

    def tally(self, *arguments: str, actor: str = "ada") -> CommandResult:
        """Run a verb."""
        return run(main, "--project", str(self.folder), "--as", actor, *arguments)

    def document(self, *arguments: str, actor: str = "ada") -> Any:
        """Run a verb with --json, and return its document."""
        return self.tally(*arguments, "--json", actor=actor).document

    @property
    def hidden(self) -> Path:
        """Everything that the project remembers."""
        return self.folder / ".tally"


@pytest.fixture(scope="session")
def first_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Do everything once; nobody may change it."""
    folder, network = tmp_path_factory.mktemp("shop") / "shop", card_project.network()
    assert run(main, "--project", str(folder.parent), "new", "shop").code == 0
    card_project.fill_project(folder, network)
    shop = Shop(folder)
    trained = shop.document("train")
    released = [shop.document("release", made["candidate"])["bundle"] for made in trained]
    shop.document("enrol", "vera", "--role", "validator")
    shop.document("approve", released[0], actor="vera")
    raws = card_project.payments(network, 0)[:20]
    with lifecycle.open(folder, actor="ada", clock=SettableClock(card_project.LIVE + DAY_US)).service() as service:
        answers: list[Any] = service.decide([Request(raw) for raw in raws])
    return Shop(folder, released[0], released[1], answers[0].decision.record_id)


@pytest.fixture
def shop(first_shop: Shop, tmp_path: Path) -> Shop:
    """Return a copy of the shop, to be broken."""
    folder = tmp_path / "shop"
    shutil.copytree(first_shop.folder, folder)
    return Shop(folder, first_shop.sound, first_shop.unsound, first_shop.decided)


@pytest.fixture
def bare(tmp_path: Path) -> Shop:
    """Return a project that was just begun: no data, nothing trained."""
    assert run(main, "--project", str(tmp_path), "new", "bare").code == 0
    return Shop(tmp_path / "bare")
