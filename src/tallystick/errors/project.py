"""Settings and words of the command line that mean nothing.

ConfigError
· NameUnclear        a digest's beginning names nothing, or several things
· NothingApproved    no bundle may decide
· ModelUnnamed       bundles of several models are approved
· NothingServed      there is no log yet
· NobodyActs         the user has no name
· SettingOutOfRange  a setting has a value that has no meaning
"""

from collections.abc import Sequence

from tallystick.errors.base import TallystickError


class ConfigError(TallystickError):
    """tally.toml or the command line asks for something that does not exist. Correct it, run again."""


class SettingOutOfRange(ConfigError):
    """A setting has a value that has no meaning. Write one of the allowed values.

    Parameters
    ----------
    setting : its name
    value : what was given
    allowed : what may be given, in words
    """

    def __init__(self, setting: str, value: object, *, allowed: str) -> None:
        self.setting, self.value, self.allowed = setting, value, allowed
        super().__init__(f"{setting} is {value!r}, and must be {allowed}. Write a value that is.")


class NameUnclear(ConfigError):
    """A digest's beginning names nothing, or more than one thing. Write more of it.

    Parameters
    ----------
    what : what was to be named, such as "bundle"
    prefix : what was written
    found : all that begin so
    known : all there are, the latest last
    remedy : the command that makes one
    """

    def __init__(self, what: str, prefix: str, *, found: Sequence[str], known: Sequence[str], remedy: str) -> None:
        self.what, self.prefix, self.found, self.known = what, prefix, tuple(found), tuple(known)
        if len(found) > 1:
            shown = ", ".join(name[: max(12, len(prefix) + 4)] for name in found)
            super().__init__(f"{len(found)} {what}s begin with {prefix!r}: {shown}. Write more of the digest.")
            return
        shown = ", ".join(name[:12] for name in known[-5:])
        there = f"The latest are {shown}." if known else f"There is none yet: '{remedy}' makes one."
        super().__init__(f"No {what} begins with {prefix!r}. {there}" if prefix else f"No {what} was named. {there}")


class NothingApproved(ConfigError):
    """No bundle may decide. Release a candidate, and let somebody else approve it."""

    def __init__(self, model: str | None = None) -> None:
        self.model = model
        what = f"bundle of {model!r}" if model else "bundle"
        super().__init__(
            f"No {what} is approved, so nothing may decide. 'tally release' makes a bundle, and a validator who did "
            "not build it says 'tally --as NAME approve BUNDLE'."
        )


class ModelUnnamed(ConfigError):
    """Bundles of several models are approved, and none was named. Name a bundle."""

    def __init__(self, models: Sequence[str]) -> None:
        self.models = tuple(models)
        super().__init__(
            f"Bundles of {len(models)} models are approved, {', '.join(models)}, and none was named. "
            "Name the bundle; 'tally ledger show' lists those that were approved."
        )


class NobodyActs(ConfigError):
    """The user of this machine has no name, so nobody would have acted."""

    def __init__(self) -> None:
        super().__init__("Nobody acts: the user of this machine has no name. Say who acts: tally --as NAME ...")


class NothingServed(ConfigError):
    """There is no log: nothing was ever decided here."""

    def __init__(self) -> None:
        super().__init__("There is no log here: nothing was ever decided. 'tally serve' decides, and writes one.")
