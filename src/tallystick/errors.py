"""Every error raised on purpose, drawn as a tree, each with what its reader should do.

* TallystickError
  - DefinitionError      the project file is wrong     write what the sentence says
    · FieldUnknown       a stream has no such field
    · LeakRefused        a label is used before it is known
  - ConfigError          tally.toml or the command line is wrong
    · SettingOutOfRange  a setting has a value that has no meaning
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TallystickError(Exception):
    """Base of every error raised on purpose: a sentence for a person, never a stack trace."""


class DefinitionError(TallystickError):
    """A project file says something that has no meaning. The sentence starts with its file and line."""

    def __init__(self, sentence: str, *, where: str | None = None) -> None:
        self.where = where
        super().__init__(f"{where}: {sentence}" if where else sentence)


class FieldUnknown(DefinitionError, AttributeError):
    """A stream is asked for a field that it does not declare."""

    def __init__(self, field: str, *, stream: str, found: Iterable[str], where: str | None = None) -> None:
        self.field, self.stream, self.found = field, stream, sorted(found)
        super().__init__(
            f"{stream!r} has no field {field!r}. Declared: {', '.join(self.found)}. "
            f"{did_you_mean(field, self.found) or 'Declare it in fields={...}.'}",
            where=where,
        )


class LeakRefused(DefinitionError):
    """A value that becomes known later is used without saying when it becomes known."""

    def __init__(self, value: str, *, where: str | None = None) -> None:
        self.value = value
        super().__init__(
            f"{value} becomes known after the event and nothing says when, so a feature made of it would see "
            "the future. Write known_after='7d' (with the delay that is true in your house), or give a stream of "
            "reports whose time is when each became known.",
            where=where,
        )


class ConfigError(TallystickError):
    """tally.toml or the command line asks for something that does not exist. Correct it, run again."""


class SettingOutOfRange(ConfigError):
    """A setting has a value that has no meaning. Write one of the allowed values."""

    def __init__(self, setting: str, value: object, *, allowed: str) -> None:
        self.setting, self.value, self.allowed = setting, value, allowed
        super().__init__(f"{setting} is {value!r}, and must be {allowed}. Write a value that is.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the sentence that names the nearest known word, or nothing.

    >>> did_you_mean("amout", ["amount", "paid_at"])
    "Did you mean 'amount'?"
    """
    close = get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
