"""What the locks promise: installed as they are, without resolving anything, they lack nothing, wherever we say so."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\]+?))? *\\?$")
RECORDED = json.loads((ROOT / "requirements" / "metadata.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HERE = {name: str(value) for name, value in default_environment().items()}
MACHINES = list(product(RECORDED["pythons"], RECORDED["platforms"]))


@dataclass(frozen=True)
class Pin:
    """One line of a lock: a version, and where it holds."""

    name: str
    version: str
    marker: str | None

    @property
    def text(self) -> str:
        """How the recording names it."""
        return f"{self.name}=={self.version}"

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Say whether the line is installed there."""
        return self.marker is None or Marker(self.marker).evaluate(dict(environment))


@dataclass(frozen=True)
class Lock:
    """A lock's pins, what the project itself asks of it, and what each pinned distribution says of itself."""

    pins: tuple[Pin, ...]
    roots: tuple[str, ...]
    recorded: Mapping[str, Mapping[str, Any]]

    def without(self, name: str) -> "Lock":
        """Return the lock as it would be with a line forgotten."""
        return replace(self, pins=tuple(pin for pin in self.pins if pin.name != name))


@dataclass
class Walk:
    """From what the project asks, by what each distribution asks, to what is not there."""

    lock: Lock
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self.pins = {pin.name: pin for pin in self.lock.pins if pin.holds(self.environment)}
        self.visited: set[tuple[str, str]] = set()
        self.problems: list[str] = []

    def follow(self, requirements: Iterable[str], asker: str, extra: str = "") -> "Walk":
        """Follow each requirement that is asked for here, as far as it leads."""
        for text in requirements:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({**self.environment, "extra": extra}):
                self._meet(requirement, asker)
        return self

    def _meet(self, requirement: Requirement, asker: str) -> None:
        pin = self.pins.get(canonicalize_name(requirement.name))
        if pin is None or not requirement.specifier.contains(pin.version, prereleases=True):
            found = "is not there" if pin is None else f"is {pin.version}"
            self.problems.append(f"{asker} asks for {requirement}, which {found}")
            return
        says = self.lock.recorded[pin.text]
        for extra in ("", *map(canonicalize_name, requirement.extras)):
            if extra and extra not in says.get("extras", []):
                self.problems.append(f"{asker} asks for {requirement}, and {pin.text} has no such extra")
            if (pin.name, extra) not in self.visited:
                self.visited.add((pin.name, extra))
                self.follow(says.get("requires", []), pin.text, extra)


def lock_of(name: str) -> Lock:
    """Read one of the two locks, with what the project asks of it."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    lines = [match.groups() for match in map(PIN.match, text.splitlines()) if match]
    pins = tuple(Pin(canonicalize_name(pinned), version, marker) for pinned, version, marker in lines)
    groups = PROJECT["dependency-groups"]
    group = groups["build"] + ([one for one in groups["dev"] if isinstance(one, str)] if name == "test" else [])
    roots = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["train"] + group
    return Lock(pins, tuple(roots), RECORDED["distributions"])


def environment_of(python: str, platform: str) -> dict[str, str]:
    """Return what markers see on a machine of the recording."""
    return {
        **dict.fromkeys(HERE, ""),
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
        **RECORDED["platforms"][platform],
    }


def walked(lock: Lock, python: str, platform: str) -> Walk:
    """Walk a lock on one machine: from the project, and from every pin by itself."""
    walk = Walk(lock, environment_of(python, platform))
    walk.follow(lock.roots, "the project")
    return walk.follow([pin.text for pin in walk.pins.values()], "the lock")


@pytest.mark.parametrize(("python", "platform"), MACHINES)
@pytest.mark.parametrize("name", ["demo", "test"])
class TestOnEveryMachine:
    """Python 3.11 to 3.14 on Linux x86-64, Linux arm64, macOS arm64."""

    def test_a_lock_is_closed(self, name: str, python: str, platform: str) -> None:
        """Each requirement of each pinned distribution, extras and markers included, is satisfied by the lock."""
        walk = walked(lock_of(name), python, platform)

        assert walk.problems == []
        assert len(walk.visited) >= len(walk.pins) > 40

    def test_each_pin_is_for_this_python(self, name: str, python: str, platform: str) -> None:
        """No pinned distribution excludes a version of Python for which it is pinned."""
        walk = walked(lock_of(name), python, platform)

        excluded = [
            pin.text
            for pin in walk.pins.values()
            if not SpecifierSet(RECORDED["distributions"][pin.text].get("python", "")).contains(f"{python}.9")
        ]

        assert excluded == []


class TestTheProof:
    """The proof above can fail: it finds what is planted."""

    @pytest.mark.parametrize(
        ("forgotten", "found"),
        [
            ("email-validator", "pydantic==.* asks for email-validator.*extra == .email., which is not there"),
            ("dnspython", "email-validator==.* asks for dnspython.*, which is not there"),
            ("hiredis", "redis==.* asks for hiredis.*extra == .hiredis., which is not there"),
            ("numpy", "the project asks for numpy>=.*, which is not there"),
        ],
    )
    def test_finds_a_forgotten_line(self, forgotten: str, found: str) -> None:
        """A line missing from the lock is found, one that only an extra asks for too."""
        problems = walked(lock_of("test").without(forgotten), "3.13", "Linux arm64").problems

        assert re.search(found, "\n".join(problems))

    def test_finds_another_version(self) -> None:
        """A version that a requirement excludes is found: llvmlite belongs to exactly one numba."""
        lock = lock_of("demo")
        pins = tuple(replace(pin, version="0.1.0") if pin.name == "llvmlite" else pin for pin in lock.pins)
        older = {**lock.recorded, "llvmlite==0.1.0": {}}

        problems = walked(replace(lock, pins=pins, recorded=older), "3.12", "macOS arm64").problems

        assert any(re.match(r"numba==.* asks for llvmlite.*, which is 0\.1\.0", problem) for problem in problems)

    def test_finds_an_extra_that_there_is_not(self) -> None:
        """An extra that a distribution no longer has is found, although pip only warns of it."""
        lock = lock_of("test")
        redis = next(pin.text for pin in lock.pins if pin.name == "redis")
        bare = {**lock.recorded, redis: {**lock.recorded[redis], "extras": []}}

        problems = walked(replace(lock, recorded=bare), "3.11", "Linux x86-64").problems

        assert any("has no such extra" in problem for problem in problems)


class TestTheLocks:
    """Two files that agree, name no index, and hold nothing that nobody asks for."""

    def test_agree(self) -> None:
        """What the demo is installed with is what the tests are run with."""
        assert set(lock_of("demo").pins) <= set(lock_of("test").pins)

    @pytest.mark.parametrize("name", ["demo", "test"])
    def test_hold_only_what_is_asked_for(self, name: str) -> None:
        """Every pin that holds on one of the machines is reached from what the project asks for."""
        lock = lock_of(name)
        environments = [environment_of(*machine) for machine in MACHINES]
        metrics = {
            visited
            for environment in environments
            for visited, _ in Walk(lock, environment).follow(lock.roots, "the project").visited
        }

        held = {pin.name for pin in lock.pins if any(map(pin.holds, environments))}

        assert held - metrics == set()

    @pytest.mark.parametrize("name", ["demo.lock", "test.lock", "metadata.json"])
    def test_name_no_index_and_no_machine(self, name: str) -> None:
        """No address and no path of whoever made them is in them."""
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")

        assert not re.search(r"://|--index|--find-links|--extra|@ |/(?:home|root)/", text)

    @pytest.mark.parametrize("name", ["demo", "test"])
    def test_have_a_hash_for_every_line(self, name: str) -> None:
        """Each pin is followed by at least one SHA-256."""
        text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
        pins = [block for block in re.split(r"\n(?=\S)", text) if block.strip()]

        assert len(pins) == len(lock_of(name).pins)
        assert [pin for pin in pins if not re.search(r"--hash=sha256:[0-9a-f]{64}", pin)] == []


class TestTheCore:
    """What a server installs is small."""

    @pytest.mark.parametrize(("python", "platform"), MACHINES)
    def test_is_at_most_26_distributions(self, python: str, platform: str) -> None:
        """The closure of the project's own dependencies, without any extra."""
        walk = Walk(lock_of("demo"), environment_of(python, platform))

        core = {name for name, _ in walk.follow(PROJECT["project"]["dependencies"], "the project").visited}

        assert walk.problems == []
        assert len(core) <= 26
        assert core.isdisjoint({"pandas", "pyspark", "pydantic", "scikit-learn", "lightgbm", "optuna"})


class TestTheRecording:
    """requirements/metadata.json says of every pin what the distribution says of itself."""

    def test_covers_exactly_the_pins(self) -> None:
        """No pin is missing from it and no other version lies in it; what is only for other machines aside."""
        pins = {
            pin.text
            for pin in lock_of("test").pins
            if any(pin.holds(environment_of(python, platform)) for python, platform in MACHINES)
        }

        assert set(RECORDED["distributions"]) == pins

    def test_agrees_with_what_is_installed_here(self) -> None:
        """Each installed distribution of the lock asks for the same as the recording says, here, extras included."""
        lock = lock_of("test")
        here = Walk(lock, HERE).follow(lock.roots, "the project")
        differing = []
        for name, extra in sorted(here.visited):
            distribution = metadata.distribution(name)
            environment = {**HERE, "extra": extra}
            stated = active(distribution.requires or [], environment)
            recorded = active(RECORDED["distributions"][here.pins[name].text].get("requires", []), environment)
            if (distribution.version, stated) != (here.pins[name].version, recorded):
                differing.append((name, extra, distribution.version, stated ^ recorded))

        assert differing == []
        assert len(here.visited) > 100

    def test_says_which_wheels_are_missing_and_so_does_the_readme(self) -> None:
        """What has no wheel somewhere is named in the README, with where; the demo needs none of it."""
        lacking = {pin: says["no_wheel"] for pin, says in RECORDED["distributions"].items() if "no_wheel" in says}
        section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
        everywhere = [f"{python} {platform}" for python, platform in MACHINES]

        for pin, machines in lacking.items():
            name = pin.partition("==")[0]
            where = "anywhere" if machines == everywhere else ", ".join(machines)
            assert f"`{name}` has no wheel {where}" in section.replace("\n", " ")
        assert section.count("has no wheel") == len(lacking)
        assert set(lacking).isdisjoint(pin.text for pin in lock_of("demo").pins)


def active(requirements: Iterable[str], environment: Mapping[str, str]) -> set[str]:
    """Return what of some requirements holds in an environment, without the markers that made it hold."""
    held = set()
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            requirement.marker = None
            requirement.name = canonicalize_name(requirement.name)
            held.add(str(requirement))
    return held
