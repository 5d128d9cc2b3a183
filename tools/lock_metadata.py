"""Record what every pinned distribution says of itself: ``python tools/lock_metadata.py`` writes the JSON file below.

A lock is installed as it is, with nothing resolved, on machines that nobody here has. What the pinned distributions
require, and for which Python and platform each has a wheel, is therefore asked of the package index when the lock is
made, by way of pip; tests/test_lock.py then proves the lock closed without any index.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
LOCKS = (FOLDER / "demo.lock", FOLDER / "test.lock")
TARGET = FOLDER / "metadata.json"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux x86-64": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "Linux arm64": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "macOS arm64": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}
MAX_GLIBC = 28  # 2.28: Debian 10, RHEL 8 and everything younger
MAX_MACOS = 14
PIN = re.compile(r"^([A-Za-z0-9._-]+==[^\s;]+)(?: ; ([^\\]+?))? *\\?$", re.MULTILINE)
NOT_FOUND = re.compile(r"No matching distribution found for (\S+==\S+)")
EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def record() -> dict[str, Any]:
    """Return what there is to know of every pin, as plain JSON."""
    pins = {pin: marker for lock in LOCKS for pin, marker in PIN.findall(lock.read_text(encoding="utf-8"))}
    known: dict[str, Any] = {}
    missing: dict[str, list[str]] = {}
    for python in PYTHONS:
        for platform, markers in PLATFORMS.items():
            environment = markers_of(python, markers)
            wanted = sorted(pin for pin, marker in pins.items() if not marker or Marker(marker).evaluate(environment))
            found = _wheels(wanted, python, platform)
            for pin in sorted(set(wanted) - set(found)):
                missing.setdefault(pin, []).append(f"{python} {platform}")
            known |= found
            sys.stderr.write(f"{python} {platform}: {len(found)} of {len(wanted)} have a wheel\n")
    # What has no wheel anywhere says what it requires only when it is built, which this machine can do.
    known |= _reported(sorted(set(missing) - set(known)), "--no-build-isolation")
    requested = _requested_extras(known.values())
    return {
        "pythons": PYTHONS,
        "platforms": PLATFORMS,
        "distributions": {pin: _entry(known[pin], requested, missing.get(pin)) for pin in sorted(known)},
    }


def markers_of(python: str, platform: Mapping[str, str]) -> dict[str, str]:
    """Return everything that a marker can ask of CPython on a platform.

    Parameters
    ----------
    python : such as 3.14
    platform : what its markers say of it
    """
    return {
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
        **platform,
    }


def _wheels(pins: Iterable[str], python: str, platform: str) -> dict[str, Any]:
    """Return the metadata of those pins that have a wheel for this Python and platform."""
    left = list(pins)
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    options += [f"--platform={tag}" for tag in _tags(platform)]
    while True:
        try:
            return _reported(left, *options)
        except subprocess.CalledProcessError as error:
            lacking = set(NOT_FOUND.findall(error.stderr)) & set(left)
            if not lacking:
                sys.stderr.write(error.stderr)
                raise
            left = [pin for pin in left if pin not in lacking]


def _tags(platform: str) -> list[str]:
    if platform == "macOS arm64":
        return [f"macosx_{MAX_MACOS}_0_arm64"]
    machine = PLATFORMS[platform]["platform_machine"]
    return [f"manylinux{age}_{machine}" for age in ("2014", *(f"_2_{minor}" for minor in range(5, MAX_GLIBC + 1)))]


def _reported(pins: Iterable[str], *options: str) -> dict[str, Any]:
    """Return the metadata that pip reports of these pins, without installing anything."""
    wanted = list(pins)
    if not wanted:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
        subprocess.run([*command, "--report", report, *options, *wanted], check=True, capture_output=True, text=True)
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    metadata = {canonicalize_name(found["metadata"]["name"]): found["metadata"] for found in installs}
    return {pin: metadata[canonicalize_name(pin.partition("==")[0])] for pin in wanted}


def _requested_extras(known: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the extras that are asked for by anything that is itself asked for, by distribution."""
    texts = [(canonicalize_name(one["name"]), text) for one in known for text in one.get("requires_dist", [])]
    requested: dict[str, set[str]] = _project_extras()
    while True:
        before = sum(map(len, requested.values()))
        for name, text in texts:
            if _is_kept(text, requested.get(name, set())):
                requirement = Requirement(text)
                requested.setdefault(canonicalize_name(requirement.name), set()).update(requirement.extras)
        if sum(map(len, requested.values())) == before:
            return requested


def _project_extras() -> dict[str, set[str]]:
    project = (FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8")
    found = re.findall(r'"([A-Za-z0-9._-]+)\[([^\]]+)\]', project)
    return {canonicalize_name(name): {extra.strip() for extra in extras.split(",")} for name, extras in found}


def _is_kept(requirement: str, extras: set[str]) -> bool:
    """Say whether a requirement can matter: it belongs to no extra, or to one that somebody asks for."""
    named = {canonicalize_name(extra) for extra in EXTRA.findall(requirement)}
    return not named or bool(named & {canonicalize_name(extra) for extra in extras})


def _entry(metadata: Mapping[str, Any], requested: Mapping[str, set[str]], missing: list[str] | None) -> dict[str, Any]:
    extras = requested.get(canonicalize_name(metadata["name"]), set())
    entry = {
        "python": metadata.get("requires_python"),
        "requires": sorted(text for text in metadata.get("requires_dist", []) if _is_kept(text, extras)),
        "extras": sorted(extras & {canonicalize_name(extra) for extra in metadata.get("provides_extra", [])}),
        "no_wheel": missing,
    }
    return {key: value for key, value in entry.items() if value}


def main() -> None:
    """Write what is recorded, so that two recordings of one lock are the same text."""
    TARGET.write_text(json.dumps(record(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
