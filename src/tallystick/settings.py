"""What tally.toml may say, and where the things of a project lie."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tallystick.errors import ConfigError, did_you_mean

NAME = "tally.toml"


class DataSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reading. ``max_refused_share``: a source with a larger share of refused rows stops the run, 0 to 1."""

    max_refused_share: Annotated[float, Meta(ge=0, le=1)] = 0.05


class ServingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where decisions are answered: the loopback address unless told otherwise."""

    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8710


class StateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the state is that features are served from.

    Parameters
    ----------
    url : of a Redis, such as ``redis://host:6379/0`` or ``unix:///run/redis.sock``, which no other project uses; an
        environment variable may stand for a password: ``redis://:$REDIS_PASSWORD@host:6379/0``. Without one, the state
        is in ``.tally/state``
    """

    url: Annotated[str, Meta(min_length=1)] | None = None


class MonitoringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the alarm of bad decisions rises.

    Parameters
    ----------
    tolerated_rise : how far above the reference rate still counts as quiet, as a share of it
    false_alarms : largest chance that a quiet model ever raises the alarm
    clump : most bad decisions that one event brings at once, such as one stolen card
    """

    tolerated_rise: Annotated[float, Meta(ge=0)] = 0.5
    false_alarms: Annotated[float, Meta(gt=0, lt=1)] = 0.01
    clump: Annotated[float, Meta(ge=1)] = 5.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything tally.toml may say; without one these defaults hold.

    Parameters
    ----------
    project : the file with the definitions
    actor : who acts when the command line does not say
    """

    project: str = "project.py"
    actor: str | None = None
    data: DataSettings = DataSettings()
    serving: ServingSettings = ServingSettings()
    state: StateSettings = StateSettings()
    monitoring: MonitoringSettings = MonitoringSettings()


@dataclass(frozen=True, slots=True)
class Places:
    """Where the things of a project lie, all inside its hidden folder but the definitions.

    Parameters
    ----------
    root : the project's folder
    """

    root: Path

    @property
    def hidden(self) -> Path:
        """The folder that holds everything the project remembers."""
        return self.root / ".tally"

    def make(self) -> None:
        """Make the hidden folder where it is missing, for its owner alone: raw requests lie in it."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.hidden.mkdir(mode=0o700, exist_ok=True)

    @property
    def keys(self) -> Path:
        """Private keys of the actors who act on this machine."""
        return self.hidden / "keys"

    @property
    def ledger(self) -> Path:
        """What people did."""
        return self.hidden / "ledger.db"

    @property
    def checkpoints(self) -> Path:
        """Signed checkpoints of the ledger; copy them to where its keeper cannot write."""
        return self.hidden / "checkpoints.jsonl"

    @property
    def log(self) -> Path:
        """Events, decisions, outcomes and faults, in order of arrival."""
        return self.hidden / "log.db"

    @property
    def state(self) -> Path:
        """Caches of the log that make features fast, one per feature set; may be deleted at any time."""
        return self.hidden / "state"

    @property
    def segments(self) -> Path:
        """History loaded before the first start, kept under its digest."""
        return self.hidden / "segments"

    @property
    def candidates(self) -> Path:
        """Trained candidates, each under its digest."""
        return self.hidden / "candidates"

    @property
    def evidence(self) -> Path:
        """What the checks found, each under its digest."""
        return self.hidden / "evidence"

    @property
    def bundles(self) -> Path:
        """Signed bundles, each under its digest."""
        return self.hidden / "bundles"

    @property
    def quarantine(self) -> Path:
        """Refused rows with their reasons."""
        return self.hidden / "quarantine"

    @property
    def spill(self) -> Path:
        """What does not fit into memory while features are computed; gone when they are."""
        return self.hidden / "spill"

    @property
    def tokens(self) -> Path:
        """Digests of the tokens that callers of the server hold."""
        return self.hidden / "tokens"


def read(root: Path) -> Settings:
    """Return the settings of a project's folder.

    Raises
    ------
    ConfigError
        If tally.toml is no TOML, or says something unknown.

    Examples
    --------
    >>> read(Path("a-folder-without-one")).serving.port
    8710
    """
    path = root / NAME
    if not path.is_file():
        return Settings()
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(plain, Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        sentence = f"{NAME} is no TOML: {error}. Correct that line."
        raise ConfigError(sentence) from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{NAME}: {error}. {_allowed(plain)}") from None


def _allowed(plain: dict[str, object]) -> str:
    known = [field.name for field in msgspec.structs.fields(Settings)]
    strange = [name for name in plain if name not in known]
    hint = did_you_mean(strange[0], known) if strange else ""
    sections = "; ".join(
        f"[{section}] {', '.join(field.name for field in msgspec.structs.fields(kind))}"
        for section, kind in (
            ("data", DataSettings),
            ("serving", ServingSettings),
            ("state", StateSettings),
            ("monitoring", MonitoringSettings),
        )
    )
    return f"{hint} It may say: project, actor; {sections}.".strip()
